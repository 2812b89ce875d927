"""Checks against evidence: the ledger, its digest, and the assessment that people and reports read. Collects nothing.

For programs: `from plumbline.assess import assess`, with what it gives. Importing the package loads none of it; naming one of them does.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plumbline.assess.assessment import Assessment as Assessment
    from plumbline.assess.assessment import Finding as Finding
    from plumbline.assess.baseline import Beyond as Beyond
    from plumbline.assess.baseline import beyond as beyond
    from plumbline.assess.run import assess as assess

_OFFERED = {
    "Assessment": "assessment",
    "Finding": "assessment",
    "Beyond": "baseline",
    "beyond": "baseline",
    "assess": "run",
}
__all__ = ["Assessment", "Beyond", "Finding", "assess", "beyond"]


def __getattr__(name: str) -> object:
    """Load what is named, when it is named."""
    if name not in _OFFERED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_OFFERED[name]}"), name)
