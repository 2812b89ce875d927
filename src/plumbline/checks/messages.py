"""Messages of findings, compiled to SQL over the ledger: they are rendered on reading and stored nowhere.

`{asset}` and `{subject}` are the ledger's columns, every other name is a member of `detail`. Null is "unknown", a list is joined by
", ", a time is written as `2026-11-21 06:00 UTC`.
"""

from __future__ import annotations

import re

from plumbline.checks.check import Check
from plumbline.checks.loader import PLACEHOLDER
from plumbline.checks.shape import Shape
from plumbline.evidence.engine import literal

UNKNOWN = "unknown"


def message_sql(check: Check, shape: Shape) -> str:
    """Give an expression for a check's message over ledger rows of that check."""
    parts = []
    for number, text in enumerate(re.split(PLACEHOLDER, check.message)):
        if number % 2:
            parts.append(f"coalesce({_value_sql(text, shape)}, '{UNKNOWN}')")
        elif text:
            parts.append(literal(text))
    return " || ".join(parts)


def _value_sql(name: str, shape: Shape) -> str:
    if name in ("asset", "subject"):
        return name
    type_word = shape.detail[name]
    if type_word == "VARCHAR[]":
        items = f"from_json(json_extract(detail, '$.{name}'), '[\"VARCHAR\"]')"
        return f"array_to_string(list_transform({items}, lambda item: coalesce(item, '{UNKNOWN}')), ', ')"
    text = f"json_extract_string(detail, '$.{name}')"
    if type_word == "TIMESTAMP WITH TIME ZONE":
        return f"replace(left({text}, 16), 'T', ' ') || ' UTC'"
    return text
