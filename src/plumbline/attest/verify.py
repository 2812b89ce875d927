"""Verifies a sealed folder: who signed, which files are as they were, and whether the ledger follows from the evidence.

Rules: nothing in the folder is believed, the seal's own words included, until a signature over them holds; every file is digested, none is
followed elsewhere; a file that the seal does not name is told like one that changed; what could not be checked is said, and is no success.
A signature by a key that the verifier did not name proves that nothing changed since that key signed, and nothing of who that was.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from plumbline.assess.assessment import read_json
from plumbline.attest import at_hand
from plumbline.attest.commitments import Tree, leaf_of
from plumbline.attest.content import BUNDLE_SEAL, OUT_SEAL, PRIVATE, Entry, digest_of, entries, sealed_by
from plumbline.attest.envelope import Envelope, read_envelope
from plumbline.attest.plain_files import is_plain
from plumbline.attest.private import read_private, root_in
from plumbline.attest.rederive import Rederivation
from plumbline.attest.rows import Rows
from plumbline.attest.sealed import seal_at
from plumbline.attest.statement import Facts, parse_facts, parse_statement
from plumbline.attest.timestamp import check_stamps
from plumbline.attest.verification import Artefact, Claim, Outcome, Signer, Verification
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
        lost = Artefact(name, Outcome.CHANGED, str(error))
        return Verification(kind, name, {}, (), (lost,), (Claim("the seal is one of ours", False, str(error)),))
    signers = signed_by(envelope, asked)
    claims = [*named_signers(signers, asked)]
    if not any(one.holds for one in signers):
        lost = Artefact(name, Outcome.CHANGED, "no signature holds, so that what it says of the files says nothing")
        return Verification(kind, name, {}, signers, (lost,), tuple(claims))
    seal_itself = Artefact(name, Outcome.UNTOUCHED)
    if not all(one.holds for one in signers):
        seal_itself = Artefact(name, Outcome.CHANGED, "one of its signatures does not hold")
    files = _Files({name: seal_itself})
    files.compare(folder, statement.subjects, show, name, *_private(folder, facts))
    claims += _bundle_claims(folder, files, "") if kind == "bundle" else _assessment(folder, facts, envelope, files, asked, show)
    return Verification(kind, name, statement.predicate, signers, tuple(files.found.values()), tuple(claims))


def signed_by(envelope: Envelope, asked: Asked) -> tuple[Signer, ...]:
    """Check every signature of an envelope."""
    found = []
    for one in envelope.signatures:
        known = one.fingerprint in asked.signers if asked.signers else None
        found.append(Signer(one.fingerprint, envelope.holds(one), known, check_stamps(one, asked.authorities)))
    return tuple(found)


def named_signers(signers: Sequence[Signer], asked: Asked) -> Iterator[Claim]:
    """Say of each fingerprint that was asked for whether it signed, and of each timestamp whether it holds, or that there is none."""
    others = ", ".join(one.fingerprint for one in signers)
    for wanted in asked.signers:
        signed = any(one.fingerprint == wanted and one.holds for one in signers)
        yield Claim(f"signed by {wanted}", signed, "" if signed else f"no such signature holds; there are those of {others}")
    for one in signers:
        for stamp in one.stamps:
            yield Claim(f"timestamp of the signature by {one.fingerprint}", stamp.holds, stamp.why)
    if asked.authorities is not None and not any(one.stamps for one in signers):
        yield Claim("a timestamp of an authority that you believe", None, "no signature has one; anybody can take one away")


def _private(folder: Path, facts: Facts) -> tuple[str, ...]:
    """Name the private file where the seal has rows that it opens, and which is checked otherwise."""
    return (PRIVATE,) if facts.rows is not None and is_plain(folder / PRIVATE) else ()


@dataclass
class _Files:
    """What became of each file, and the digests (SHA-256, hex) that plain files have now; names outside the folder begin with `../`."""

    found: dict[str, Artefact]
    digests: dict[str, str] = field(default_factory=dict)

    def compare(self, folder: Path, due: Mapping[str, str], show: Progress, *but: str, prefix: str = "") -> None:
        """Compare every file of a folder with its digest, some left out, and name those that are not due."""
        found = {entry.name: entry for entry in entries(folder, *but)}
        names = sorted(due.keys() | found.keys())
        for number, name in enumerate(names):
            show("digesting", number, len(names))
            outcome, where = self._compared(found.get(name), due.get(name), prefix)
            self.found[prefix + name] = Artefact(prefix + name, outcome, where)
        show("digesting", len(names), len(names))

    def _compared(self, entry: Entry | None, due: str | None, prefix: str) -> tuple[Outcome, str]:
        if entry is None:
            return Outcome.MISSING, ""
        try:
            digest, size = "" if entry.odd else digest_of(entry.path), entry.path.lstat().st_size
        except (InputError, OSError) as error:  # OSError: it was taken away meanwhile
            return Outcome.NOT_CHECKED, str(error)
        if not entry.odd:
            self.digests[prefix + entry.name] = digest
        if due is None:
            return Outcome.ADDED, entry.odd
        if digest == due:
            return Outcome.UNTOUCHED, ""
        return Outcome.CHANGED, entry.odd or f"{size} bytes with another digest"

    def put(self, name: str, where: str) -> None:
        """Say more exactly where a changed file differs."""
        one = self.found.get(name)
        if one is not None and one.outcome is Outcome.CHANGED and where:
            self.found[name] = Artefact(name, one.outcome, f"{where}; {one.where}")

    def touched(self, prefix: str = "") -> list[str]:
        """Name the files that are not as they were sealed, or of which nobody can tell."""
        return [one.name for one in self.found.values() if one.name.startswith(prefix) and one.outcome is not Outcome.UNTOUCHED]


def _bundle_claims(folder: Path, files: _Files, prefix: str) -> Iterator[Claim]:
    """Check what a bundle says of itself: its manifest, the chain of its contact log, the names of raw answers.

    Where a file changed, what it says of itself often tells where: it is then put more exactly.
    """
    title = f"{prefix.removeprefix('../').rstrip('/')}: " if prefix else ""
    yield _manifest_claim(folder, files, prefix, title)
    if prefix + "contacts.jsonl" in files.digests:
        holds, where = _chain(folder / "contacts.jsonl")
        yield Claim(f"{title}the hash chain of the contact log", holds, where)
        files.put(prefix + "contacts.jsonl", where)
    raw = {name: digest for name, digest in files.digests.items() if name.startswith(prefix + "raw/")}
    wrong = [name for name, digest in raw.items() if not name.endswith(f"/{digest}")]
    if raw:
        yield Claim(f"{title}raw answers have the names of their content", not wrong, _some(wrong))
    for name in files.touched(prefix):
        kind, _, rest = name.removeprefix(prefix).partition("/")
        if kind == "tables":
            files.put(name, f"a part of table {rest.split('/')[0]}")
        elif kind == "coverage":
            files.put(name, "a part of the coverage")
        elif name in wrong:
            files.put(name, "its name is not the digest of its content")


def _chain(log: Path) -> tuple[bool | None, str]:
    """Tell whether the chain of a contact log holds, and where not."""
    try:
        found = contacts.verify(log)
    except OSError as error:  # it was digested just now, so somebody is changing the folder
        return None, f"cannot be read: {error.strerror}"
    return (True, "") if found.broken_line is None else (False, f"line {found.broken_line}: {found.reason}")


def _manifest_claim(folder: Path, files: _Files, prefix: str, title: str) -> Claim:
    what = f"{title}the files are those of manifest.json"
    path = folder / "manifest.json"
    try:
        if prefix + "manifest.json" not in files.digests or path.stat().st_size > MANIFEST_MAX:
            return Claim(what, None, "manifest.json cannot be read")
        said = strict_json.parse(path.read_text(encoding="utf-8"))["files"]
        named = {name: entry["sha256"] for name, entry in said.items()}
    except (ProtocolError, OSError, ValueError, TypeError, KeyError, AttributeError):
        return Claim(what, None, "manifest.json cannot be read")
    wrong = [name for name, digest in named.items() if files.digests.get(prefix + name) != digest]
    if wrong:
        files.put(prefix + "manifest.json", f"says another thing than is there of {_some(wrong)}")
    return Claim(what, not wrong, _some(wrong))


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - FILES_NAMED} more" if len(names) > FILES_NAMED else ""
    return ", ".join(names[:FILES_NAMED]) + more


def _assessment(folder: Path, facts: Facts, envelope: Envelope, files: _Files, asked: Asked, show: Progress) -> Iterator[Claim]:
    """Check the bundles of an assessment, then what follows from them."""
    found = at_hand.find(folder, facts.bundles, asked.bundles)
    intact = True
    for name, bundle in found.bundles.items():
        place, root = bundle.path.resolve(), folder.resolve()
        prefix = place.relative_to(root).as_posix() + "/" if place.is_relative_to(root) else f"../{name}/"
        if prefix.startswith("../"):
            # Its own manifest is sealed, and it was found by that.
            due = {**at_hand.named_files(bundle), "manifest.json": facts.bundles[name]}
            files.compare(bundle.path, due, show, BUNDLE_SEAL, prefix=prefix)
            yield from _own_seal(bundle.path, files, prefix)
        yield from _bundle_claims(bundle.path, files, prefix)
        intact &= not files.touched(prefix)
    touched = files.touched()
    yield from _opens_rows(folder, facts, envelope, found, whole=not touched)
    if not asked.again:
        if found.missing:
            yield Claim("the evidence is as it was assessed", None, f"not at hand: {', '.join(found.missing)} (name it with --bundle)")
        yield Claim("the ledger follows from the evidence", None, "not asked for")
        return
    with tempfile.TemporaryDirectory(prefix="plumbline-verify-") as scratch:
        again = Rederivation(folder, facts, found, Path(scratch))
        show("judging the evidence once more", 0, None)
        why = again.run(asked.reference, asked.checks, touched) if intact else "the evidence itself is not as it was sealed"
        if why is not None:
            yield Claim("the ledger follows from the evidence", None, why)
            return
        for name in touched:
            files.put(name, again.where(name) or "")
        yield from (Claim(f"{one.name} follows from the evidence", one.follows, one.why) for one in again.compared())


def _own_seal(bundle: Path, files: _Files, prefix: str) -> Iterator[Claim]:
    """Check the seal that a bundle beside OUT may have of its own, which no other names."""
    if not os.path.lexists(bundle / BUNDLE_SEAL):
        return
    what = f"{prefix}{BUNDLE_SEAL} is a seal of that bundle"
    try:
        seal = seal_at(bundle / BUNDLE_SEAL)
    except InputError as error:
        yield Claim(what, False, error.message)
        return
    others = [name for name, digest in seal.statement.subjects.items() if files.digests.get(prefix + name) != digest]
    yield Claim(what, not others, f"it names other files: {_some(others)}" if others else "")


def _opens_rows(folder: Path, facts: Facts, envelope: Envelope, found: at_hand.AtHand, *, whole: bool) -> Iterator[Claim]:
    """Check that the private file, where it is there, opens the rows that are sealed."""
    path = folder / PRIVATE
    if facts.rows is None or not _private(folder, facts):
        return
    what = f"{PRIVATE} opens the rows that are sealed"
    try:
        private = read_private(path)
        ours = root_in(private.envelope) == private.root == bytes.fromhex(facts.rows)
        ours &= parse_statement(private.envelope.payload).predicate.get("sealed") == envelope.digest()
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
