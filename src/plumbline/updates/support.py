"""Whether a version of a product still gets security fixes, by what sources say of its support; pure.

Rules: of branches the longest counts that the version begins with; where sources contradict each other, none says anything; that support
"goes on", without a date, is true only for as long as the source is fresh.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from plumbline.catalogue.facts import Support
from plumbline.catalogue.known import Known, as_of
from plumbline.catalogue.ordering import same_version, scheme_of
from plumbline.evidence.reference import Source
from plumbline.versions import Scheme

STALE_AFTER = timedelta(days=30)
BY_HAND = ("own", "csv")  # kinds of sources


@dataclass(frozen=True, slots=True)
class Context:
    """What every judgement of one assessment shares: its date, and the sources of the reference data."""

    as_of: datetime
    sources: Mapping[str, Source]

    def stale(self, right: datetime | None) -> bool:
        """Tell whether facts that were right at some time are too old to say that nothing new came."""
        return right is None or self.as_of - right > STALE_AFTER

    def refused(self, names: Iterable[str]) -> bool:
        """Tell whether something was refused of one of the named sources that people write by hand, of which a release may be missing."""
        found = (self.sources.get(name) for name in names)
        return any(source.refused_count > 0 and source.kind in BY_HAND for source in found if source is not None)


def scheme(known: Known) -> Scheme:
    """Name the scheme of a product's versions."""
    return scheme_of(next((release.scheme for release in known.releases if release.scheme), None))


def branch_of(supports: Iterable[Support], version: str, kind: Scheme) -> Support | None:
    """Find the branch that a version belongs to: the longest that it begins with, else what is said of the whole product."""
    begun = [one for one in supports if one.cycle is None or _begins(version, one.cycle, kind)]
    return max(begun, key=lambda one: len(one.cycle or ""), default=None)


def _begins(version: str, cycle: str, kind: Scheme) -> bool:
    text, branch = version.strip().lower().removeprefix("v"), cycle.strip().lower().removeprefix("v")
    return text == branch or (text.startswith(branch) and not text[len(branch)].isalnum()) or same_version(version, cycle, kind)


def support_of(known: Known, version: str | None, context: Context) -> tuple[Support | None, bool | None]:
    """Tell whether security support has ended: of the installed branch, or of the whole product."""
    whole = [support for support in known.supports if support.cycle is None]
    branch = branch_of(known.supports, version, scheme(known)) if version is not None else next(iter(whole), None)
    said = [support for support in known.supports if branch is not None and support.cycle == branch.cycle]
    answers = [(support, _ended(support, context)) for support in said]
    for wanted in (True, False):
        chosen = _chosen(answers, wanted)
        if chosen is not None:
            return chosen, wanted
    return branch, None


def _chosen(answers: Sequence[tuple[Support, bool | None]], wanted: bool) -> Support | None:
    """Choose of sources that agree the one that was read last; where they contradict each other none says anything."""
    agreeing = [support for support, answer in answers if answer is wanted]
    if not agreeing or any(answer is (not wanted) for _, answer in answers):
        return None
    return max(agreeing, key=lambda support: (support.security_ends_at is not None, support.source))


def _ended(support: Support, context: Context) -> bool | None:
    end = support.security_ends_at or support.ends_at
    if end is not None:
        return end <= context.as_of
    said = as_of(support, context.sources)
    if support.ended is None or said is None:
        return None
    if support.ended:
        return True if said <= context.as_of + STALE_AFTER else None  # it may have ended since
    return None if context.stale(said) else False
