"""What a verification found, as a value: each file, each claim of the seal, each signature. Not how it is found (`verify`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """What became of one file since it was sealed."""

    UNTOUCHED = "untouched"
    CHANGED = "changed"
    MISSING = "missing"
    ADDED = "added"
    NOT_CHECKED = "not_checked"


@dataclass(frozen=True, slots=True)
class Artefact:
    """One file, by its path in the folder; `where` says what differs, or why it could not be checked."""

    name: str
    outcome: Outcome
    where: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that must be so if the seal is true: `holds` is None where nobody could tell, and `why` says why, or what is wrong."""

    what: str
    holds: bool | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a timestamp authority says of a signature: when, who by its own word, and whether its certificate was asked for."""

    at: str | None
    authority: str
    holds: bool | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Signer:
    """One signature: its key's fingerprint, whether it holds, and whether the verifier asked for this key; None: for none at all."""

    fingerprint: str
    holds: bool
    known: bool | None
    stamps: tuple[Stamp, ...] = ()


@dataclass(frozen=True, slots=True)
class Verification:
    """A seal, checked. `says` are the facts that it states; what it is about stands in `kind`."""

    kind: str  # bundle | assessment | destruction | rows
    seal: str
    says: Mapping[str, Any]
    signers: tuple[Signer, ...]
    artefacts: tuple[Artefact, ...]
    claims: tuple[Claim, ...]
    rows: tuple[Mapping[str, Any], ...] = ()

    @property
    def wrong(self) -> bool:
        """Whether anything is not as it was sealed, or not signed as was asked."""
        changed = any(one.outcome not in (Outcome.UNTOUCHED, Outcome.NOT_CHECKED) for one in self.artefacts)
        return changed or any(claim.holds is False for claim in self.claims) or not all(one.holds for one in self.signers)

    @property
    def unchecked(self) -> bool:
        """Whether anything could not be checked."""
        stamps = (stamp for one in self.signers for stamp in one.stamps)
        return (
            any(one.outcome is Outcome.NOT_CHECKED for one in self.artefacts)
            or any(claim.holds is None for claim in self.claims)
            or any(stamp.holds is None for stamp in stamps)
        )

    @property
    def signer_known(self) -> bool:
        """Whether a key that the verifier named signed it."""
        return any(one.known and one.holds for one in self.signers)

    def counts(self) -> dict[str, int]:
        """Count the files by what became of them."""
        return {outcome.value: sum(one.outcome is outcome for one in self.artefacts) for outcome in Outcome}

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        result = "wrong" if self.wrong else "not_checked_in_full" if self.unchecked else "holds"
        return {"result": result, "signer_known": self.signer_known, "counts": self.counts(), **asdict(self)}
