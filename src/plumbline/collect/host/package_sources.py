"""Where a system fetches its packages, and whether it verifies who signed them; from the settings of apt, opkg, apk, dnf and yum.

| manager | a source | verified |
|---|---|---|
| apt | `deb [options] URL suite ...`; paragraphs with URIs (sources.list(5)) | unless it, or all of apt, is told to trust without |
| opkg | `src/gz name URL` | only with `option check_signature` |
| apk | a URL, or `@tag URL` | always |
| dnf, yum | a section with baseurl, mirrorlist or metalink | by gpgcheck of the section, else of dnf.conf; None: neither says |

User names and passwords in URLs were taken out on the system itself; queries, which may hold tokens, are left out here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

SOURCES_MAX = 500
_APT = re.compile(r"(?:\[([^\]]*)\]\s+)?(\S+:\S+)(?:\s.*)?")
_OPKG = re.compile(r"src\S*\s+\S+\s+(\S+:\S+)")
_APK = re.compile(r"(?:@\S+\s+)?(\S+:\S+|/\S+)")
_TRUE = ("1", "yes", "true", "on")
_NAMES = ("baseurl", "mirrorlist", "metalink")


@dataclass(frozen=True, slots=True)
class Source:
    """One place that packages come from; `verified` None: nobody says."""

    url: str
    verified: bool | None


def read_sources(lines: Iterable[str]) -> list[Source]:
    """Read what the command `update_sources` gave; a line of another form names no source."""
    told: dict[str, list[str]] = {}
    for line in lines:
        word, _, rest = line.strip().partition(" ")
        told.setdefault(word, []).append(rest.strip())
    trusting = any(re.search(r'"(?:1|yes|true|on)"', option) for option in told.get("aptopt", ()))
    signed = any(re.fullmatch(r"option\s+check_signature(?:\s+(?:1|true))?", line) for line in told.get("opkg", ()))
    found = [
        *_apt(told.get("apt", ()), trusting=trusting),
        *_deb822(told.get("deb822", ()), trusting=trusting),
        *(Source(match[1], signed) for line in told.get("opkg", ()) if (match := _OPKG.fullmatch(line))),
        *(Source(match[1], True) for line in told.get("apk", ()) if (match := _APK.fullmatch(line))),
        *_dnf(told.get("dnf", ()), _flag(told.get("dnfconf", ()))),
    ]
    return list(dict.fromkeys(Source(one.url.partition("?")[0], one.verified) for one in found))[:SOURCES_MAX]


def _apt(lines: Iterable[str], *, trusting: bool) -> Iterator[Source]:
    for line in lines:
        if match := _APT.fullmatch(line):
            yield Source(match[2], not (trusting or "trusted=yes" in (match[1] or "").lower().split()))


def _deb822(lines: Iterable[str], *, trusting: bool) -> Iterator[Source]:
    """Read lines of enabled, trusted, types (by commas, empty where not said) and URLs."""
    for line in lines:
        words, *urls = line.split() or [""]
        enabled, trusted, types = [*words.lower().split(","), "", ""][:3]
        if enabled in ("no", "0", "false") or (types and types != "deb" and not types.startswith("deb+")):
            continue
        for url in urls:
            yield Source(url, not (trusting or trusted in _TRUE))


def _dnf(lines: Iterable[str], default: bool | None) -> Iterator[Source]:
    sections: list[dict[str, str]] = []
    for line in lines:
        if line.startswith("["):
            sections.append({})
        elif sections:
            name, _, value = line.partition("=")
            sections[-1].setdefault(name.strip().lower(), value.strip())
    for section in sections:
        url = next((section[name] for name in _NAMES if section.get(name)), None)
        if url is not None and _flag([f"enabled={section.get('enabled', '1')}"]) is not False:
            said = _flag([f"gpgcheck={section['gpgcheck']}"]) if "gpgcheck" in section else default
            yield Source(url.split()[0], said)


def _flag(lines: Iterable[str]) -> bool | None:
    """Read the last `name = value` as yes or no; None: none says."""
    values = [line.partition("=")[2].strip().lower() for line in lines]
    return values[-1] in _TRUE if values else None
