"""Reads one check file into a `Check`, or says everything that is wrong with its form.

Not the judge of its query (`linter`) nor of its examples' output (`examples`). Rules: the id comes from the place,
`<layer>/<name>.toml`; every key of DESIGN section 6 is known here and no other; text has a length that a report can print.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from plumbline.checks.check import Check, Effort, Example, Expected, Need, Parameter, Scope, Value
from plumbline.checks.problems import CheckErrors, CheckProblem
from plumbline.checks.severity import base_score
from plumbline.evidence.specs import COVERAGE, load_tables
from plumbline.model.errors import InputError
from plumbline.model.words import Layer, Outcome, Verdict
from plumbline.standards.loading import find_provision

SIZE_MAX = 200_000
NAME = re.compile(r"[a-z][a-z0-9_]{2,59}")
CHECK_ID = re.compile(r"[a-z]+\.[a-z][a-z0-9_]{2,59}")
PROVISION = re.compile(r"[a-z0-9][a-z0-9.-]*/[A-Za-z0-9][A-Za-z0-9 ().,:_/-]*")
PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
TEXT_MAX = {"title": 90, "message": 200, "recommendation": 300, "verify": 200, "compensate": 200, "proves": 240, "pass_proves": 240}
PARAMETER_TYPES: Mapping[str, type] = {"int": int, "text": str, "boolean": bool, "list<text>": list}
NEVER = datetime(2026, 1, 1, tzinfo=UTC)  # `as_of` of an example that names none; no check may come out otherwise by it
_OWN_KEYS = {"cvss", "subjects", "provisions", "effort", "query", "pass_needs", "fail_needs", "aliases", "parameter", "example", *TEXT_MAX}


class _Reader:
    """Takes typed values out of one file's TOML and gathers what is wrong."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[CheckProblem] = []

    def bad(self, key: str, message: str) -> None:
        self.problems.append(CheckProblem(self.path, key, message))

    def text(self, data: Mapping[str, Any], key: str, limit: int = 20_000) -> str:
        value = data.get(key)
        if not isinstance(value, str) or not value.strip():
            self.bad(key, "missing" if value is None else "must be a text that is not empty")
            return ""
        if len(value) > limit:
            self.bad(key, f"{len(value)} characters; at most {limit}")
        if key != "query" and ("\n" in value or value != value.strip()):
            self.bad(key, "must be one line without spaces around it")
        return value

    def texts(self, data: Mapping[str, Any], key: str, pattern: re.Pattern[str], form: str) -> tuple[str, ...]:
        value = data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.bad(key, "must be a list of texts")
            return ()
        for item in value:
            if not pattern.fullmatch(item):
                self.bad(key, f"{item!r} is not of the form {form}")
        if len(set(value)) != len(value):
            self.bad(key, "names one entry twice")
        return tuple(value)


