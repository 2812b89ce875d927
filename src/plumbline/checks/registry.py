"""All checks of one run: found by their place, each loaded and proven before any runs.

Rules: the registry refuses to start when one check is bad or two share an id or alias; nothing is skipped with a warning. A folder of
the user's own, `<layer>/<name>.toml`, adds checks and replaces none.
"""

from __future__ import annotations

import difflib
import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from plumbline.checks.check import Check
from plumbline.checks.linter import Linter
from plumbline.checks.loader import complaint_about, load_check
from plumbline.checks.problems import CheckErrors, CheckProblem
from plumbline.checks.shape import Shape
from plumbline.model.errors import InputError

SHIPPED = Path(__file__).parent


@dataclass(frozen=True)
class Registry:
    """Sound checks in the order of their ids, the shape of each, and old ids with the current ones."""

    checks: Mapping[str, Check]
    shapes: Mapping[str, Shape]
    aliases: Mapping[str, str]

    def get(self, name: str) -> Check:
        """Find a check by id or alias; raises InputError that names the nearest ids."""
        check = self.checks.get(self.aliases.get(name, name))
        if check is None:
            near = difflib.get_close_matches(name, self.checks, n=3)
            raise InputError(f"no check {name!r}", remedy=f"did you mean {', '.join(near)}?" if near else "see `plumbline checks list`")
        return check

    def naming(self, ref: str) -> tuple[Check, ...]:
        """Give the checks that name a provision, `<standard>/<id>`, in the order of their ids."""
        return tuple(check for check in self.checks.values() if ref in check.provisions)

    @cached_property
    def digest(self) -> str:
        """SHA-256, hex, over the canonical text of all checks; layout and comments of their files do not count."""
        total = hashlib.sha256()
        for check in self.checks.values():
            text = repr(sorted(tomllib.loads(check.source).items(), key=lambda item: item[0]))
            total.update(f"{check.id}\n{hashlib.sha256(text.encode()).hexdigest()}\n".encode())
        return total.hexdigest()

    def values(self, given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Give each check the values of its parameters; raises InputError for a name that none declares or a value that does not fit."""
        declared = {name for check in self.checks.values() for name in check.parameters}
        for name in sorted(given.keys() - declared):
            near = difflib.get_close_matches(name, declared, n=1)
            raise InputError(
                f"no check has a parameter {name!r}", where="parameters", remedy=f"did you mean {near[0]}?" if near else "remove it"
            )
        found: dict[str, dict[str, Any]] = {}
        for check in self.checks.values():
            for name, parameter in check.parameters.items():
                if name in given and (complaint := complaint_about(parameter, given[name])):
                    raise InputError(complaint, where=f"parameters.{name}", remedy=f"{check.id} uses it: {parameter.about}")
            found[check.id] = {name: given.get(name, parameter.default) for name, parameter in check.parameters.items()}
        return found


def load_registry(extra: Path | None = None) -> Registry:
    """Load all shipped checks, and those of a folder; raises CheckErrors with everything that is wrong with any."""
    if extra is None:
        return _shipped()
    more = sorted(extra.glob("*/*.toml"))
    if not more:
        raise InputError("holds no checks", where=str(extra), remedy="a folder of checks holds <layer>/<name>.toml")
    return _loaded([*sorted(SHIPPED.glob("*/*.toml")), *more])


@cache
def _shipped() -> Registry:
    return _loaded(sorted(SHIPPED.glob("*/*.toml")))


def _loaded(files: Sequence[Path]) -> Registry:
    problems: list[CheckProblem] = []
    linter = Linter()
    checks: dict[str, Check] = {}
    shapes: dict[str, Shape] = {}
    for path in files:
        try:
            check = load_check(path)
            shapes[check.id] = linter.shape(check)
        except CheckErrors as errors:
            problems += errors.problems
            continue
        if check.id in checks:
            problems.append(CheckProblem(path, "", f"another check has the id {check.id}: {checks[check.id].path}"))
        checks[check.id] = check
    aliases: dict[str, str] = {}
    for check in checks.values():
        for alias in check.aliases:
            if alias in checks or alias in aliases:
                problems.append(CheckProblem(check.path, "aliases", f"{alias} is an id or alias already"))
            aliases[alias] = check.id
    if problems:
        raise CheckErrors(problems)
    order = sorted(checks)
    return Registry({name: checks[name] for name in order}, {name: shapes[name] for name in order}, aliases)
