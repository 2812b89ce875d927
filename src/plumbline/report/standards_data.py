"""The view-model of the chapter "Against standards": provisions, profiles and tests by hand, typed, frozen and bounded, as in `data`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from plumbline.model.words import Basis, Severity, Verdict
from plumbline.report.tally import Tally


@dataclass(frozen=True, slots=True)
class Provision:
    """One provision and what it came to over the rig; never a statement of conformity.

    `tally` counts verdicts of the checks that name it, `assets` assets by what it came to on each (None: too many to count), `asked` those
    that it is asked of. `reason` is the word why it is inconclusive, `remains` what is left to do by hand: manual, declare or gap.
    `declare`, `manual` and `gap` are the standard's words for these, None where nothing of the kind is asked.
    """

    standard: str
    id: str
    title: str
    level: str
    per: str
    whole: bool
    checks: tuple[str, ...]
    tally: Tally
    verdict: Verdict
    reason: str | None
    basis: Basis | None
    asked: int
    assets: Tally | None
    remains: tuple[str, ...]
    declare: str | None = None
    manual: str | None = None
    gap: str | None = None

    @property
    def ref(self) -> str:
        """The id over all standards."""
        return f"{self.standard}/{self.id}"


@dataclass(frozen=True, slots=True)
class ProfileResult:
    """A named set of provisions against its thresholds: `fail` and `inconclusive` at most.

    `within` is None where what is inconclusive could still decide it; `verdicts` by provision, with the reason of an inconclusive one:
    they may differ from the provisions' own, for a profile may not accept every basis.
    """

    id: str
    title: str
    counts: Tally
    fail: int
    inconclusive: int
    within: bool | None
    accepts: tuple[Basis, ...]
    severities: Mapping[Severity, int]
    verdicts: Mapping[str, tuple[Verdict, str | None]]


@dataclass(frozen=True, slots=True)
class HandTest:
    """One result of a test by hand, of a provision or of what a check asks; `attachments` are the digests of the first of its files.

    Fields are columns of the table `manual_result`, and mean what those mean; None as well.
    """

    asset_name: str
    about: str
    verdict: str | None
    tester: str | None
    method: str | None
    performed_at: datetime | None
    observations: str | None
    attachments: tuple[str, ...]
    attachments_count: int
