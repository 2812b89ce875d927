"""Namespaces: the distribution and release, or the ecosystem, within which a package's name and version mean something.

| seen | namespace |
|---|---|
| OSV `Debian:12`, `Ubuntu:22.04:LTS`, `Alpine:v3.18`, `Rocky Linux:9` | debian:12, ubuntu:22.04, alpine:v3.18, rocky:9 |
| OSV `npm`, `PyPI`, `crates.io`, `Go` | npm, pypi, cargo, golang: the types of package URLs |
| purl `pkg:deb/debian/x?distro=debian-12`, `pkg:apk/alpine/x?distro=alpine-3.18` | debian:12, alpine:v3.18 |
| CPE `o:redhat:enterprise_linux:9` | redhat:9 |
| OSV `Linux`, `OSS-Fuzz`, `Android`, `GIT`, none | none: upstream |

Source: OSV schema 1.7, defined ecosystems; purl-spec, known types. The component table's `namespace` is written alike. A distribution
patches what it packages, so a statement on upstream's versions says little of its packages (`matching`).
"""

from __future__ import annotations

import re
from typing import Any

from packageurl import PackageURL

from plumbline.vulnerabilities.cpe import NONE, Cpe

# Ecosystem of OSV, or namespace of a purl, in lower case -> ours.
_DISTRIBUTIONS = {
    "debian": "debian",
    "ubuntu": "ubuntu",
    "alpine": "alpine",
    "wolfi": "wolfi",
    "chainguard": "chainguard",
    "red hat": "redhat",
    "redhat": "redhat",
    "rhel": "redhat",
    "centos": "centos",
    "fedora": "fedora",
    "rocky linux": "rocky",
    "rocky": "rocky",
    "almalinux": "almalinux",
    "suse": "suse",
    "opensuse": "opensuse",
    "openeuler": "openeuler",
    "mageia": "mageia",
    "photon os": "photon",
    "azure linux": "azurelinux",
    "oracle": "oracle",
    "amazon": "amazon",
    "openwrt": "openwrt",
}
DISTRIBUTIONS = frozenset(_DISTRIBUTIONS.values())
ROLLING = frozenset({"wolfi", "chainguard"})  # which have no releases
PACKAGED = frozenset({"dpkg", "opkg", "apk", "rpm"})  # managers of packages that a distribution built
PACKAGE_TYPES = frozenset({"deb", "rpm", "apk", "opkg", "alpm"})  # of package URLs of such packages
_ECOSYSTEMS = {
    "npm": "npm",
    "pypi": "pypi",
    "go": "golang",
    "maven": "maven",
    "crates.io": "cargo",
    "rubygems": "gem",
    "packagist": "composer",
    "nuget": "nuget",
    "hex": "hex",
    "pub": "pub",
    "conancenter": "conan",
    "swifturl": "swift",
    "hackage": "hackage",
    "cran": "cran",
    "bitnami": "bitnami",
}
# Registries of one language, where `openssl` is what binds OpenSSL to it, with versions of its own.
LANGUAGES = frozenset(_ECOSYSTEMS.values()) - {"conan", "bitnami"}
_PLATFORMS = {
    "enterprise_linux": "redhat",
    "debian_linux": "debian",
    "ubuntu_linux": "ubuntu",
    "alpine_linux": "alpine",
    "fedora": "fedora",
}
_RELEASE = re.compile(r"(?P<name>[a-z]+)-?v?(?P<release>[0-9][0-9a-z.]*)")


def namespace_of_ecosystem(ecosystem: str) -> str | None:
    """Name the namespace of an OSV ecosystem with its suffix; None for upstream's own, and for one that is not known."""
    name, _, suffix = ecosystem.strip().lower().partition(":")
    if name in _ECOSYSTEMS:
        return _ECOSYSTEMS[name]
    ours = _DISTRIBUTIONS.get(name)
    if ours is None:
        return None
    if ours == "redhat":  # enterprise_linux:9::baseos
        suffix = suffix.removeprefix("enterprise_linux:").partition(":")[0]
    return _released(ours, suffix.removesuffix(":lts"))


def namespace_of_purl(purl: PackageURL) -> str | None:
    """Name the namespace of a package URL: its distribution with the release that it is qualified with, or its type."""
    if purl.type not in PACKAGE_TYPES:
        return purl.type if purl.type in _ECOSYSTEMS.values() else None
    ours = _DISTRIBUTIONS.get((purl.namespace or "").lower())
    if ours is None:
        return None
    qualifiers: Any = purl.qualifiers
    distro = _RELEASE.fullmatch(str(qualifiers.get("distro", "")).lower())
    return _released(ours, distro["release"] if distro else "")


def namespace_of_cpe(cpe: Cpe | None) -> str | None:
    """Name the namespace of a CPE name that is a distribution's."""
    ours = _PLATFORMS.get(cpe.product) if cpe is not None and cpe.part == "o" else None
    if cpe is None or ours is None:
        return None
    return _released(ours, (cpe.version if cpe.version not in (None, NONE) else None) or "")


def is_distribution(namespace: str | None) -> bool:
    """Tell whether a namespace is a distribution's."""
    return namespace is not None and namespace.partition(":")[0] in DISTRIBUTIONS


def _released(name: str, release: str) -> str:
    if not release:
        return name
    if name == "alpine":
        return f"{name}:v{release.removeprefix('v')}"
    return f"{name}:{release}"
