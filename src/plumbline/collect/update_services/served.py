"""One device as an update service tells of it, whichever service that is; the columns of update_service_device."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from plumbline.collect.json_text import text_of

DEVICES_MAX = 200_000  # of one export
_MAC = re.compile(r"[0-9a-f]{2}(?:[:-]?[0-9a-f]{2}){5}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """None: not given."""

    device_id: str
    name: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    serial: str | None = None
    mac: str | None = None
    address: str | None = None
    group: str | None = None
    assigned: str | None = None
    installed: str | None = None
    reported: str | None = None
    status: str | None = None
    compliant: bool | None = None
    last_seen_at: datetime | None = None


def mac_of(value: object) -> str | None:
    """Give a MAC address in lower case with colons; None for anything else."""
    text = (text_of(value) or "").strip().lower()
    if not _MAC.fullmatch(text):
        return None
    digits = re.sub(r"[:-]", "", text)
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))
