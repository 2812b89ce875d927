"""What another tool says, whichever tool it is: a service that it saw, or a finding; and how the values of both are read.

Not how a tool writes its file (`formats`), nor where in the rig it belongs (`placing`). Rules:
- What a tool printed of a device (outputs, requests, responses) is not kept: it may hold what a login gave (law 8). Of its own words the
  first TEXT_MAX characters are, and none of a text that holds a secret by its form.
- A severity stands as the tool words it; `level` is ours, None where the tool's word compares with none of ours.
- A CVSS vector is one of version 3 or 4 that scores; anything else was not given.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from ipaddress import ip_address

from plumbline.collect.secrets_in_text import has_secret_form
from plumbline.model.words import Severity, Transport, Verdict
from plumbline.rig.addresses import Address, unscoped
from plumbline.vulnerabilities import scores

NAME_MAX = 200
TEXT_MAX = 600
CVES_MAX = 100
CPES_MAX = 20
WEB_PORTS: Mapping[str, int] = {"http": 80, "https": 443}  # where an address of the web tells none
_CVE = re.compile(r"CVE-[12]\d{3}-\d{4,7}", re.ASCII)
_FURTHEST_AHEAD = timezone(timedelta(hours=14))  # no zone is further
_LAST_SECOND = 253_402_300_799  # of the year 9999


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One port of a host, as a tool saw it; None: it does not say."""

    tool: str
    tool_version: str | None = None
    address: Address
    transport: Transport
    port: int
    state: str
    name: str | None = None
    product: str | None = None
    version: str | None = None
    cpe: tuple[str, ...] | None = None
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """One finding, or one test that a tool made, with what it says of it. `address` or `mac` tell whose; neither: the rig file must."""

    tool: str
    tool_version: str | None = None
    rule: str
    title: str | None = None
    result: Verdict
    suppressed: bool | None = None
    severity: str | None = None
    level: Severity | None = None
    cvss_vector: str | None = None
    cvss_score: float | None = None
    certainty_percent: int | None = None
    cves: tuple[str, ...] | None = None
    address: Address | None = None
    mac: str | None = None
    transport: Transport | None = None
    port: int | None = None
    place: str | None = None
    message: str | None = None
    seen_at: datetime | None = None


Read = Seen | Reported | str
"""A reader gives these; a text says what of the file was not read."""


def name_of(value: object) -> str | None:
    """Give a short text on one line; None for anything else."""
    return _plain(value, NAME_MAX)


def words_of(value: object) -> str | None:
    """Give the beginning of a longer text on one line; None for anything else, and for one that holds a secret by its form."""
    if not isinstance(value, str) or has_secret_form(value):
        return None
    return _plain(value, TEXT_MAX)


def _plain(value: object, limit: int) -> str | None:
    if not isinstance(value, str):
        return None
    text = " ".join(value[: limit * 4].split())
    text = "".join(character for character in text if character.isprintable())
    return text[:limit] or None


def address_of(value: object) -> Address | None:
    """Give an address, without its zone; None for anything else."""
    try:
        return unscoped(ip_address(value.strip())) if isinstance(value, str) and len(value) < 100 else None
    except ValueError:
        return None


def port_of(value: object) -> int | None:
    """Give a port number of 1 to 65535, also from digits; tools write 0 for the whole host."""
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdigit() and len(value) < 6 else None
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 65_536 else None


def transport_of(value: object) -> Transport | None:
    """Give tcp or udp; None for anything else."""
    word = value.lower() if isinstance(value, str) else ""
    return Transport(word) if word in set(Transport) else None


def score_of(value: object) -> float | None:
    """Give a CVSS base score of 0.0 to 10.0, also from its digits."""
    try:
        score = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) and len(str(value)) < 20 else math.nan
    except ValueError:
        return None
    return score if 0.0 <= score <= 10.0 else None


def vector_of(*values: object) -> str | None:
    """Give the first that is a CVSS vector of version 3 or 4."""
    for value in values:
        if isinstance(value, str) and value.startswith(("CVSS:3.", "CVSS:4.")) and scores.score_of(value) is not None:
            return value
    return None


def level_of_score(score: float | None) -> Severity | None:
    """Rate a score; None for none."""
    return None if score is None else Severity.of_score(score)


def cves_of(values: Iterable[object]) -> tuple[str, ...] | None:
    """Give the CVE numbers among some texts, each once, in order; None where there is none."""
    found = {number for value in values if isinstance(value, str) for number in _CVE.findall(value[:4_000].upper())}
    return tuple(sorted(found)[:CVES_MAX]) or None


def cpes_of(values: Iterable[object]) -> tuple[str, ...] | None:
    """Give the CPE names among some texts, each once; None where there is none."""
    found = dict.fromkeys(value for value in values if isinstance(value, str) and value.startswith("cpe:") and len(value) <= NAME_MAX)
    return tuple(found)[:CPES_MAX] or None


def moment_of(value: object, *, local: bool = False) -> datetime | None:
    """Give an instant from ISO 8601 with a zone, or from seconds since 1970; None for anything else, and where no zone is told.

    Of a `local` time without its zone it is the earliest instant that it can have been, as nothing is to seem newer than it is.
    """
    if isinstance(value, str) and value.isascii() and value.isdigit():
        seconds = int(value) if len(value) < 13 else 0
        return datetime.fromtimestamp(seconds, UTC) if 0 < seconds <= _LAST_SECOND else None
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) and len(value) < 60 else None
        if moment is not None and moment.tzinfo is None and local:
            moment = moment.replace(tzinfo=_FURTHEST_AHEAD)
        return moment.astimezone(UTC) if moment is not None and moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
