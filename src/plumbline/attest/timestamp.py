"""Timestamps of signatures by an authority of the auditor's choice (RFC 3161)."""

from __future__ import annotations

from pathlib import Path

from plumbline.attest.envelope import Signature
from plumbline.attest.verification import Stamp


def check_stamps(signature: Signature, _authorities: Path | None) -> tuple[Stamp, ...]:
    """Check what timestamp authorities say of a signature."""
    return tuple(Stamp(None, "", None, "cannot be checked by this release") for _ in signature.timestamps)
