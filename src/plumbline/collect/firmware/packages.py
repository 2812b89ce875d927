"""Package databases of an image: exact components, as the package manager wrote them.

Not a guess from file names or version strings. Rules: a package counts when its state says installed; a broken entry is passed over
and said.

| manager | file | form |
|---|---|---|
| dpkg | var/lib/dpkg/status, status.d/* | deb822 paragraphs (deb-control(5)) |
| opkg | usr/lib/opkg/status, var/lib/opkg/status | the same |
| apk | lib/apk/db/installed | one letter keys (apk-package(5)) |
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

PACKAGES_MAX = 100_000
TEXT_MAX = 512

DATABASES = (
    (re.compile(r"/(?:usr/|var/)?lib/dpkg/(?:status|status\.d/[^/]+(?<!\.md5sums))"), "dpkg"),
    (re.compile(r"/(?:usr/|var/|opt/)?(?:lib|var)/opkg/status"), "opkg"),
    (re.compile(r"/(?:usr/)?lib/apk/db/installed"), "apk"),
)
NOT_READ = (
    (re.compile(r"/(?:var|usr)/lib/(?:sysimage/)?rpm/(?:Packages(?:\.db)?|rpmdb\.sqlite)"), "an rpm database"),
    (re.compile(r"/var/lib/pacman/local"), "a pacman database"),
)
_APK_KEYS = {"P": "package", "V": "version", "A": "architecture", "o": "source"}


@dataclass(frozen=True, slots=True)
class Package:
    """One installed package."""

    name: str
    version: str
    architecture: str | None
    manager: str
    source: str | None


def read_packages(text: str, manager: str) -> tuple[list[Package], list[str]]:
    """Read a database; gives the packages and what was wrong with entries, by number."""
    packages: list[Package] = []
    problems: list[str] = []
    for number, entry in enumerate(_entries(text, apk=manager == "apk"), 1):
        if number > PACKAGES_MAX:
            problems.append(f"more than {PACKAGES_MAX} entries")
            break
        state = entry.get("status")
        if state is not None and not state.endswith(" installed"):
            continue  # removed, or only its configuration is left
        name, version = entry.get("package"), entry.get("version")
        if not name or not version or len(name) > TEXT_MAX or len(version) > TEXT_MAX:
            problems.append(f"entry {number} has no name or no version")
            continue
        source = (entry.get("source") or "").partition(" ")[0][:TEXT_MAX]
        packages.append(Package(name, version, (entry.get("architecture") or "")[:TEXT_MAX] or None, manager, source or None))
    return packages, problems


def _entries(text: str, *, apk: bool) -> Iterator[dict[str, str]]:
    entry: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip():
            if entry:
                yield entry
            entry = {}
        elif line[0] not in " \t":  # a continuation
            key, colon, value = line.partition(":")
            name = _APK_KEYS.get(key) if apk else key.lower()
            if colon and name and name not in entry:
                entry[name] = value.strip()
    if entry:
        yield entry
