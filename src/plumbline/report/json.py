"""report.json: the view-model as it is, for other programs. Not the ledger, which has every verdict and its own file.

Rules: the members are the fields of `data.Report` by name; times are ISO 8601 in UTC; text outside ASCII is escaped, so that nothing
in it can act on a terminal or editor.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from plumbline.report.data import Report
from plumbline.report.format import Format
from plumbline.report.text import instant

VERSION = 1


def render(report: Report) -> str:
    """Write the view as one JSON document."""
    return json.dumps({"format": VERSION, **_plain(report)}, indent=1, ensure_ascii=True) + "\n"


def write(report: Report, out: Path, to: Path) -> list[Path]:  # noqa: ARG001 - the view is all that this writes
    """Write report.json into `to`."""
    path = to / "report.json"
    path.write_text(render(report), encoding="ascii", newline="\n")
    path.chmod(0o600)
    return [path]


FORMAT = Format("the same content for other programs", ("report.json",), write)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return instant(value)
    return value
