"""What advisories say of a device as a product: which vulnerabilities are in the version that it runs; pure.

    Affliction      open, exploited and unsure vulnerabilities of one version, and where they are mended

The matching itself is that of `vulnerabilities.matching`, with the device as the component. Not about the software inside an image or a
system, which is matched there. Rules: a statement that asks for a certain hardware is met by the device that it names; one that cannot be
held against the version leaves it unsure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from plumbline.catalogue.advisories import Advisory
from plumbline.catalogue.known import Known
from plumbline.model.errors import ProtocolError
from plumbline.versions import Scheme, compare
from plumbline.vulnerabilities.cpe import NONE, parse_cpe
from plumbline.vulnerabilities.facts import Origin, Status
from plumbline.vulnerabilities.identity import Component, Sure
from plumbline.vulnerabilities.matching import Finding, Match, match
from plumbline.vulnerabilities.statement import Statement

_UNSURE = (Finding.NOT_COMPARABLE, Finding.CONTEXT, Finding.INVESTIGATED)


@dataclass(frozen=True, slots=True)
class Rating:
    """How bad a vulnerability is: its CVSS vector and base score, where it has one."""

    cvss: str | None = None
    score: float | None = None
    void: bool = False  # its record was rejected or withdrawn
    disputed: bool = False


@dataclass(frozen=True, slots=True)
class Affliction:
    """What advisories say of one version of a product; each sorted."""

    open: tuple[str, ...] = ()
    exploited: tuple[str, ...] = ()  # of those
    unsure: tuple[str, ...] = ()
    fixed_in: str | None = None  # the newest of the versions in which they are mended; None: not said of all
    cvss: str | None = None  # of the worst
    remedies: tuple[str, ...] = ()

    @property
    def holds(self) -> bool | None:
        """Whether the version is vulnerable; None where some advisory cannot be held against it."""
        return True if self.open else None if self.unsure else False

    @staticmethod
    def common(each: Sequence[Affliction]) -> Affliction:
        """Fold what is said of several versions, any of which may be installed: open is what is open in all."""
        open_ = set.intersection(*(set(one.open) for one in each))
        unsure = set.union(*({*one.open, *one.unsure} for one in each)) - open_
        exploited = {name for one in each for name in one.exploited} & open_
        first = each[0]
        return Affliction(
            tuple(sorted(open_)), tuple(sorted(exploited)), tuple(sorted(unsure)), None, first.cvss if open_ else None, first.remedies
        )


def afflict(known: Known, version: str, said: Iterable[Advisory], ratings: Mapping[str, Rating], scheme: Scheme) -> Affliction:
    """Hold a version of a product against everything that is said of it."""
    said = list(said)
    exploited = {one.vulnerability for one in said if one.exploited}
    void = frozenset(name for name, rating in ratings.items() if rating.void)
    disputed = frozenset(name for name, rating in ratings.items() if rating.disputed)
    component = Component(name=known.product, version=version, scheme=scheme.value, manager="firmware", confidence="banner")
    found = list(match(component, (_statement(one, known) for one in said), void=void, disputed=disputed))
    open_ = [one for one in found if one.status is Finding.AFFECTED]
    return Affliction(
        open=tuple(one.vulnerability for one in open_),
        exploited=tuple(one.vulnerability for one in open_ if one.vulnerability in exploited),
        unsure=tuple(one.vulnerability for one in found if one.status in _UNSURE),
        fixed_in=_fixed_in(open_, scheme),
        cvss=_worst(open_, ratings),
        remedies=tuple(dict.fromkeys(one.remedy for one in open_ if one.remedy))[:5],
    )


def _fixed_in(open_: Sequence[Match], scheme: Scheme) -> str | None:
    """Give the version in which all are mended: the newest of those that are named, where each names one and they compare."""
    named = [one.fixed_in for one in open_]
    if not named or None in named:
        return None
    versions = [version for version in named if version is not None]
    newest = (one for one in versions if all(compare(one, other, scheme) in (0, 1) or one == other for other in versions))
    return next(newest, None)


def _worst(open_: Sequence[Match], ratings: Mapping[str, Rating]) -> str | None:
    rated = [
        (rating.score, rating.cvss)
        for one in open_
        if (rating := ratings.get(one.vulnerability)) and rating.score is not None and rating.cvss
    ]
    return max(rated)[1] if rated else None


def _statement(one: Advisory, known: Known) -> Statement:
    return Statement(
        vulnerability=one.vulnerability,
        origin=Origin(one.origin),
        status=Status(one.status),
        source=one.source,
        record=one.record,
        product=one.product,
        scheme=one.scheme,
        rest=bool(one.rest),
        parsed=one.parsed,
        range_text=one.range_text,
        interval=one.interval,
        versions=one.versions or (),
        hardware=() if any(_is_it(name, known) for name in one.hardware or ()) else one.hardware or (),
        fixed_in=one.fixed_in,
        remedy=one.remedy,
        dated_at=one.dated_at,
        sure=Sure.OWN,
    )


def _is_it(hardware: str, known: Known) -> bool:
    """Tell whether hardware that a statement asks for is the device itself: by its CPE name, or spelt like vendor and model.

    One of a certain version is not: nobody knows which revision the device has.
    """
    spelt = {_spelt(one) for one in known.names}
    try:
        cpe = parse_cpe(hardware)
    except ProtocolError:
        name = hardware.lower().removeprefix("cpe:")
        return f"cpe:{name}" in known.names or _spelt(name) in spelt or _spelt(name.partition(":")[2]) in spelt
    return cpe.version in (None, NONE) and (f"cpe:{cpe.key}" in known.names or _spelt(f"{cpe.vendor}/{cpe.product}") in spelt)


def _spelt(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", name)
