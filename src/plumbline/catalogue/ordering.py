"""The releases of one product over all sources that name them: put together, and in their order.

    Edition     one version, with what every source says of it
    Line        the editions, oldest first, by what they are ordered, and whether that is certain

Not where they come from (`importers`) and not whether a device runs one of them (`updates`). Rules:
- One thing orders all editions of a product: the sequence that their maker gives, else their dates, else their versions. Nothing is mixed.
- Sources that contradict each other are shown, not hidden: of two states the worse holds, since a release that somebody took back is not
  one to install; of anything else that is not the same twice, nothing holds.
- Where dates and versions disagree (a late fix of an old branch, a newer build with a lower number) the order of those two is in doubt.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cmp_to_key, partial
from itertools import pairwise
from typing import Any, TypeVar

from plumbline.catalogue.facts import Release, ReleaseState
from plumbline.catalogue.names import plain
from plumbline.versions import Scheme, compare, scheme_for, sort_key

STABLE = "stable"
DATES_APART = timedelta(days=2)  # sources date a release by its tag, its build or its page
_Value = TypeVar("_Value", bound=Hashable)


class Basis(StrEnum):
    """What puts editions in order."""

    SEQUENCE = "sequence"
    RELEASED = "released_at"
    VERSION = "version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One version of a product over all sources; None where no source says it, or where they contradict each other."""

    version: str
    scheme: Scheme
    state: ReleaseState
    channel: str
    hardware: tuple[str, ...] | None
    sequence: int | None = None
    released_at: datetime | None = None
    sha256: str | None = None
    sha512: str | None = None
    size_bytes: int | None = None
    url: str | None = None
    min_from: str | None = None
    max_from: str | None = None
    fixes: tuple[str, ...] | None = None
    security_version: int | None = None
    notes: str | None = None
    sources: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    releases: tuple[Release, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Line:
    """Editions of a product, oldest first; `certain` is false where nothing tells the order of some that stand side by side."""

    editions: tuple[Edition, ...]
    basis: Basis
    certain: bool
    conflicts: tuple[str, ...] = ()

    def of_version(self, version: str) -> tuple[Edition, ...]:
        """Find the editions of a version; several where hardware or channel tells them apart."""
        return tuple(edition for edition in self.editions if same_version(edition.version, version, edition.scheme))

    def newest(self, among: Sequence[Edition]) -> Edition | None:
        """Find the one that is newer than all others of the same hardware; None where their order is in doubt."""
        found = next(iter(among), None)
        for edition in among:
            if found is not None and order(edition, found, self.basis) == 1:
                found = edition
        return found if all(edition is found or order(edition, found, self.basis) in (-1, 0) for edition in among if found) else None


def scheme_of(word: str | None) -> Scheme:
    """Name the scheme of a product's versions: as its source says, else that of firmware."""
    return (scheme_for(word) if word else None) or Scheme.FIRMWARE


def same_version(one: str, other: str, scheme: Scheme) -> bool:
    """Tell whether two texts are one version: the same but for case and a leading v, or equal by the scheme's order."""
    return _bare(one) == _bare(other) or compare(one, other, scheme) == 0


def line(releases: Iterable[Release]) -> Line:
    """Put the releases of one product together and in order."""
    editions = editions_of(releases)
    basis = _basis(editions)
    if basis is Basis.VERSION:
        ordered = sorted(editions, key=_version_key)
    else:
        ordered = sorted(editions, key=cmp_to_key(partial(_sorting, basis)))
    certain = all(order(one, other, basis) is not None for one, other in pairwise(ordered))
    return Line(tuple(ordered), basis, certain, tuple(conflict for edition in editions for conflict in edition.conflicts))


def editions_of(releases: Iterable[Release]) -> list[Edition]:
    """Put together what several sources say of one version for one hardware."""
    groups: dict[tuple[Any, ...], list[Release]] = {}
    for release in releases:
        key = (_bare(release.version), tuple(sorted(release.hardware or ())))
        groups.setdefault(key, []).append(release)
    return [_edition(group) for group in groups.values()]


def order(one: Edition, other: Edition, basis: Basis) -> int | None:
    """Compare two editions: -1, 0 or 1; None where nothing tells, or where dates and versions disagree."""
    found = _order(one, other, basis)
    if basis is Basis.RELEASED and found:
        by_version = _order(one, other, Basis.VERSION)
        if by_version is not None and by_version != found:
            return None
    return found


def _order(one: Edition, other: Edition, basis: Basis) -> int | None:
    mine, theirs = getattr(one, basis, None), getattr(other, basis, None)
    if basis is not Basis.VERSION and mine is not None and theirs is not None and mine != theirs:
        return 1 if mine > theirs else -1
    return compare(one.version, other.version, one.scheme) if one.scheme is other.scheme else None


def _sorting(basis: Basis, one: Edition, other: Edition) -> int:
    return _order(one, other, basis) or 0


def _basis(editions: Sequence[Edition]) -> Basis:
    return next((basis for basis in Basis if all(getattr(edition, basis) is not None for edition in editions)), Basis.VERSION)


def _version_key(edition: Edition) -> tuple[str, bool, Any]:
    key = sort_key(edition.version, edition.scheme)
    return edition.scheme, key is not None, key if key is not None else plain(edition.version)


def _edition(group: Sequence[Release]) -> Edition:
    first = group[0]
    conflicts: list[str] = []

    def agreed(name: str, values: Iterable[_Value | None]) -> _Value | None:
        said = {value: release.source for value, release in zip(values, group, strict=True) if value is not None}
        if len(said) > 1:
            conflicts.append(f"{first.version}: {name} is {' or '.join(f'{_word(v)} ({s})' for v, s in sorted(said.items(), key=str))}")
            return None
        return next(iter(said), None)

    states = {release.state: release.source for release in group}
    if len(states) > 1:
        conflicts.append(f"{first.version}: state is {' or '.join(f'{state} ({source})' for state, source in sorted(states.items()))}")
    dates = sorted(release.released_at for release in group if release.released_at is not None)
    near = bool(dates) and dates[-1] - dates[0] <= DATES_APART
    return Edition(
        version=first.version,
        scheme=scheme_of(next((release.scheme for release in group if release.scheme), None)),
        state=max((ReleaseState(release.state) for release in group), key=list(ReleaseState).index),
        channel=agreed("channel", [plain(release.channel or STABLE) for release in group]) or STABLE,
        hardware=first.hardware,
        sequence=agreed("sequence", [release.sequence for release in group]),
        released_at=dates[0] if near else agreed("released_at", [release.released_at for release in group]),
        sha256=agreed("sha256", [release.sha256 for release in group]),
        sha512=agreed("sha512", [release.sha512 for release in group]),
        size_bytes=agreed("size_bytes", [release.size_bytes for release in group]),
        url=next((release.url for release in group if release.url), None),
        min_from=agreed("min_from", [release.min_from for release in group]),
        max_from=agreed("max_from", [release.max_from for release in group]),
        fixes=tuple(sorted({fixed for release in group for fixed in release.fixes or ()})) or None,
        security_version=agreed("security_version", [release.security_version for release in group]),
        notes=next((release.notes for release in group if release.notes), None),
        sources=tuple(sorted({release.source for release in group})),
        conflicts=tuple(conflicts),
        releases=tuple(group),
    )


def _word(value: object) -> str:
    return f"{value:%Y-%m-%d}" if isinstance(value, datetime) else str(value)[:80]


def _bare(version: str) -> str:
    text = plain(version)
    return text[1:] if text[:1] == "v" and text[1:2].isdigit() else text
