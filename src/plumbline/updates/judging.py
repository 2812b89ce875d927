"""What the catalogue makes of a version of a product; pure.

    Judgement       of one product and the versions that may be installed: what holds, what does not, what cannot be told

| state, the first that holds | when |
|---|---|
| retracted | the maker took the installed release back: it is known to be bad, and its maker says so |
| vulnerable | an advisory about the product says that the version is affected |
| unsupported | security support has ended: no fix will come for what is found next |
| behind | a newer release fits the device |
| current | the installed release is the newest that fits, and nothing that is known is wrong with it |
| unknown | nothing of these holds, and whether it is the newest cannot be told |

Each also stands by itself as True, False or None, which is "cannot be told". Rules:
- Whether it is behind must be told for `current`; of the others what is not known is left open there, and stands as None beside it.
- Where several versions may be installed, or several hardware revisions may be meant, something holds when it holds for all of them, does
  not when it holds for none, and cannot be told otherwise.
- A catalogue that is stale at the date of the assessment can still say that something is bad; that nothing newer came, or that a release
  was not taken back since, it cannot.
- Of a file that somebody wrote by hand and that was not taken whole, what was refused may be the newest release.
- Releases, advisories and ends of support dated after the assessment do not count.
- Releases of other channels than stable count only for a device that runs one of theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from plumbline.catalogue.facts import ReleaseState
from plumbline.catalogue.known import Known, as_of
from plumbline.catalogue.ordering import STABLE, Basis, Edition, order, same_version
from plumbline.updates.affected import Affliction
from plumbline.updates.support import Context, branch_of, scheme, support_of
from plumbline.versions import compare


class State(StrEnum):
    """The table of the module says when each holds."""

    RETRACTED = "retracted"
    VULNERABLE = "vulnerable"
    UNSUPPORTED = "unsupported"
    BEHIND = "behind"
    UNKNOWN = "unknown"
    CURRENT = "current"

    @property
    def bad(self) -> bool:
        """Whether something has to be done about it."""
        return self not in (State.UNKNOWN, State.CURRENT)


class Reason(StrEnum):
    """Why a state is unknown."""

    NO_MODEL = "no_model"
    PRODUCT_UNKNOWN = "product_unknown"
    PRODUCT_AMBIGUOUS = "product_ambiguous"
    NO_VERSION = "no_version"
    NO_RELEASES = "no_releases"
    STALE = "catalogue_stale"
    REFUSED = "catalogue_refused"
    NOT_COMPARABLE = "not_comparable"
    ORDER = "order_in_doubt"
    NEWER = "newer_than_known"
    HARDWARE = "hardware_unknown"
    DISAGREE = "claims_disagree"
    IMAGE_ONLY = "image_only"
    NOT_JUDGED = "not_judged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What holds of one product in the versions that may be installed; None is "cannot be told"."""

    state: State = State.UNKNOWN
    reason: Reason | None = None
    behind: bool | None = None
    newer: tuple[Edition, ...] | None = None  # releases that are newer and fit, oldest first
    latest: Edition | None = None
    latest_version: str | None = None  # of the branch, where only that is known
    latest_at: datetime | None = None
    retracted: bool | None = None
    unsupported: bool | None = None
    support_ends_at: datetime | None = None
    vulnerable: bool | None = None
    affliction: Affliction | None = None
    as_of: datetime | None = None  # of the releases and support dates, by their newest source

    @property
    def releases_behind(self) -> int | None:
        """How many newer releases fit."""
        return None if self.newer is None else len(self.newer)

    def days_behind(self, at: datetime) -> int | None:
        """Days since the first newer release; None where there is none, or it is not dated."""
        if not self.newer or self.newer[0].released_at is None:
            return None
        first = min((edition.released_at for edition in self.newer if edition.released_at is not None), default=None)
        return None if first is None else (at - first).days

    @property
    def fix_at(self) -> datetime | None:
        """When the first newer release came that mends a vulnerability."""
        mending = (edition.released_at for edition in self.newer or () if edition.fixes and edition.released_at is not None)
        return min(mending, default=None)


def judge(known: Known, versions: Sequence[str], afflictions: Mapping[str, Affliction], context: Context) -> Judgement:
    """Judge a product in the versions that may be installed; `afflictions` are what advisories say of each of them."""
    each = [
        _together([_judged(known, version, hardware, afflictions.get(version), context) for hardware in _hardware(known)], Reason.HARDWARE)
        for version in versions
    ]
    if not each:
        return stated(replace(_judged(known, None, None, None, context), reason=Reason.NO_VERSION))
    one = _together(each, Reason.DISAGREE)
    return stated(one)


def stated(one: Judgement) -> Judgement:
    """Give a judgement its headline, from what holds."""
    holding = {
        State.RETRACTED: one.retracted,
        State.VULNERABLE: one.vulnerable,
        State.UNSUPPORTED: one.unsupported,
        State.BEHIND: one.behind,
    }
    bad = next((state for state, holds in holding.items() if holds), None)
    if bad is not None:
        return replace(one, state=bad, reason=None)
    if one.behind is False and one.reason is None:
        return replace(one, state=State.CURRENT)
    return replace(one, state=State.UNKNOWN, reason=one.reason or Reason.NOT_COMPARABLE)


