"""Walks every registry: a unit without its words, its page, its test or its example fails here (DESIGN section 3)."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

from docs.generate import DOCS, pages
from plumbline import collect, protocols
from plumbline.checks.check import Check
from plumbline.checks.registry import load_registry
from plumbline.collect.network.probe import Probe
from plumbline.collect.network.registry import load_probes
from plumbline.evidence.specs import TableSpec, load_tables
from plumbline.model.words import Layer

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "plumbline"
CHECKS = list(load_registry().checks.values())


@pytest.mark.parametrize("name", pages())
def test_a_generated_page_says_what_the_source_says(name: str) -> None:
    written = DOCS / name
    assert written.exists(), f"docs/{name} is missing: run `make docs`"
    assert written.read_text(encoding="utf-8") == pages()[name].rstrip() + "\n", f"docs/{name} is stale: run `make docs`"


@pytest.mark.parametrize("spec", load_tables().values(), ids=lambda spec: spec.name)
def test_a_table_is_filled_by_a_collector_or_derived(spec: TableSpec) -> None:
    folder = "collect" if spec.derived is None else spec.derived
    fillers = [path for path in (SOURCE / folder).rglob("*.py") if f'"{spec.name}"' in path.read_text(encoding="utf-8")]
    assert fillers, f"nothing in {folder} names the table {spec.name}"


@pytest.mark.parametrize("name", [one.name for one in pkgutil.iter_modules(collect.__path__) if one.ispkg and one.name != "network"])
def test_a_collector_of_files_collects_and_names_its_tables(name: str) -> None:
    module = importlib.import_module(f"{collect.__name__}.{name}")
    assert callable(module.collect)
    assert set(module.TABLES) <= load_tables().keys()


@pytest.mark.parametrize("probe", load_probes().values(), ids=lambda probe: probe.protocol)
def test_a_probe_says_what_it_asks_and_has_a_test(probe: Probe) -> None:
    module = SOURCE / "collect" / "network" / "probes" / f"{probe.protocol}.py"
    assert "xchange" in module.read_text(encoding="utf-8").split('"""')[1], "its docstring must say how many exchanges it makes"
    tests = (ROOT / "tests" / "collect" / "network" / "probes").glob("test_*.py")
    assert any(f'"{probe.protocol}"' in path.read_text(encoding="utf-8") for path in tests), f"no test visits with {probe.protocol}"


@pytest.mark.parametrize("module", sorted(Path(protocols.__path__[0]).glob("[a-z]*.py")), ids=lambda path: path.stem)
def test_a_codec_has_a_test_or_serves_one_that_has(module: Path) -> None:
    users = [*(ROOT / "tests" / "protocols").glob("test_*.py"), *(SOURCE / "protocols").glob("*.py")]
    named = re.compile(rf"plumbline\.protocols(\.{module.stem}\b| import .*\b{module.stem}\b)")
    assert any(named.search(path.read_text(encoding="utf-8")) for path in users if path != module), "nothing uses it"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_a_check_is_named_after_its_bad_state_and_ends_its_sentences(check: Check) -> None:
    assert re.fullmatch(r"[a-z]+\.[a-z0-9_]+", check.id)
    for text in (check.recommendation, check.verify, check.compensate):
        assert text.endswith("."), f"{check.id}: {text!r} is no sentence"


def test_every_layer_has_checks_and_the_rig_layer_at_least_six() -> None:
    count = {layer: sum(check.layer is layer for check in CHECKS) for layer in Layer}
    assert all(count.values())
    assert count[Layer.RIG] >= 6
    assert len(CHECKS) >= 50
