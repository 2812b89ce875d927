# Every target does its own set-up in .venv; `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help demo test test-full check bench lock docs clean

help:
	@echo "make demo       start the lab, audit it, write demo-out/report.html"
	@echo "make test       the whole suite (under 10 minutes on two cores)"
	@echo "make test-full  the long fuzz and fault runs as well"
	@echo "make check      lint, types, order of imports"
	@echo "make bench      each benchmark against its peer"
	@echo "make docs       write the pages generated from tables and checks"
	@echo "make lock       resolve the dependencies anew into requirements/"

$(READY): requirements/all.txt requirements/schemas.txt pyproject.toml
	@PYTHON="$(PYTHON)" sh scripts/venv.sh $(VENV) requirements/all.txt requirements/schemas.txt
	@touch $@

demo: $(READY)
	@rm -rf demo-out
	$(BIN)/plumbline demo -o demo-out

test: $(READY)
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -m "not full"

test-full: $(READY)
	$(BIN)/python -m pytest -q -n 2 --dist worksteal --timeout 3600

check: $(READY)
	$(BIN)/ruff check src tests benchmarks docs scripts
	$(BIN)/ruff format --check src tests benchmarks docs scripts
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(READY)
	$(BIN)/python -m benchmarks

docs: $(READY)
	$(BIN)/python -m docs.generate

lock: $(READY)
	$(BIN)/python scripts/lock.py

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache demo-out bench-out
