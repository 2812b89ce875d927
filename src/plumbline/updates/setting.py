"""What a plan is made within, by an assessment and the bundles that it judged: windows, the end of the authorisation, measures.

Rules: a bundle counts only when its manifest has the digest that was assessed; the measures are those of the checks that failed.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from plumbline.rig.schema import WindowTable
from plumbline.rig.windows import Window
from plumbline.updates.judging import State
from plumbline.updates.planning import WAVE_SIZE, Setting

_CHECKS = {
    State.RETRACTED: ("update.firmware_retracted",),
    State.VULNERABLE: ("update.firmware_vulnerable",),
    State.UNSUPPORTED: ("update.firmware_unsupported",),
    State.BEHIND: ("update.firmware_behind",),
    State.UNKNOWN: ("update.version_claims_disagree",),
    State.CURRENT: ("update.version_claims_disagree",),
}


def setting(out: Path, said: Mapping[str, Any], wave_size: int = WAVE_SIZE) -> Setting:
    """Read the setting of OUT; `said` is assessment.json. Raises KeyError, TypeError or ValueError for one of another form."""
    until = said["authorisation"].get("valid_until")
    compensate = {check["id"]: check["compensate"] for check in said["checks"]}
    return Setting(
        rig=said["rig"].get("name") or said["rig"].get("id") or "",
        ledger_digest=said["ledger_digest"],
        windows=_windows(out, said["bundles"]),
        valid_until=datetime.fromisoformat(until) if until else None,
        measures={state: tuple(compensate[name] for name in names if name in compensate) for state, names in _CHECKS.items()},
        wave_size=wave_size,
    )


def _windows(out: Path, bundles: Mapping[str, str]) -> tuple[Window, ...] | None:
    """Read the windows from the rig file of a bundle in or beside OUT; None where none is at hand, or it cannot be read."""
    for name, digest in bundles.items():
        for folder in (out / name, out.parent / name):
            try:
                if hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest() != digest:
                    continue
                document = tomllib.loads((folder / "rig.toml").read_text(encoding="utf-8"))
                tables = [WindowTable.model_validate(one) for one in document["authorisation"].get("windows", [])]
            except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError):
                continue
            return tuple(Window(frozenset(one.days), one.opens, one.closes, one.timezone) for one in tables)
    return None
