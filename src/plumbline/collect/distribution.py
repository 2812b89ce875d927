"""How the packages of a distribution are called elsewhere: namespace and package URL, by what its os-release says.

Source: os-release(5); purl-spec, known types. Rules: a release is told as advisories tell it (debian:12, alpine:v3.18, rocky:9); what no
file says is None. Not where that file lies: collectors find it, in images and on systems.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from packageurl import PackageURL

from plumbline.vulnerabilities.namespaces import namespace_of_purl

_NAMES = {"rhel": "redhat", "ol": "oracle", "amzn": "amazon", "sles": "suse", "sled": "suse", "opensuse-leap": "opensuse"}
_BY_MAJOR = frozenset({"almalinux", "centos", "oracle", "redhat", "rocky"})  # whose minor releases share their advisories
_WORD = re.compile(r"[a-z0-9][a-z0-9._-]{0,60}")
_TYPES = {"dpkg": "deb", "opkg": "opkg", "apk": "apk", "rpm": "rpm", "python": "pypi", "npm": "npm", "go": "golang", "nuget": "nuget"}
_LANGUAGES = frozenset({"python", "npm", "go", "nuget", "platformio", "west"})


class Installed(Protocol):
    """What tells one installed package from another."""

    @property
    def manager(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def architecture(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution and its release, both in lower case."""

    id: str
    release: str | None

    def namespace(self, package: Installed) -> str | None:
        """Give the namespace of one of its packages, or of one that a language's manager installed."""
        purl = self._purl(package)
        known = namespace_of_purl(purl) if purl is not None else None
        if known is not None or package.manager in _LANGUAGES:
            return known
        return f"{self.id}:{self.release}" if self.id and self.release else None

    def purl(self, package: Installed) -> str | None:
        """Give the package URL; None where the distribution is not known."""
        purl = self._purl(package)
        return purl.to_string() if purl is not None else None

    def _purl(self, package: Installed) -> PackageURL | None:
        kind = _TYPES.get(package.manager)
        if package.manager in _LANGUAGES:
            (vendor, _, name), qualifiers = package.name.rpartition("/"), {}
        else:
            vendor, name = self.id, package.name
            qualifiers = {"arch": package.architecture or "", "distro": f"{self.id}-{self.release}" if self.release else ""}
            if not vendor:
                return None
        if kind is None:
            return None
        try:
            return PackageURL(kind, vendor or None, name, package.version or None, {key: word for key, word in qualifiers.items() if word})
        except ValueError:
            return None


UNKNOWN = Distribution("", None)


def distribution_of(said: Mapping[str, str]) -> Distribution:
    """Tell a distribution by the settings of a release file; UNKNOWN where they name none."""
    name = (said.get("ID") or said.get("DISTRIB_ID") or "").lower()
    if not _WORD.fullmatch(name):
        return UNKNOWN
    name = _NAMES.get(name, name)
    return Distribution(name, _release(name, said))


def _release(name: str, said: Mapping[str, str]) -> str | None:
    release = (said.get("VERSION_ID") or said.get("DISTRIB_RELEASE") or "").lower().partition(" ")[0]
    if not _WORD.fullmatch(release):
        return None
    parts = 1 if name in _BY_MAJOR else 2 if name == "alpine" else 9
    return ".".join(release.split(".")[:parts])