def _together(each: Sequence[Judgement], apart: Reason) -> Judgement:
    """Fold judgements of one device into what holds of all; `apart` is the reason where they differ."""
    first = each[0]
    if len(each) == 1:
        return first
    reasons = {one.reason for one in each}
    same_latest = len({one.latest_version for one in each}) == 1
    afflictions = [one.affliction for one in each if one.affliction is not None]
    newer = [one.newer for one in each if one.newer is not None]
    return Judgement(
        reason=first.reason if len(reasons) == 1 and len({one.behind for one in each}) == 1 else apart,
        behind=_of_all(one.behind for one in each),
        newer=min(newer, key=len) if len(newer) == len(each) else None,
        latest=first.latest if same_latest else None,
        latest_version=first.latest_version if same_latest else None,
        latest_at=first.latest_at if same_latest else None,
        retracted=_of_all(one.retracted for one in each),
        unsupported=_of_all(one.unsupported for one in each),
        support_ends_at=first.support_ends_at if len({one.support_ends_at for one in each}) == 1 else None,
        vulnerable=_of_all(one.vulnerable for one in each),
        affliction=Affliction.common(afflictions) if len(afflictions) == len(each) else None,
        as_of=first.as_of,
    )


def _of_all(values: Iterable[bool | None]) -> bool | None:
    found = set(values)
    return next(iter(found)) if len(found) == 1 else None


def _hardware(known: Known) -> Sequence[str | None]:
    """Name the revisions of hardware that releases tell apart, and that the product has; these are taken for all that there are."""
    named = {word for edition in known.line.editions for word in edition.hardware or ()}
    return sorted(named.union(*(product.hardware or () for product in known.products))) if named else (None,)


def _judged(known: Known, version: str | None, hardware: str | None, affliction: Affliction | None, context: Context) -> Judgement:
    releases = _releases(known, version, hardware, context)
    support, ended = support_of(known, version, context)
    dates = [moment for moment in (releases.as_of, known.newest_word(known.supports, context.sources)) if moment is not None]
    return replace(
        releases,
        unsupported=ended,
        support_ends_at=None if support is None else support.security_ends_at or support.ends_at,
        vulnerable=None if affliction is None else affliction.holds,
        affliction=affliction,
        as_of=max(dates, default=None),
    )


def _releases(known: Known, version: str | None, hardware: str | None, context: Context) -> Judgement:
    """Hold a version against the releases that fit; where there are none, against the newest of its branch."""
    dated = [one for one in known.line.editions if one.released_at is None or one.released_at <= context.as_of]
    fitting = [one for one in dated if hardware is None or one.hardware is None or hardware in one.hardware]
    if not fitting:
        return _branch(known, version, context)
    right = known.newest_word(known.releases, context.sources)
    own = [one for one in fitting if version is not None and same_version(one.version, version, one.scheme)]
    channels = {STABLE, *(one.channel for one in own)}
    withdrawn = [one for one in fitting if one.state.withdrawn]  # by one source perhaps for all hardware, while another lists it for this
    active = [one for one in fitting if one.channel in channels and one.state is ReleaseState.ACTIVE]
    candidates = [one for one in active if not any(same_version(one.version, other.version, one.scheme) for other in withdrawn)]
    latest = known.line.newest(candidates)
    retracted = any(one.state.withdrawn for one in own) if own else None
    found = Judgement(
        latest=latest,
        latest_version=latest.version if latest else None,
        latest_at=latest.released_at if latest else None,
        retracted=None if context.stale(right) and not retracted else retracted,
        as_of=right,
    )
    if version is None:
        return found
    installed = own[0] if own else _unlisted(version, fitting)
    compared = {one: 0 if one in own else order(one, installed, known.line.basis if own else Basis.VERSION) for one in candidates}
    newer = tuple(one for one in known.line.editions if compared.get(one) == 1)
    if newer:
        return replace(found, behind=True, newer=newer)
    if not candidates:
        return replace(found, reason=Reason.NO_RELEASES)
    judged = _not_behind(found, compared, own, context)
    if judged.behind is False and context.refused([*(one.source for one in known.products), *(one.source for one in known.releases)]):
        return replace(found, reason=Reason.REFUSED)
    return judged


def _not_behind(found: Judgement, compared: Mapping[Edition, int | None], own: Sequence[Edition], context: Context) -> Judgement:
    """Tell whether a version that no release is known to be newer than is the newest."""
    if None in compared.values():
        return replace(found, reason=Reason.ORDER if own else Reason.NOT_COMPARABLE)
    if context.stale(found.as_of):
        return replace(found, reason=Reason.STALE)
    if 0 in compared.values() or found.retracted:
        return replace(found, behind=False, newer=())
    return replace(found, reason=Reason.NEWER)


def _unlisted(version: str, fitting: Sequence[Edition]) -> Edition:
    """Make an edition of a version that no source lists, to compare it with those that are."""
    return Edition(version=version, scheme=fitting[0].scheme, state=ReleaseState.ACTIVE, channel=STABLE, hardware=None)


def _branch(known: Known, version: str | None, context: Context) -> Judgement:
    """Hold a version against the newest of its branch, where a source of support dates names that and nobody lists releases."""
    branch = branch_of(known.supports, version, scheme(known)) if version is not None else None
    if branch is None or branch.latest is None or (branch.latest_at is not None and branch.latest_at > context.as_of):
        return Judgement(reason=Reason.NO_RELEASES)
    assert version is not None  # a branch was found by it
    found = Judgement(latest_version=branch.latest, latest_at=branch.latest_at)
    compared = 0 if same_version(branch.latest, version, scheme(known)) else compare(branch.latest, version, scheme(known))
    if compared == 1:
        return replace(found, behind=True)
    if compared is None:
        return replace(found, reason=Reason.NOT_COMPARABLE)
    if context.stale(as_of(branch, context.sources)):
        return replace(found, reason=Reason.STALE)
    return replace(found, reason=Reason.NEWER) if compared == -1 else replace(found, behind=False)
