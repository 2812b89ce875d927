"""Schemes: whose rules order a version, and which scheme the name of a package manager, an ecosystem or a feed stands for.

| scheme | rules of |
|---|---|
| deb | Debian Policy 5.6.12; opkg follows it |
| rpm | rpm-version(7) and rpmvercmp: epoch, version, release |
| apk | apk-package(5), Package names and versions; a number after a dot that starts with 0 compares as text (apk-tools 3) |
| semver | Semantic Versioning 2.0.0, clauses 9-11; a leading v is read over, as npm and Go do |
| pep440 | PyPA version specifiers (PEP 440) |
| openssl | OpenSSL's release strategy: letters up to 1.1.1 (1.0.2k, 1.0.2zh), three numbers from 3.0 on |
| kernel | Linux's own release numbers; a distribution's `6.1.0-18` has none: its third number is not the stable release |
| firmware | ours, for what vendors write: `plumbline.versions.firmware` |
| integer | a plain counter, decimal or 0x hexadecimal: file versions of Zigbee OTA images |
| date | a day: 20240131, 2024-01-31, 2024.01.31 |

A name that stands for none of them has no scheme: its versions are not comparable, and nobody guesses.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Scheme(StrEnum):
    """Whose rules order a version; the table of the module says whose."""

    DEB = "deb"
    RPM = "rpm"
    APK = "apk"
    SEMVER = "semver"
    PEP440 = "pep440"
    OPENSSL = "openssl"
    KERNEL = "kernel"
    FIRMWARE = "firmware"
    INTEGER = "integer"
    DATE = "date"


# Package managers, purl types, OSV ecosystems, versionType of CVE 5 and types of vers: URIs, in lower case.
_NAMES: Mapping[Scheme, tuple[str, ...]] = {
    Scheme.DEB: ("deb", "debian", "ubuntu", "dpkg", "apt", "opkg", "ipk"),
    Scheme.RPM: (
        "rpm", "dnf", "yum", "zypper", "red hat", "redhat", "rhel", "centos", "fedora", "rocky linux", "almalinux", "oracle linux",
        "amazon linux", "suse", "opensuse", "mageia", "openeuler", "photon os", "azure linux", "mariner",
    ),
    Scheme.APK: ("apk", "alpine", "wolfi", "chainguard", "alpaquita", "bellsoft hardened containers", "minimos"),
    Scheme.SEMVER: ("semver", "npm", "go", "golang", "cargo", "crates.io", "hex", "pub", "swift", "swifturl", "bitnami"),
    Scheme.PEP440: ("pep440", "pypi", "pip", "python"),
    Scheme.OPENSSL: ("openssl",),
    Scheme.KERNEL: ("kernel", "linux"),
    Scheme.FIRMWARE: ("firmware", "generic", "custom", "intdot"),
    Scheme.INTEGER: ("integer",),
    Scheme.DATE: ("date",),
}  # fmt: skip
_SCHEMES: Mapping[str, Scheme] = {name: scheme for scheme, names in _NAMES.items() for name in names}


def scheme_for(manager_or_ecosystem: str) -> Scheme | None:
    """Name the scheme of a package manager, purl type or ecosystem (`dpkg`, `npm`, `Debian:12`); None when none of ours orders it."""
    return _SCHEMES.get(manager_or_ecosystem.partition(":")[0].strip().lower())
