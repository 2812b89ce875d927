"""Installed packages, as their managers list them, with the vulnerabilities that their own changelogs name as mended.

Rules: a package counts when its manager says that its files are there, wholly set up or not. The kernel that runs is a component of its
own only where no package holds it: what a distribution packs has its own fixes. Changelogs are those of Debian packages: one that was not
seen leaves `fixes` null; packages of one source share what it says. Python packages are those installed beside the manager: what the
distribution packs is its own package already.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice

from plumbline.collect.distribution import distribution_of
from plumbline.collect.host.outputs import Report
from plumbline.collect.host.reading import Reading
from plumbline.collect.host.readings.system import release
from plumbline.model.words import Outcome
from plumbline.versions import scheme_for

PACKAGES_MAX = 50_000
FIXES_MAX = 1_000_000  # of all rows together; a whole distribution has some 100,000
MANAGERS = ("dpkg", "rpm", "apk", "opkg")
_GONE = ("not-installed", "config-files")  # dpkg(1), package states: in every other one files are there
_KERNEL = re.compile(r"linux-image-.*|kernel(?:-core|-default)?|linux-(?:lts|virt|edge|rpi\d*)")
_DPKG_STATUS = "/var/lib/dpkg/status"  # the others have their lists in one of several places
_SOURCE_RPM = re.compile(r"(.+)-([^-]+)-([^-]+)\.(?:no)?src\.rpm")
_DIST_INFO = re.compile(r"(.+/)([A-Za-z0-9][A-Za-z0-9._]{0,200})-([0-9][A-Za-z0-9.!+_]{0,100})\.dist-info")
_CVE = re.compile(r"CVE-\d{4}-\d{4,7}")


@dataclass(frozen=True, slots=True)
class Package:
    """One installed package."""

    manager: str
    name: str
    version: str
    architecture: str | None
    source: str | None
    source_version: str | None
    supplier: str | None
    path: str | None


def read(report: Report) -> None:
    """Write a row for each package."""
    if all(report.text(manager) is None for manager in MANAGERS):
        report.short(Outcome.NOT_SUPPORTED, f"no list of packages was read ({', '.join(MANAGERS)})", "component")
    installed_on = distribution_of(release(report))
    fixes = _fixes(report)
    packages = [*islice(chain(_packages(report), _python(report)), PACKAGES_MAX + 1)]
    by_source: dict[str, set[str]] = defaultdict(set)
    for one in packages:
        if one.manager == "dpkg" and one.name in fixes:
            by_source[one.source or one.name] |= fixes[one.name]
    mended = {source: sorted(names) for source, names in by_source.items()}
    left = FIXES_MAX
    for number, one in enumerate(packages):
        if number == PACKAGES_MAX:
            report.short(Outcome.PARTIAL, f"more than {PACKAGES_MAX} packages", "component")
            return
        names = mended.get(one.source or one.name) if one.manager == "dpkg" else None
        left -= len(names or ())
        if left < 0:
            names = None
            report.short(Outcome.PARTIAL, f"changelogs name more than {FIXES_MAX} vulnerabilities", "component")
        report.row(
            "component",
            f"component/{one.name}",
            one.manager,
            name=one.name,
            version=one.version,
            scheme=scheme_for(one.manager),
            architecture=one.architecture,
            manager=one.manager,
            confidence="database",
            source=one.source if one.source != one.name else None,
            source_version=one.source_version if one.source_version != one.version else None,
            namespace=installed_on.namespace(one),
            purl=installed_on.purl(one),
            supplier=one.supplier,
            fixes=names,
            path=one.path,
        )
    _kernel(report, packages)


def _kernel(report: Report, packages: list[Package]) -> None:
    """Write the kernel that runs, by its own word, where the lists are whole and name none."""
    system, release_, *_ = [*report.lines("kernel"), "", ""]
    if system != "Linux" or not packages or any(_KERNEL.fullmatch(one.name) for one in packages):
        return
    report.row(
        "component",
        "component/linux",
        "kernel",
        name="linux",
        version=release_,
        scheme=scheme_for("kernel"),
        manager="kernel",
        confidence="banner",
    )


def _packages(report: Report) -> Iterator[Package]:
    for manager in MANAGERS:
        for line in report.lines(manager):
            fields = [field.strip() for field in line.split("\t")]
            if len(fields) != 7 or not fields[1] or not fields[2]:
                report.unread(manager, line)
                continue
            state, name, version, architecture, source, source_version, supplier = fields
            if state.rpartition(" ")[2] in _GONE:
                continue
            if manager == "rpm":
                found = _SOURCE_RPM.fullmatch(source)
                source, source_version = (found[1], f"{found[2]}-{found[3]}") if found else ("", "")
            yield Package(
                manager,
                name,
                version,
                architecture or None,
                source or None,
                source_version or None,
                supplier or None,
                _DPKG_STATUS if manager == "dpkg" else None,
            )


def _python(report: Report) -> Iterator[Package]:
    for line in report.lines("python"):
        found = _DIST_INFO.fullmatch(line.strip())
        if found is None:
            report.unread("python", line)
        else:
            yield Package("python", found[2].replace("_", "-").lower(), found[3], None, None, None, None, line.strip())


def _fixes(report: Report) -> dict[str, set[str]]:
    """Give what each changelog names, by package; those that were not read are left out."""
    found: dict[str, set[str]] = {}
    for line in report.lines("changelogs"):
        name, *words = line.split()
        found[name] = {word for word in words if _CVE.fullmatch(word)}
    return found


READING = Reading(("component",), read)
