"""Names that other programs give to things of ours: UUIDs that are the same each time the same thing is written.

Rules: version 5 (RFC 9562, 5.5) over canonical JSON of what the thing is; no chance and no clock.
"""

from __future__ import annotations

import json
import uuid
from functools import lru_cache

from plumbline.report.data import Head

_NAMESPACE = uuid.UUID("c0f0a9f2-7a55-5d3e-8c39-3b1f5f0a6d42")  # any fixed one


def over_audits(head: Head, *parts: str) -> str:
    """Name a thing of this rig, alike in each of its audits: an asset, a finding, the owner."""
    return _named(head.rig_id, "", parts)


def of_ledger(head: Head, *parts: str) -> str:
    """Name a thing of this one assessment."""
    return _named(head.rig_id, head.ledger_digest, parts)


def of_earlier(head: Head, ledger_digest: str, *parts: str) -> str:
    """Name a thing of an earlier assessment of this rig, as `of_ledger` named it then."""
    return _named(head.rig_id, ledger_digest, parts)


def everywhere(*parts: str) -> str:
    """Name a thing that is the same for every rig: a standard, the tool."""
    return _named("", "", parts)


@lru_cache(maxsize=16_384)  # assets, checks and the tool are named over and over
def _named(rig: str, ledger: str, parts: tuple[str, ...]) -> str:
    return str(uuid.uuid5(_NAMESPACE, json.dumps([rig, ledger, *parts])))
