"""Verifies a sealed folder: who signed, which files are as they were, and whether the ledger follows from the evidence.

Rules: nothing in the folder is believed, the seal's own words included, until a signature over them holds; every file is digested, none is
followed elsewhere; a file that the seal does not name is told like one that changed; what could not be checked is said, and is no success.
A signature by a key that the verifier did not name proves that nothing changed since that key signed, and nothing of who that was.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from plumbline.assess.assessment import read_json
from plumbline.attest import at_hand
from plumbline.attest.commitments import Tree, leaf_of
from plumbline.attest.content import BUNDLE_SEAL, OUT_SEAL, PRIVATE, digest_of, entries, sealed_by
from plumbline.attest.envelope import Envelope, read_envelope
from plumbline.attest.private import read_private, root_in
from plumbline.attest.rederive import Rederivation
from plumbline.attest.rows import Rows
from plumbline.attest.statement import SEAL, Facts, Statement, parse_facts, parse_statement
from plumbline.attest.timestamp import check_stamps
from plumbline.attest.verification import Artefact, Claim, Outcome, Signer, Verification
from plumbline.evidence.bundle import Bundle
from plumbline.model.errors import InputError, ProtocolError
from plumbline.net import contacts
from plumbline.protocols import strict_json

Progress = Callable[[str, int, int | None], None]
MANIFEST_MAX = 256 << 20
FILES_NAMED = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """What a verifier asks for and brings: fingerprints that must have signed, and what the evidence is judged with once more.

    `again` false: digests and signatures alone. `authorities` is a file of certificates of timestamp authorities, in PEM.
    """

    signers: tuple[str, ...] = ()
    reference: Path | None = None
    checks: Path | None = None
    bundles: tuple[Path, ...] = ()
    authorities: Path | None = None
    again: bool = True


def verify(folder: Path, asked: Asked, progress: Progress | None = None) -> Verification:
    """Verify a sealed bundle or OUT; raises InputError when it has no seal."""
    show = progress or (lambda _what, _done, _total: None)
    name = sealed_by(folder)
    if name is None:
        looked = f"neither {OUT_SEAL} nor {BUNDLE_SEAL} is there"
        raise InputError(f"has no seal: {looked}", where=str(folder), remedy="plumbline seal makes one")
    kind = "bundle" if name == BUNDLE_SEAL else "assessment"
    try:
        envelope = read_envelope(folder / name)
        statement = parse_statement(envelope.payload)
        facts = parse_facts(statement)
        if facts.holds != kind:
            raise ProtocolError(f"is the seal of another thing: {facts.holds[:40]!r}")
    except (ProtocolError, InputError) as error:
        return Verification(
            kind, name, {}, (), (Artefact(name, Outcome.CHANGED, str(error)),), (Claim("the seal is one of ours", False, str(error)),)
        )
    signers = signed_by(envelope, asked)
    claims = [*named_signers(signers, asked)]
    if not any(one.holds for one in signers):
        lost = Artefact(name, Outcome.CHANGED, "no signature holds, so that what it says of the files says nothing")
        return Verification(kind, name, statement.predicate, signers, (lost,), tuple(claims))
    seal_itself = Artefact(name, Outcome.UNTOUCHED)
    if not all(one.holds for one in signers):
        seal_itself = Artefact(name, Outcome.CHANGED, "one of its signatures does not hold")
    artefacts = [seal_itself, *_files(folder, statement, show, name, *_private(folder, facts))]
    if kind == "bundle":
        claims += _bundle_claims(folder, artefacts, "")
    else:
        more, followed = _assessment(folder, facts, envelope, artefacts, asked, show)
        artefacts, claims = more, [*claims, *followed]
    return Verification(kind, name, statement.predicate, signers, tuple(artefacts), tuple(claims))


def signed_by(envelope: Envelope, asked: Asked) -> tuple[Signer, ...]:
    """Check every signature of an envelope."""
    found = []
    for one in envelope.signatures:
        known = one.fingerprint in asked.signers if asked.signers else None
        found.append(Signer(one.fingerprint, envelope.holds(one), known, check_stamps(one, asked.authorities)))
    return tuple(found)


def named_signers(signers: Sequence[Signer], asked: Asked) -> Iterator[Claim]:
    """Say of each fingerprint that was asked for whether it signed, and of each timestamp whether it holds."""
    others = ", ".join(one.fingerprint for one in signers)
    for wanted in asked.signers:
        signed = any(one.fingerprint == wanted and one.holds for one in signers)
        yield Claim(f"signed by {wanted}", signed, "" if signed else f"no such signature holds; there are those of {others}")
    for one in signers:
        for stamp in one.stamps:
            yield Claim(f"timestamp of the signature by {one.fingerprint}", stamp.holds, stamp.why)


def _private(folder: Path, facts: Facts) -> tuple[str, ...]:
    """Name the private file where the seal has rows that it opens, and which is checked otherwise."""
    path = folder / PRIVATE
    return (PRIVATE,) if facts.rows is not None and path.is_file() and not path.is_symlink() else ()


def _files(folder: Path, statement: Statement, show: Progress, *but: str) -> list[Artefact]:
    """Compare every file with its digest, some left out, and name those that the seal does not."""
    found = {entry.name: entry for entry in entries(folder, *but)}
    artefacts = []
    names = sorted(statement.subjects.keys() | found.keys())
    for number, name in enumerate(names):
        show("digesting", number, len(names))
        entry, due = found.get(name), statement.subjects.get(name)
        if due is None:
            artefacts.append(Artefact(name, Outcome.ADDED, entry.odd if entry is not None else ""))
        elif entry is None:
            artefacts.append(Artefact(name, Outcome.MISSING))
        elif entry.odd:
            artefacts.append(Artefact(name, Outcome.CHANGED, entry.odd))
        else:
            artefacts.append(_file(name, entry.path, due))
    show("digesting", len(names), len(names))
    return artefacts


def _file(name: str, path: Path, due: str) -> Artefact:
    try:
        digest = digest_of(path)
    except InputError as error:
        return Artefact(name, Outcome.NOT_CHECKED, str(error))
    if digest == due:
        return Artefact(name, Outcome.UNTOUCHED)
    return Artefact(name, Outcome.CHANGED, f"{path.stat().st_size} bytes with another digest")


def _bundle_claims(folder: Path, artefacts: list[Artefact], prefix: str) -> Iterator[Claim]:
    """Check what a bundle says of itself: its manifest, the chain of its contact log, the names of raw answers.

    Where a file changed, what it says of itself often tells where: the artefacts are then put more exactly.
    """
    of_bundle = {one.name.removeprefix(prefix): number for number, one in enumerate(artefacts) if one.name.startswith(prefix)}
    title = f"{prefix.rstrip('/')}: " if prefix else ""
    yield _manifest_claim(folder, artefacts, of_bundle, title)
    log = folder / "contacts.jsonl"
    if "contacts.jsonl" in of_bundle and log.is_file() and not log.is_symlink():
        found = contacts.verify(log)
        where = "" if found.broken_line is None else f"line {found.broken_line}: {found.reason}"
        yield Claim(f"{title}the hash chain of the contact log", found.broken_line is None, where)
        _put(artefacts, of_bundle["contacts.jsonl"], where)
    raw = {name: number for name, number in of_bundle.items() if name.startswith("raw/")}
    wrong = [name for name, number in raw.items() if not _named_by_content(folder / name, artefacts[number])]
    if raw:
        yield Claim(f"{title}raw answers have the names of their content", not wrong, _some(wrong))
    for name in wrong:
        _put(artefacts, raw[name], "its name is not the digest of its content")
    for name, number in of_bundle.items():
        if name.startswith("tables/"):
            _put(artefacts, number, f"a part of table {name.split('/')[1]}")
        if name.startswith("coverage/"):
            _put(artefacts, number, "a part of the coverage")


def _manifest_claim(folder: Path, artefacts: list[Artefact], of_bundle: Mapping[str, int], title: str) -> Claim:
    what = f"{title}the files are those of manifest.json"
    path = folder / "manifest.json"
    if path.is_symlink() or not path.is_file() or path.stat().st_size > MANIFEST_MAX:
        return Claim(what, None, "manifest.json cannot be read")
    try:
        said = strict_json.parse(path.read_text(encoding="utf-8"))["files"]
        named = {name: entry["sha256"] for name, entry in said.items()}
    except (ProtocolError, OSError, ValueError, TypeError, KeyError, AttributeError):
        return Claim(what, None, "manifest.json cannot be read")
    wrong = []
    for name, digest in named.items():
        file = folder / name if name in of_bundle else None
        if file is None or file.is_symlink() or not file.is_file() or digest_of(file) != digest:
            wrong.append(name)
    changed = of_bundle.get("manifest.json")
    if wrong and changed is not None:
        _put(artefacts, changed, f"says another thing than was sealed of {_some(wrong)}")
    return Claim(what, not wrong, _some(wrong))


def _named_by_content(path: Path, artefact: Artefact) -> bool:
    """Tell whether a raw answer has the name of its content; one that is gone or no file is told as such already."""
    if artefact.outcome is Outcome.MISSING or path.is_symlink() or not path.is_file():
        return True
    return digest_of(path) == path.name


def _put(artefacts: list[Artefact], number: int, where: str) -> None:
    """Say more exactly where a changed file differs."""
    one = artefacts[number]
    if one.outcome is Outcome.CHANGED and where and where not in one.where:
        artefacts[number] = Artefact(one.name, one.outcome, f"{where}; {one.where}")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - FILES_NAMED} more" if len(names) > FILES_NAMED else ""
    return ", ".join(names[:FILES_NAMED]) + more


def _assessment(
    folder: Path, facts: Facts, envelope: Envelope, artefacts: list[Artefact], asked: Asked, show: Progress
) -> tuple[list[Artefact], list[Claim]]:
    """Check the bundles of an assessment, then what follows from them."""
    found = at_hand.find(folder, facts.bundles, asked.bundles)
    claims: list[Claim] = []
    intact = True
    for name, bundle in found.bundles.items():
        inside = bundle.path.resolve().is_relative_to(folder.resolve())
        prefix = bundle.path.relative_to(folder).as_posix() + "/" if inside else f"{name}/"
        if not inside:
            artefacts += [Artefact(prefix + one.name, one.outcome, one.where) for one in _beside(bundle)]
        claims += _bundle_claims(bundle.path, artefacts, prefix)
        intact &= all(one.outcome is Outcome.UNTOUCHED for one in artefacts if one.name.startswith(prefix))
    touched = [one.name for one in artefacts if one.outcome is not Outcome.UNTOUCHED]
    claims += _opens_rows(folder, facts, envelope, found, whole=not touched)
    if not asked.again:
        return artefacts, [*claims, Claim("the ledger follows from the evidence", None, "not asked for")]
    with tempfile.TemporaryDirectory(prefix="plumbline-verify-") as scratch:
        again = Rederivation(folder, facts, found, Path(scratch))
        show("judging the evidence once more", 0, None)
        why = again.run(asked.reference, asked.checks, touched) if intact else "the evidence itself is not as it was sealed"
        if why is not None:
            claims.append(Claim("the ledger follows from the evidence", None, why))
            return artefacts, claims
        for number, one in enumerate(artefacts):
            if one.outcome is Outcome.CHANGED:
                _put(artefacts, number, again.where(one.name) or "")
        claims += [Claim(f"{one.name} follows from the evidence", one.follows, one.why) for one in again.compared()]
    return artefacts, claims


def _beside(bundle: Bundle) -> list[Artefact]:
    """Compare a bundle outside the folder with its manifest, whose digest is sealed."""
    named = {name: str(entry.get("sha256")) if isinstance(entry, dict) else "" for name, entry in bundle.manifest.get("files", {}).items()}
    named["manifest.json"] = digest_of(bundle.path / "manifest.json")
    return _files(bundle.path, Statement(SEAL, named, {}), lambda _what, _done, _total: None, BUNDLE_SEAL)


def _opens_rows(folder: Path, facts: Facts, envelope: Envelope, found: at_hand.AtHand, *, whole: bool) -> Iterator[Claim]:
    """Check that the private file, where it is there, opens the rows that are sealed."""
    path = folder / PRIVATE
    if facts.rows is None or not _private(folder, facts):
        return
    what = f"{PRIVATE} opens the rows that are sealed"
    try:
        private = read_private(path)
        ours = root_in(private.envelope) == private.root == bytes.fromhex(facts.rows)
        ours &= parse_statement(private.envelope.payload).predicate.get("sealed") == hashlib.sha256(envelope.payload).hexdigest()
        if not ours or not all(map(private.envelope.holds, private.envelope.signatures)):
            yield Claim(what, False, "it is not the one that was written with the seal")
            return
        if found.missing or not whole:
            yield Claim(what, None, "evidence is not at hand" if found.missing else "the rows themselves are not as they were sealed")
            return
        rows = Rows(folder, read_json(folder), list(found.bundles.values()))
        root = Tree([leaf_of(row, private.seed, number) for number, row in enumerate(rows)], private.seed).root()
    except (InputError, ProtocolError, ValueError, RecursionError) as error:
        yield Claim(what, False, str(error)[:300])
        return
    yield Claim(what, root == private.root, "" if root == private.root else "its seed gives another root, or the rows have changed")
