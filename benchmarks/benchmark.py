"""What a benchmark is, and how they are found: every module of this package that defines `BENCHMARK`."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import benchmarks


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure beside its peer's; `goal` says in words what is wanted, `reached` whether it was."""

    name: str
    ours: float
    peer: float | None
    unit: str
    ratio: float | None = None  # as the goal states it
    goal: str = ""
    reached: bool | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What one run of a benchmark came to; `about` holds sizes, versions and whatever explains the figures."""

    title: str
    figures: tuple[Figure, ...]
    about: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark: its options, and what it measures. `measure` raises Unmeasurable where this machine lacks what it needs."""

    about: str
    arguments: Callable[[argparse.ArgumentParser], None]
    measure: Callable[[argparse.Namespace], Result]


class Unmeasurable(Exception):  # noqa: N818 - not an error: the peer or a right is missing here
    """This machine lacks the peer, or a right that the benchmark needs."""


def load() -> dict[str, Benchmark]:
    """Find every benchmark, by its module's name."""
    found = {}
    for info in pkgutil.iter_modules(benchmarks.__path__):
        if info.ispkg or info.name.startswith("_"):
            continue
        made = getattr(importlib.import_module(f"{benchmarks.__name__}.{info.name}"), "BENCHMARK", None)
        if isinstance(made, Benchmark):
            found[info.name] = made
    return found
