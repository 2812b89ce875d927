"""Package databases of an image that are text: exact components, as the package manager wrote them.

Not a guess from file names or version strings. Rules: a package counts when its state says that its files are there, wholly set up or not;
a broken entry is passed over and said.

| manager | file | form |
|---|---|---|
| dpkg | var/lib/dpkg/status, status.d/* | deb822 paragraphs (deb-control(5)) |
| opkg | usr/lib/opkg/status, var/lib/opkg/status; info/*.control beside it tells more | the same |
| apk | lib/apk/db/installed | one letter keys (apk-package(5)); files: F folder, R name |

The files of a package of dpkg or opkg: info/*.list, a path a line.
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
FILES = (
    (re.compile(r"/(?:usr/|var/)?lib/dpkg/info/[^/]+\.list"), "dpkg"),
    (re.compile(r"/(?:usr/|var/|opt/)?(?:lib|var)/opkg/info/[^/]+\.list"), "opkg"),
    (re.compile(r"/(?:usr/)?lib/apk/db/installed"), "apk"),
)
NOT_READ = ((re.compile(r"/var/lib/pacman/local"), "a pacman database"),)
_APK_KEYS = {"P": "package", "V": "version", "A": "architecture", "o": "source", "m": "maintainer"}
_GONE = ("not-installed", "config-files")  # dpkg(1), package states: in every other one files are there
_SOURCE = re.compile(r"(\S+)(?:\s+\(([^()\s]+)\))?")


@dataclass(frozen=True, slots=True)
class Package:
    """One installed package; `source` and `source_version` are None where they are the package's own name and version."""

    name: str
    version: str
    manager: str
    architecture: str | None = None
    source: str | None = None
    source_version: str | None = None
    supplier: str | None = None
    cpe: str | None = None
    fixes: tuple[str, ...] | None = None


def read_packages(text: str, manager: str) -> tuple[list[Package], list[str]]:
    """Read a database; gives the packages and what was wrong with entries, by number."""
    packages: list[Package] = []
    problems: list[str] = []
    for number, entry in enumerate(_entries(text, apk=manager == "apk"), 1):
        if number > PACKAGES_MAX:
            problems.append(f"more than {PACKAGES_MAX} entries")
            break
        if entry.get("status", "").rpartition(" ")[2] in _GONE:
            continue
        package = _package(entry, manager)
        if package is None:
            problems.append(f"entry {number} has no name or no version")
        else:
            packages.append(package)
    return packages, problems


def read_control(text: str, package: Package) -> Package:
    """Add what opkg's control file of a package says: OpenWrt names source and CPE there, and not in the status file."""
    entry = next(_entries(text, apk=False), {})
    told = _package({**entry, "source": entry.get("sourcename", entry.get("source", ""))}, package.manager)
    if told is None or (told.name, told.version) != (package.name, package.version):
        return package
    return told


def files_of(text: str, manager: str) -> Iterator[str]:
    """Give the absolute paths of the files that a package's list names; of apk, that all packages of its database have."""
    folder = ""
    for line in text.splitlines():
        if manager != "apk":
            yield line.partition("\t")[0]
        elif line.startswith("F:"):
            folder = line[2:]
        elif line.startswith("R:"):
            yield f"/{folder}/{line[2:]}" if folder else f"/{line[2:]}"


def _package(entry: dict[str, str], manager: str) -> Package | None:
    name, version = entry.get("package"), entry.get("version")
    if not name or not version or len(name) > TEXT_MAX or len(version) > TEXT_MAX:
        return None
    source = _SOURCE.match(entry.get("source", "")[: 2 * TEXT_MAX])
    source_name, source_version = source.groups() if source else (None, None)
    return Package(
        name,
        version,
        manager,
        architecture=entry.get("architecture", "")[:TEXT_MAX] or None,
        source=source_name if source_name not in (name, None) and len(source_name) <= TEXT_MAX else None,
        source_version=source_version if source_version != version else None,
        supplier=entry.get("maintainer", "")[:TEXT_MAX] or None,
        cpe=entry.get("cpe-id", "")[:TEXT_MAX] or None,
    )


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
