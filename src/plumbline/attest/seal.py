"""Seals a folder: names every file in it by its digest, and signs that.

Not a judgement of what the folder holds. Rules: what would make the seal a lie is refused before anything is signed: a bundle whose files
are not those of its manifest, a collection or an assessment that has not ended, a ledger that is not its assessment's, a link. A folder
that is sealed already is not sealed anew: another key countersigns the same statement.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from secrets import token_bytes
from types import MappingProxyType
from typing import Any

from securesystemslib.signer import Signer  # type: ignore[attr-defined]

from plumbline import __version__
from plumbline.assess.assessment import read_json
from plumbline.assess.digest import ledger_digest
from plumbline.attest import at_hand
from plumbline.attest.commitments import ROWS_MAX, SEED_BYTES, Tree, leaf_of
from plumbline.attest.content import BUNDLE_SEAL, OUT_SEAL, PRIVATE, digest_of, entries, sealed_by
from plumbline.attest.envelope import Envelope, Signature
from plumbline.attest.private import Private, read_private
from plumbline.attest.rows import Rows
from plumbline.attest.sealed import read_seal, seal_at
from plumbline.attest.statement import ROWS, SEAL, Facts, Statement, plain
from plumbline.evidence.bundle import Bundle
from plumbline.model.errors import InputError

Progress = Callable[[str, int, int | None], None]
_ANEW = "take the seal away to seal the folder anew"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A seal that was written: where, over how many files, by which key (fingerprint); `countersigned`: it was there already."""

    path: Path
    facts: Facts
    files: int
    signature: Signature
    countersigned: bool


def check_sealable(folder: Path) -> None:
    """Refuse what is neither a bundle nor an OUT, before a key is asked for or made; raises InputError."""
    if sealed_by(folder) is None and not any((folder / name).is_file() for name in ("assessment.json", "manifest.json")):
        raise InputError("is neither a bundle nor an assessment", where=str(folder), remedy="name what `collect` or `assess` wrote")


def seal(
    folder: Path,
    signer: Signer,
    now: datetime,
    *,
    retain_until: date | None = None,
    bundles: Collection[Path] = (),
    stamp: Callable[[Signature], Signature] | None = None,
    progress: Progress | None = None,
) -> Sealed:
    """Seal a bundle or an OUT, or countersign its seal.

    `bundles` are those that were assessed, where they are neither in OUT nor beside it; `stamp` adds what a timestamp authority says of a
    signature. Raises InputError when the folder is not as its own files say.
    """
    show = progress or (lambda _what, _done, _total: None)
    if retain_until is not None and retain_until < now.astimezone(UTC).date():
        raise InputError(f"{retain_until} is over", where="--retain-until", remedy="give a day that is yet to come, or leave it out")
    check_sealable(folder)
    if sealed_by(folder) is not None:
        return _countersigned(folder, signer, retain_until, stamp, show)
    if os.path.lexists(folder / PRIVATE):
        raise InputError("is of an earlier seal, which is not there", where=str(folder / PRIVATE), remedy="take it away as well")
    if (folder / "assessment.json").is_file():
        name = OUT_SEAL
        facts, private, known = _of_assessment(folder, now, bundles, show)
    else:
        name, private = BUNDLE_SEAL, None
        facts, known = _of_bundle(folder, now, show)
    facts = replace(facts, retain_until=retain_until.isoformat() if retain_until else None)
    subjects = _digests(folder, show, known=known)
    statement = Statement(SEAL, subjects, facts.predicate())
    envelope = _stamped(Envelope(statement.to_bytes()).signed(signer), stamp)
    if private is not None:
        rows = Statement(ROWS, {"rows": private.root.hex()}, {"sealed": envelope.digest()})
        private = replace(private, envelope=_stamped(Envelope(rows.to_bytes()).signed(signer), stamp))
        private.write(folder / PRIVATE)
    envelope.write(folder / name)
    return Sealed(folder / name, facts, len(subjects), envelope.signatures[-1], countersigned=False)


def _countersigned(
    folder: Path,
    signer: Signer,
    retain_until: date | None,
    stamp: Callable[[Signature], Signature] | None,
    show: Progress,
) -> Sealed:
    seal = read_seal(folder)
    path = folder / seal.name
    if retain_until is not None:
        raise InputError("is sealed already, and a countersignature changes nothing of what it says", where="--retain-until", remedy=_ANEW)
    private = (PRIVATE,) if seal.facts.rows is not None else ()
    if (changed := _changed(seal.statement.subjects, _digests(folder, show, seal.name, *private))) is not None:
        raise InputError(f"{changed} since it was sealed", where=str(folder), remedy=f"plumbline verify says what; {_ANEW}")
    signed = _stamped(seal.envelope.signed(signer), stamp)
    if seal.facts.rows is not None and (folder / PRIVATE).exists():
        opens = read_private(folder / PRIVATE)
        replace(opens, envelope=_stamped(opens.envelope.signed(signer), stamp)).write(folder / PRIVATE)
    signed.write(path)
    return Sealed(path, seal.facts, len(seal.statement.subjects), signed.signatures[-1], countersigned=True)


def _stamped(envelope: Envelope, stamp: Callable[[Signature], Signature] | None) -> Envelope:
    """Have the last signature stamped."""
    if stamp is None:
        return envelope
    return replace(envelope, signatures=(*envelope.signatures[:-1], stamp(envelope.signatures[-1])))


