"""A check's message for one ledger row, in the words that `checks.messages` compiles to SQL; for rows that stream past.

Not markup; formats escape it. Rules: null is "unknown", a list is joined by ", ", a time is written as `2026-11-21 06:00 UTC`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from plumbline.checks.messages import UNKNOWN

PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\dZ")


def message(template: str, asset: str, subject: str, detail: str | None) -> str:
    """Fill a template from a row; `detail` is the ledger's JSON text."""
    return filled(template, {**(json.loads(detail) if detail else {}), "asset": asset, "subject": subject})


def filled(template: str, values: Mapping[str, Any]) -> str:
    """Fill a template from values by name."""
    return PLACEHOLDER.sub(lambda found: _word(values.get(found[1])), template).strip()


def _word(value: object) -> str:
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(_word(item) for item in value)
    return TIME.sub(r"\1 \2 UTC", str(value)) if TIME.fullmatch(str(value)) else str(value)
