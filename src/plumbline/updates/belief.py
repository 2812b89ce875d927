"""Which version a device is believed to run, of everything that is claimed; pure.

    Belief      the versions that may be installed, by whom they are believed, and whether claims contradict each other

Rules:
- Claims that are more than OUTDATED_AFTER older than the newest of the device do not count: it may have been updated in between. Of one
  source and subject the newest counts.
- The most independent claims are believed: what was read from inside before what the device shows by what it does, that before its own
  word, that before an update service's. Where these name several versions, each may be the one.
- Two claims contradict each other when their versions are certainly not the same. Versions that cannot be compared are no contradiction,
  and no agreement either: `agreed` is then None.
- An image that was supplied for the model is no claim about this one device: it never contradicts, and is believed only where nothing else
  says anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from plumbline.catalogue.ordering import same_version
from plumbline.updates.claims import Claim, Method
from plumbline.versions import Scheme, compare

OUTDATED_AFTER = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Belief:
    """What a device may run. `versions` are as first claimed, the most often claimed first; empty: nobody says any."""

    versions: tuple[str, ...] = ()
    method: Method | None = None
    counted: tuple[Claim, ...] = ()  # claims that were held against each other
    conflict: bool | None = None  # None: fewer than two claims, or some that cannot be compared
    conflict_words: str | None = None

    @property
    def words(self) -> str | None:
        """The versions in words."""
        return " or ".join(self.versions) or None


def believe(claims: Iterable[Claim], scheme: Scheme, *, own: frozenset[str] = frozenset()) -> Belief:
    """Weigh the claims of one device; `own` are products whose versions count as the device's own, by `Claim.of`."""
    current = _current([claim for claim in claims if claim.version and (claim.of is None or claim.of in own)])
    contending = [claim for claim in current if claim.method not in (Method.IMAGE, Method.DECLARED)]
    counted = contending or [claim for claim in current if claim.method is Method.IMAGE]
    if not counted:
        return Belief()
    highest = max(claim.method.trust for claim in counted)
    believed = _groups([claim for claim in counted if claim.method.trust == highest], scheme)
    groups = _groups(counted, scheme)
    conflict: bool | None = None
    if contending and len(contending) > 1:
        pairs = [(one[0], other[0]) for at, one in enumerate(groups) for other in groups[at + 1 :]]
        certain = [compare(one.version or "", other.version or "", scheme) in (-1, 1) for one, other in pairs]
        conflict = True if any(certain) else None if pairs else False
    return Belief(
        versions=tuple(group[0].version for group in believed if group[0].version),
        method=believed[0][0].method,
        counted=tuple(counted),
        conflict=conflict,
        conflict_words=_words(groups) if conflict or (len(groups) > 1 and contending) else None,
    )


def _current(claims: Sequence[Claim]) -> list[Claim]:
    """Leave out what is too old beside the newest, and what its own source has since said anew."""
    if not claims:
        return []
    newest = max(claim.claimed_at for claim in claims)
    latest: dict[tuple[str, str], list[Claim]] = {}
    for claim in claims:
        said = latest.setdefault((claim.source, claim.subject), [])
        if said and said[0].claimed_at < claim.claimed_at:
            said.clear()
        if not said or said[0].claimed_at == claim.claimed_at:
            said.append(claim)
    return [claim for some in latest.values() for claim in some if newest - claim.claimed_at <= OUTDATED_AFTER]


def _groups(claims: Sequence[Claim], scheme: Scheme) -> list[list[Claim]]:
    """Put claims of one version together: the largest group first, then the most trusted, then by version."""
    groups: list[list[Claim]] = []
    for claim in sorted(claims, key=lambda claim: (-claim.method.trust, claim.source, claim.subject, claim.version or "")):
        same = (group for group in groups if same_version(group[0].version or "", claim.version or "", scheme))
        group = next(same, None)
        if group is None:
            groups.append([claim])
        else:
            group.append(claim)
    return sorted(groups, key=lambda group: (-len(group), -group[0].method.trust, group[0].version or ""))


def _words(groups: Sequence[Sequence[Claim]]) -> str:
    """Say who says what: `its web page says 1.4.2, the hub's twin says 2.0.1`."""
    ordered = sorted(groups, key=lambda group: -group[0].method.trust)
    said = [f"{' and '.join(dict.fromkeys(claim.says for claim in group))} {_verb(group)} {group[0].version}" for group in ordered]
    return ", ".join(said)


def _verb(group: Sequence[Claim]) -> str:
    return "say" if len({claim.says for claim in group}) > 1 else "says"