def _digests(folder: Path, show: Progress, *but: str, known: Mapping[Path, str] = MappingProxyType({})) -> dict[str, str]:
    """Digest every file, some left out, and those that are `known` not once more; raises InputError for what is none."""
    found = entries(folder, *but)
    for entry in found:
        if entry.odd:
            raise InputError(f"{entry.odd}, which a seal cannot be about", where=str(entry.path), remedy="take it out of the folder")
    digests: dict[str, str] = {}
    for number, entry in enumerate(found):
        show("digesting", number, len(found))
        digests[entry.name] = known.get(entry.path) or digest_of(entry.path)
    show("digesting", len(found), len(found))
    return digests


def _changed(sealed: Mapping[str, str], found: Mapping[str, str]) -> str | None:
    """Name the first file that is not as it was sealed."""
    for name in sorted(sealed.keys() | found.keys()):
        if name not in found:
            return f"{name} is missing"
        if name not in sealed:
            return f"{name} was added"
        if sealed[name] != found[name]:
            return f"{name} has changed"
    return None


def _of_bundle(folder: Path, now: datetime, show: Progress) -> tuple[Facts, dict[Path, str]]:
    bundle = Bundle(folder)
    digests = _whole(bundle, show)
    facts = Facts(
        plumbline=__version__,
        holds="bundle",
        rig=str(bundle.manifest.get("rig", {}).get("id", "")),
        sealed_at=_iso(now),
        bundles={".": digests[folder / "manifest.json"]},
    )
    return facts, digests


def _whole(bundle: Bundle, show: Progress) -> dict[Path, str]:
    """Digest the files of a bundle that has ended, whose files are those of its manifest, and of its seal if it has one.

    Raises InputError for any other.
    """
    folder = bundle.path
    again = "let the collection end, or go on with it: plumbline collect RIG -o BUNDLE --resume"
    if bundle.manifest["sessions"][-1]["ended_at"] is None:
        raise InputError("its last session has not ended", where=str(folder), remedy=again)
    named = at_hand.named_files(bundle)
    if not named:
        raise InputError("its manifest names no file", where=str(folder), remedy=again)
    found = _digests(folder, show, BUNDLE_SEAL)
    digests = {folder / name: digest for name, digest in found.items()}
    own = folder / BUNDLE_SEAL
    if os.path.lexists(own) and (changed := _changed(seal_at(own).statement.subjects, found)) is not None:
        raise InputError(f"is not the seal of this bundle: {changed}", where=str(own), remedy="take it away, or copy the bundle anew")
    found.pop("manifest.json")
    if (changed := _changed(named, found)) is not None:
        raise InputError(f"{changed} since the collection ended", where=str(folder), remedy="copy the bundle anew, or collect again")
    return digests


def _of_assessment(folder: Path, now: datetime, named: Collection[Path], show: Progress) -> tuple[Facts, Private | None, dict[Path, str]]:
    said, digests = read_json(folder), dict[Path, str]()
    for unfinished in (".scratch", ".ledger"):
        if (folder / unfinished).exists():
            raise InputError("an assessment is being written there, or was ended early", where=str(folder), remedy="assess again")
    show("reading the ledger", 0, None)
    try:
        digest = ledger_digest(folder / "ledger.parquet")
        if digest != said["ledger_digest"]:
            raise InputError("the ledger is not the one of assessment.json", where=str(folder), remedy="assess the bundle again")
        found = at_hand.find(folder, said["bundles"], named)
        if other := [name for name in found.missing if plain(name) and (folder / name).exists()]:
            raise InputError("is not the bundle that was assessed", where=str(folder / other[0]), remedy="assess it again, or copy it anew")
        for bundle in found.bundles.values():
            digests |= _whole(bundle, show)
        facts = Facts(
            plumbline=said["plumbline"],
            holds="assessment",
            rig=str(said["rig"].get("id", "")),
            sealed_at=_iso(now),
            bundles=said["bundles"],
            as_of=said["as_of"],
            ledger_digest=digest,
            ledger_rows=said["ledger_rows"],
            checks_digest=said["checks_digest"],
            parameters_digest=said["parameters_digest"],
            parameters=_parameters(said),
            reference=said["reference"],
        )
        private, missing = _private(folder, said, found, show)
        rows = private.root.hex() if private is not None else None
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"not of the form that this release reads ({error!r})", where=str(folder), remedy="assess again") from error
    return replace(facts, rows=rows, rows_missing=missing), private, digests


def _parameters(said: Mapping[str, Any]) -> dict[str, Any]:
    """Give the values that the checks were judged with, by parameter; checks that share one share its value."""
    return {name: value for check in said["checks"] for name, value in check["parameters"].items()}


def _private(folder: Path, said: Mapping[str, Any], found: at_hand.AtHand, show: Progress) -> tuple[Private | None, str | None]:
    """Build the tree over the rows, and give what opens it; without all bundles at hand, or for too many rows, say why there is none."""
    if found.missing:
        return None, f"not at hand: {', '.join(found.missing)}"
    seed, leaves = token_bytes(SEED_BYTES), list[bytes]()
    for number, row in enumerate(Rows(folder, said, list(found.bundles.values()))):
        if number == ROWS_MAX:
            return None, f"more than {ROWS_MAX} rows"
        if number % 10_000 == 0:
            show("committing to rows", number, None)
        leaves.append(leaf_of(row, seed, number))
    return Private(seed, Tree(leaves, seed).root()), None


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
