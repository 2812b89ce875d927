"""The JSON schema of `assessment.json`, made from the dataclasses that it is written from, so that the two cannot part.

`python -m plumbline.assess.schema` writes `assessment.schema.json` anew; a test fails when it differs.
"""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

from plumbline.assess.assessment import FORMAT, MEMBER_NAMES, SCHEMA, Assessment


def schema() -> dict[str, Any]:
    """Give the schema (JSON Schema 2020-12)."""
    definitions: dict[str, Any] = {}
    _definition(Assessment, definitions)
    whole = definitions.pop("Assessment")
    whole["properties"] = {"format": {"const": FORMAT}, **whole["properties"]}
    whole["required"] = ["format", *whole["required"]]
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Plumbline assessment"}
    return {**head, **whole, "$defs": dict(sorted(definitions.items()))}


def _definition(cls: type, definitions: dict[str, Any]) -> None:
    if cls.__name__ in definitions:
        return
    definitions[cls.__name__] = {}
    hints = get_type_hints(cls)
    names = [field.name for field in fields(cls)]
    properties = {MEMBER_NAMES.get(name, name): _schema_of(hints[name], definitions) for name in names}
    definitions[cls.__name__] = {
        "type": "object",
        "description": (cls.__doc__ or "").split("\n")[0],
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _schema_of(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema_of(item, definitions) for item in arguments]}
    if origin is tuple:
        return {"type": "array", "items": _schema_of(arguments[0], definitions)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _schema_of(arguments[1], definitions)}
    if is_dataclass(hint) and isinstance(hint, type):
        _definition(hint, definitions)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"enum": [item.value for item in hint]}
    if hint is datetime:
        return {"type": "string", "format": "date-time"}
    plain = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
    return {"type": plain[hint]} if hint in plain else {}


def text() -> str:
    """Give the schema as it stands in the file."""
    return json.dumps(schema(), indent=2) + "\n"


if __name__ == "__main__":
    SCHEMA.write_text(text(), encoding="utf-8")