def load_check(path: Path) -> Check:
    """Read one file; raises CheckErrors with every problem of its form."""
    reader = _Reader(path)
    try:
        source = path.read_text(encoding="utf-8")
        data = tomllib.loads(source) if len(source) <= SIZE_MAX else {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise CheckErrors([CheckProblem(path, "", f"cannot be read as TOML: {error}")]) from error
    if len(source) > SIZE_MAX:
        raise CheckErrors([CheckProblem(path, "", f"larger than {SIZE_MAX} characters")])
    check = _read(reader, data, source)
    if reader.problems:
        raise CheckErrors(reader.problems)
    assert check is not None  # _read returns None only with a problem
    return check


def _read(reader: _Reader, data: Mapping[str, Any], source: str) -> Check | None:
    path, bad = reader.path, reader.bad
    layer_word, name = path.parent.name, path.stem
    if layer_word not in set(Layer):
        bad("", f"its folder {layer_word!r} is no layer; use one of {', '.join(Layer)}")
    if not NAME.fullmatch(name):
        bad("", "its name must be lower case words joined by _, of 3 to 60 characters")
    for key in sorted(data.keys() - _OWN_KEYS):
        bad(key, "unknown key")
    words = {key: reader.text(data, key, limit) for key, limit in TEXT_MAX.items()}
    cvss, score = reader.text(data, "cvss"), 0.0
    try:
        score = base_score(cvss) if cvss else 0.0
    except ValueError as error:
        bad("cvss", str(error))
    subjects = reader.text(data, "subjects")
    if subjects and subjects not in load_tables():
        bad("subjects", f"no table {subjects!r}")
    effort_word = reader.text(data, "effort")
    if effort_word and effort_word not in set(Effort):
        bad("effort", f"{effort_word!r} is none of {', '.join(Effort)}")
    provisions = reader.texts(data, "provisions", PROVISION, "standard-id/provision-id")
    by_subject = subjects in load_tables() and load_tables()[subjects].names_provision
    if bool(provisions) == by_subject:
        bad("provisions", "its subjects name them already" if by_subject else "a check must name at least one provision")
    for ref in filter(PROVISION.fullmatch, provisions):
        try:
            find_provision(ref)
        except InputError as error:
            bad("provisions", str(error))
    parameters = _parameters(reader, data.get("parameter", {}))
    needs = {key: _needs(reader, data, key) for key in ("pass_needs", "fail_needs")}
    examples = _examples(reader, data.get("example", []), parameters)
    query = reader.text(data, "query")
    aliases = reader.texts(data, "aliases", CHECK_ID, "layer.name")
    if reader.problems:
        return None
    return Check(
        id=f"{layer_word}.{name}",
        layer=Layer(layer_word),
        cvss=cvss,
        score=score,
        subjects=subjects,
        provisions=provisions,
        effort=Effort(effort_word),
        query=query,
        pass_needs=needs["pass_needs"],
        fail_needs=needs["fail_needs"],
        aliases=aliases,
        parameters=parameters,
        examples=examples,
        path=path,
        source=source,
        **words,
    )


def _needs(reader: _Reader, data: Mapping[str, Any], key: str) -> tuple[Need, ...]:
    found = []
    for item in reader.texts(data, key, re.compile(r"(asset|rig)\.[a-z_0-9]+"), "asset.TABLE or rig.TABLE"):
        scope, _, table = item.partition(".")
        if table not in load_tables():
            reader.bad(key, f"no table {table!r}")
        if scope in set(Scope):
            found.append(Need(Scope(scope), table))
    return tuple(found)


def _parameters(reader: _Reader, data: Any) -> dict[str, Parameter]:
    found: dict[str, Parameter] = {}
    if not isinstance(data, dict):
        reader.bad("parameter", "must be tables, [parameter.name]")
        return found
    for name, entry in data.items():
        key = f"parameter.{name}"
        if not NAME.fullmatch(name) or name == "as_of":
            reader.bad(key, "its name must be lower case words joined by _, and not as_of")
        if not isinstance(entry, dict) or not {"type", "default", "about"} <= entry.keys() <= {"type", "default", "min", "max", "about"}:
            reader.bad(key, "wants type, default and about, and for numbers min and max")
            continue
        if entry["type"] not in PARAMETER_TYPES:
            reader.bad(key, f"type {entry['type']!r} is none of {', '.join(PARAMETER_TYPES)}")
            continue
        parameter = Parameter(name, entry["type"], entry["default"], entry.get("min"), entry.get("max"), entry["about"])
        if complaint := complaint_about(parameter, entry["default"]):
            reader.bad(f"{key}.default", complaint)
        found[name] = parameter
    return found


def complaint_about(parameter: Parameter, value: object) -> str | None:
    """Say why a value does not fit a parameter, or None when it does."""
    wanted = PARAMETER_TYPES[parameter.type]
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        return f"{value!r} is not of type {parameter.type}"
    if isinstance(value, list) and not all(isinstance(item, str) for item in value):
        return f"{value!r} is not a list of texts"
    if isinstance(value, int) and not isinstance(value, bool):
        if parameter.minimum is not None and value < parameter.minimum:
            return f"{value} is below its minimum {parameter.minimum}"
        if parameter.maximum is not None and value > parameter.maximum:
            return f"{value} is above its maximum {parameter.maximum}"
    return None


def _examples(reader: _Reader, data: Any, parameters: Mapping[str, Parameter]) -> tuple[Example, ...]:
    if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
        reader.bad("example", "must be [[example]] tables")
        return ()
    found = [_example(reader, f"example[{index}]", item, parameters) for index, item in enumerate(data)]
    names = [example.name for example in found]
    if len(set(names)) != len(names):
        reader.bad("example", "two examples have one name")
    shown = {row.verdict for example in found for row in example.expect}
    for verdict in (Verdict.FAIL, Verdict.PASS, Verdict.INCONCLUSIVE):
        if verdict not in shown:
            reader.bad("example", f"none expects {verdict}")
    return tuple(found)


def _example(reader: _Reader, key: str, data: dict[str, Any], parameters: Mapping[str, Parameter]) -> Example:
    name = data.get("name")
    if not isinstance(name, str) or not name:
        reader.bad(key, "has no name")
        name = key
    key = f"{key} ({name})"
    tables: dict[str, tuple[Mapping[str, object], ...]] = {}
    for table in sorted(data.keys() - {"name", "coverage", "parameters", "as_of", "expect"}):
        if table not in load_tables():
            reader.bad(f"{key}.{table}", "no such table")
            continue
        tables[table] = _rows(reader, f"{key}.{table}", data[table], {"asset", *load_tables()[table].types()})
    coverage = _rows(reader, f"{key}.coverage", data.get("coverage", []), {"asset", *COVERAGE})
    for row in coverage:
        if row.get("table") not in load_tables():
            reader.bad(f"{key}.coverage", f"no table {row.get('table')!r}")
        if row.get("outcome") not in set(Outcome):
            reader.bad(f"{key}.coverage", f"{row.get('outcome')!r} is no outcome")
    values: dict[str, Value] = {}
    for parameter, value in data.get("parameters", {}).items():
        if parameter not in parameters:
            reader.bad(f"{key}.parameters", f"the check has no parameter {parameter!r}")
        elif complaint := complaint_about(parameters[parameter], value):
            reader.bad(f"{key}.parameters.{parameter}", complaint)
        values[parameter] = value
    as_of = data.get("as_of", NEVER)
    if not isinstance(as_of, datetime) or as_of.tzinfo is None:
        reader.bad(f"{key}.as_of", "must be a date and time with its zone, as 2026-11-21T00:00:00Z")
        as_of = NEVER
    if not data.get("expect"):
        reader.bad(f"{key}.expect", "missing")
    expect = _rows(reader, f"{key}.expect", data.get("expect", []), {"asset", "subject", "verdict", "reason", "cvss", "detail", "evidence"})
    return Example(name, tables, coverage, values, as_of, tuple(filter(None, (_expected(reader, key, row) for row in expect))))


def _expected(reader: _Reader, key: str, row: Mapping[str, Any]) -> Expected | None:
    if row.get("verdict") not in set(Verdict):
        reader.bad(f"{key}.expect", f"{row.get('verdict')!r} is no verdict")
        return None
    evidence = row.get("evidence")
    return Expected(
        asset=row.get("asset", ""),
        subject=row.get("subject", ""),
        verdict=Verdict(row["verdict"]),
        reason=row.get("reason"),
        cvss=row.get("cvss"),
        detail=row.get("detail"),
        evidence=None if evidence is None else tuple(evidence),
    )


def _rows(reader: _Reader, key: str, data: Any, known: set[str]) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        reader.bad(key, "must be a list of tables")
        return ()
    for row in data:
        for column in sorted(row.keys() - known):
            reader.bad(key, f"no column {column!r}")
        if bool(row.get("asset")) == bool(row.get("entity")):
            reader.bad(key, "each row names an asset or an entity")
    return tuple(data)
