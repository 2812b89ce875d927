"""Where an assessment.json is not of its form (`assessment.schema.json`): asked once reading it has failed, to name the place.

Not a validator of any schema: it knows what ours uses. Members that the schema does not have are passed over: later releases gain some.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from plumbline.assess.assessment import SCHEMA

_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def misfit(said: Any) -> str | None:
    """Say what is wrong at the first place that does not fit; None when all does."""
    return _misfit(said, _schema(), "")


@cache
def _schema() -> Mapping[str, Any]:
    read: Mapping[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return read


def _misfit(value: Any, rule: Mapping[str, Any], place: str) -> str | None:
    if "$ref" in rule:
        return _misfit(value, _schema()["$defs"][rule["$ref"].rpartition("/")[2]], place)
    if "anyOf" in rule:
        each = [_misfit(value, one, place) for one in rule["anyOf"]]
        return None if None in each else each[0]
    if "enum" in rule:
        return None if value in rule["enum"] else f"{place} is none of {', '.join(map(str, rule['enum']))}"
    kind = rule.get("type")
    if kind is not None and (not isinstance(value, _KINDS[kind]) or (isinstance(value, bool) and kind != "boolean")):
        return f"{place or 'the whole'} is no {kind}"
    if kind == "array":
        return next((wrong for n, item in enumerate(value) if (wrong := _misfit(item, rule["items"], f"{place}[{n}]"))), None)
    if kind == "object":
        return _of_object(value, rule, place)
    return None


def _of_object(value: Mapping[str, Any], rule: Mapping[str, Any], place: str) -> str | None:
    named, others = rule.get("properties", {}), rule.get("additionalProperties")
    for name in rule.get("required", ()):
        if name not in value:
            return f"{place or 'the whole'} has no {name}"
    for name, item in value.items():
        inner = named.get(name, others)
        if inner and (wrong := _misfit(item, inner, f"{place}.{name}" if place else name)):
            return wrong
    return None
