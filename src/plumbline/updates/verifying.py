"""Whether a plan was carried out, by what was observed after it was made.

    Closing     of one device: what became of it, in words

| outcome | when |
|---|---|
| verified | what does not depend on its word says the target: its system seen from inside, or what only that release shows |
| said | only its own word or its update service says the target: not enough, since both have been wrong |
| contradicted | some say the target, and others something else |
| not_done | it is said to run something older |
| unclear | what is said cannot be compared with the target |
| not_seen | nothing was observed since |

Only `verified` closes an update. Pure. Rules: what was observed before the plan was made proves nothing of it; a device is known again by
its asset id, else by what identifies it for good (never by an address); a release newer than the target is as good as the target.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from plumbline.catalogue.ordering import same_version, scheme_of
from plumbline.model.errors import InputError
from plumbline.updates.claims import Method
from plumbline.updates.reading import ClaimRow, Device
from plumbline.versions import compare

FORMAT = 1
INDEPENDENT = (Method.HOST_EVIDENCE, Method.FINGERPRINT)
_NO_CLAIMS = (Method.DECLARED, Method.IMAGE)  # say nothing of what a device runs
_PASSING = frozenset({"ip", "hostname"})  # identifiers that go from one device to another


class Outcome(StrEnum):
    """What became of one device; the table of the module says when."""

    VERIFIED = "verified"
    SAID = "said"
    CONTRADICTED = "contradicted"
    NOT_DONE = "not_done"
    UNCLEAR = "unclear"
    NOT_SEEN = "not_seen"


@dataclass(frozen=True, slots=True)
class Promised:
    """One device of a plan, as plan.json has it."""

    wave: int
    asset: str
    name: str
    target: str
    identifiers: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Closing:
    """What became of one device."""

    promised: Promised
    outcome: Outcome
    words: str


def promised(document: Mapping[str, Any]) -> tuple[datetime, tuple[Promised, ...]]:
    """Read a plan: when it was made, and its devices; raises InputError for something else."""
    try:
        if document["format"] != FORMAT:
            raise ValueError(f"format {document['format']}")
        made_at = datetime.fromisoformat(document["made_at"])
        if made_at.tzinfo is None:
            raise ValueError("made_at has no time zone")
        found = tuple(_units(document))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(
            f"is no plan of this release ({error!r})", where="plan.json", remedy="name what `plumbline updates plan` wrote"
        ) from error
    return made_at, found


def _units(document: Mapping[str, Any]) -> Iterator[Promised]:
    for wave in document["waves"]:
        for unit in wave["units"]:
            identifiers = frozenset((str(kind), str(value)) for kind, value in unit["identifiers"])
            yield Promised(int(wave["number"]), str(unit["asset"]), str(unit["name"]), str(unit["target"]), identifiers)


def verify(units: Iterable[Promised], made_at: datetime, devices: Iterable[Device]) -> tuple[Closing, ...]:
    """Close the devices of a plan as far as a later assessment bears it."""
    seen = {device.asset: device for device in devices}
    named: dict[tuple[str, str], set[str]] = {}
    for device in seen.values():
        for identifier in device.identifiers:
            if identifier[0] not in _PASSING:
                named.setdefault(identifier, set()).add(device.asset)
    return tuple(_closing(one, made_at, _again(one, seen, named)) for one in units)


def _again(one: Promised, seen: Mapping[str, Device], named: Mapping[tuple[str, str], set[str]]) -> Device | None:
    """Find a device again; None where nothing, or more than one, is it."""
    if one.asset in seen:
        return seen[one.asset]
    found = set().union(*(named.get(identifier, set()) for identifier in one.identifiers))
    return seen[found.pop()] if len(found) == 1 else None


def _closing(one: Promised, made_at: datetime, device: Device | None) -> Closing:
    if device is None:
        return Closing(one, Outcome.NOT_SEEN, "it was not seen again")
    since = [
        claim for claim in device.claims if claim.counts and claim.version and claim.claimed_at > made_at and claim.method not in _NO_CLAIMS
    ]
    if not since:
        return Closing(one, Outcome.NOT_SEEN, "nothing has said its version since the plan was made")
    there = [claim for claim in since if _reached(claim, one.target)]
    others = [claim for claim in since if claim not in there]
    if there and others:
        return Closing(one, Outcome.CONTRADICTED, f"{_say(there)}, {_say(others)}")
    if others:
        older = any(_order(claim, one.target) == -1 for claim in others)
        return Closing(one, Outcome.NOT_DONE if older else Outcome.UNCLEAR, _say(others))
    if any(claim.method in INDEPENDENT for claim in there):
        return Closing(one, Outcome.VERIFIED, _say(there))
    return Closing(one, Outcome.SAID, f"only {_say(there)}: see it from inside, by a login or hostkit")


def _reached(claim: ClaimRow, target: str) -> bool:
    return same_version(claim.version or "", target, scheme_of(claim.scheme)) or _order(claim, target) == 1


def _order(claim: ClaimRow, target: str) -> int | None:
    return compare(claim.version or "", target, scheme_of(claim.scheme))


def _say(claims: Iterable[ClaimRow]) -> str:
    return ", ".join(dict.fromkeys(f"{claim.says} says {claim.version}" for claim in claims))
