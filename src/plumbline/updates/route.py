"""The way from the version that a device runs to the one that it should run, over the releases in between that it needs; pure.

    Route       steps in their order, or why there is none
    Step        one release to install, and everything that must hold before it is installed

Rules: only releases that the judgement calls newer are on the way, so none that was taken back, of another channel or dated after the
assessment. A release that may only be installed from certain versions (`min_from`, `max_from`) is reached over others, by the fewest steps.
What nobody says is None and is said; it never counts as held. A release with a lower anti-rollback counter than the installed one is no
target: the device would refuse it, or should.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from plumbline.catalogue.facts import ReleaseState
from plumbline.catalogue.ordering import STABLE, Edition, Line, same_version
from plumbline.updates.affected import Affliction
from plumbline.updates.judging import Judgement
from plumbline.versions import Scheme, compare

EDITIONS_MAX = 500  # releases between the installed one and the target; LVFS lists some hundred of one product
Afflicted = Callable[[str], Affliction | None]


class NoRoute(StrEnum):
    """Why nothing can be installed."""

    NO_VERSION = "no_version"  # nobody says from where
    NOTHING_NEWER = "nothing_newer"  # no newer release is known
    TARGET_IN_DOUBT = "target_in_doubt"  # newer ones are, and nobody can say which is the newest
    SEVERAL_VERSIONS = "several_versions"  # claims disagree, so nobody can say from where
    NO_STEPS = "no_steps"  # the newest may not be installed from here, and no others lead to it
    ROLLBACK = "rollback"  # its anti-rollback counter is below the installed one's


@dataclass(frozen=True, slots=True)
class Step:
    """One release to install; each True, False or None as in `Judgement`."""

    edition: Edition
    from_version: str
    startable: bool | None  # it may be installed from that version
    fits: bool | None  # it is for this hardware
    rollback_ok: bool | None  # its anti-rollback counter is not below that of the release before
    mends: tuple[str, ...] | None  # vulnerabilities of the release before that it is free of
    leaves: tuple[str, ...] | None  # those that it still has, or may have
    opens: tuple[str, ...] | None  # those that come with it


@dataclass(frozen=True, slots=True)
class Route:
    """Steps in their order; none, with the reason, where nothing can be installed."""

    steps: tuple[Step, ...] = ()
    reason: NoRoute | None = None


def route(judgement: Judgement, versions: Sequence[str], line: Line, kind: Scheme, afflicted: Afflicted) -> Route:
    """Find the way to the newest release; `kind` is the scheme of the product's versions, `afflicted` what advisories say of one."""
    newer = judgement.newer or ()
    if not versions:
        return Route(reason=NoRoute.NO_VERSION)
    if not newer and not judgement.behind:
        return Route(reason=NoRoute.NOTHING_NEWER)
    if len(versions) != 1:
        return Route(reason=NoRoute.SEVERAL_VERSIONS)
    if not newer and judgement.latest_version is not None:
        return Route(tuple(_steps(versions[0], None, [_of_branch(judgement.latest_version, judgement.latest_at, kind)], afflicted)))
    if judgement.latest is None or judgement.latest not in newer:
        return Route(reason=NoRoute.TARGET_IN_DOUBT)
    installed = next((one for one in line.editions if same_version(one.version, versions[0], one.scheme)), None)
    if _rollback_ok(installed, judgement.latest) is False:
        return Route(reason=NoRoute.ROLLBACK)
    way = _way(versions[0], judgement.latest, newer[-EDITIONS_MAX:])
    if way is None:
        return Route(reason=NoRoute.NO_STEPS)
    return Route(tuple(_steps(versions[0], installed, way, afflicted)))


def startable(edition: Edition, version: str) -> bool | None:
    """Tell whether a release may be installed from a version, by every source that says so; None where that cannot be compared."""
    lowest = dict.fromkeys((edition.min_from, *(release.min_from for release in edition.releases)), (0, 1))
    highest = dict.fromkeys((edition.max_from, *(release.max_from for release in edition.releases)), (-1, 0))
    answers = [
        found in allowed if (found := compare(version, bound, edition.scheme)) is not None else None
        for bound, allowed in (*lowest.items(), *highest.items())
        if bound is not None
    ]
    return False if False in answers else None if None in answers else True


def _of_branch(version: str, released_at: datetime | None, kind: Scheme) -> Edition:
    """Make a release of what a source of support dates calls the newest of the branch, where nobody lists releases."""
    return Edition(version=version, scheme=kind, state=ReleaseState.ACTIVE, channel=STABLE, hardware=None, released_at=released_at)


def _way(version: str, target: Edition, newer: Sequence[Edition]) -> Sequence[Edition] | None:
    """Give the fewest releases that lead to the target, each installable from the one before; of several ways the newest releases."""
    if startable(target, version) is not False:
        return [target]
    reached: dict[str, list[Edition]] = {version: []}
    level = [version]
    while level:
        following: list[str] = []
        for current in level:
            for edition in reversed(newer):
                if edition.version not in reached and startable(edition, current):
                    reached[edition.version] = [*reached[current], edition]
                    if edition is target:
                        return reached[edition.version]
                    following.append(edition.version)
        level = following
    return None


def _steps(version: str, installed: Edition | None, way: Sequence[Edition], afflicted: Afflicted) -> Iterator[Step]:
    for edition in way:
        before, after = afflicted(version), afflicted(edition.version)
        mends = leaves = opens = None
        if before is not None and after is not None:
            still = {*after.open, *after.unsure}
            mends, leaves = (tuple(one for one in before.open if (one in still) is kept) for kept in (False, True))
            opens = tuple(one for one in after.open if one not in {*before.open, *before.unsure})
        yield Step(
            edition=edition,
            from_version=version,
            startable=startable(edition, version),
            fits=None if edition.hardware else True,
            rollback_ok=_rollback_ok(installed, edition),
            mends=mends,
            leaves=leaves,
            opens=opens,
        )
        version, installed = edition.version, edition


def _rollback_ok(installed: Edition | None, edition: Edition) -> bool | None:
    if installed is None or installed.security_version is None or edition.security_version is None:
        return None
    return edition.security_version >= installed.security_version
