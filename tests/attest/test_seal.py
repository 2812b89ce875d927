"""What a seal says, how others read it, and what is never sealed."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from google.protobuf.json_format import Parse
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

from plumbline.attest import envelope, statement
from plumbline.attest.keys import fingerprint, load_signer
from plumbline.attest.seal import seal
from plumbline.attest.verify import Asked, verify
from plumbline.evidence.bundle import BundleWriter
from plumbline.model.errors import InputError
from tests.attest.sealing import NOW, key, needs_openssl, no_passphrase, sealed
from tests.laws.corruptions import change_and_digest_anew
from tests.report import harbour

QUICK = Asked(again=False)


def said(folder: Path, name: str = "seal.dsse.json") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.b64decode(json.loads((folder / name).read_text())["payload"]))
    return found


def test_it_names_every_file(untouched: Path) -> None:
    statement = said(untouched)
    due = {path.relative_to(untouched).as_posix() for path in untouched.rglob("*") if path.is_file()}
    due -= {"seal.dsse.json", "seal.private.json"}
    named = {one["name"]: one["digest"]["sha256"] for one in statement["subject"]}
    assert named.keys() == due
    assert {"bundle/manifest.json", "bundle/contacts.jsonl", "ledger.parquet", "assessment.json", "report.json"} <= due
    assert all(digest == hashlib.sha256((untouched / name).read_bytes()).hexdigest() for name, digest in named.items())


def test_it_says_what_was_judged_by_what(untouched: Path) -> None:
    predicate = said(untouched)["predicate"]
    assessment = json.loads((untouched / "assessment.json").read_text())
    for name in ("as_of", "ledger_digest", "ledger_rows", "checks_digest", "parameters_digest", "reference", "bundles", "plumbline"):
        assert predicate[name] == assessment[name]
    assert predicate["rig"] == "northwind-harbour"
    assert predicate["sealed_at"] == "2026-11-28T12:00:00Z"


def test_others_read_it(untouched: Path) -> None:
    """securesystemslib verifies the envelope, in-toto's own library validates the statement."""
    document = json.loads((untouched / "seal.dsse.json").read_text())
    keyid = document["signatures"][0]["keyid"]
    loaded = load_pem_public_key(document["signatures"][0]["public_key"].encode())
    envelope = Envelope.from_dict(document)
    assert list(envelope.verify([SSlibKey.from_crypto(loaded, keyid=keyid)], 1)) == [keyid]
    assert envelope.payload_type == "application/vnd.in-toto+json"
    statement = Statement.copy_from_pb(Parse(envelope.payload.decode(), StatementMessage()))
    statement.validate()
    assert len(statement.pb.subject) == len(said(untouched)["subject"])


@pytest.mark.system
@needs_openssl
@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_openssl_verifies_it(out: Path, tmp_path: Path, kind: str) -> None:
    """With nothing of Python's: PAE as the specification writes it, by openssl's own reading of key and signature."""
    _unsealed(out)
    pem = key(tmp_path / "openssl.pem", kind)
    made = sealed(out, pem)
    document = json.loads((out / "seal.dsse.json").read_text())
    payload = base64.b64decode(document["payload"])
    (tmp_path / "pae").write_bytes(b"DSSEv1 28 application/vnd.in-toto+json %d " % len(payload) + payload)
    (tmp_path / "sig").write_bytes(base64.b64decode(document["signatures"][0]["sig"]))
    public = subprocess.run(["openssl", "pkey", "-in", pem, "-pubout"], capture_output=True, check=True).stdout
    assert document["signatures"][0]["public_key"].encode() == public
    der = subprocess.run(["openssl", "pkey", "-in", pem, "-pubout", "-outform", "DER"], capture_output=True, check=True).stdout
    assert made.signature.fingerprint == hashlib.sha256(der).hexdigest()
    (tmp_path / "pub.pem").write_bytes(public)
    how = ["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "pub.pem", "-sigfile", "sig", "-in", "pae"]
    if kind == "ecdsa":
        how = ["dgst", "-sha256", "-verify", "pub.pem", "-signature", "sig", "pae"]
    subprocess.run(["openssl", *how], cwd=tmp_path, check=True, capture_output=True)


def test_a_second_key_countersigns(out: Path, tmp_path: Path) -> None:
    before = said(out)
    pem = key(tmp_path / "second.pem", "ecdsa")
    made = sealed(out, pem)
    assert made.countersigned and said(out) == before
    found = verify(out, Asked((made.signature.fingerprint,), again=False))
    assert [one.known for one in found.signers] == [False, True] and not found.wrong
    with pytest.raises(InputError, match="is sealed with this key already"):
        sealed(out, pem)


def test_a_bundle(tmp_path: Path) -> None:
    bundle = harbour.collected(tmp_path / "bundle")
    sealed(bundle, key(tmp_path / "key.pem"), retain_until=date(2027, 1, 1))
    statement = said(bundle, "manifest.dsse.json")
    assert statement["predicate"]["holds"] == "bundle"
    assert statement["predicate"]["retain_until"] == "2027-01-01"
    assert "manifest.json" in {one["name"] for one in statement["subject"]}
    assert not (bundle / "seal.private.json").exists()
    found = verify(bundle, QUICK)
    assert not found.wrong and not found.unchecked


def test_a_bundle_beside_out(tmp_path: Path, untouched: Path) -> None:
    """It is found, and checked by its manifest; once it is gone that is said, and is no success."""
    shutil.copytree(untouched, tmp_path / "out")
    (tmp_path / "out" / "bundle").rename(tmp_path / "bundle")
    for name in ("seal.dsse.json", "seal.private.json"):
        (tmp_path / "out" / name).unlink()
    sealed(tmp_path / "out", key(tmp_path / "key.pem"))
    found = verify(tmp_path / "out", QUICK)
    assert not found.wrong
    assert "../bundle/contacts.jsonl" in {one.name for one in found.artefacts}
    sealed(tmp_path / "bundle", tmp_path / "key.pem")
    assert not verify(tmp_path / "out", QUICK).wrong
    (tmp_path / "bundle" / "rig.toml").write_text("[rig]\nx = 1\n")
    assert "../bundle/rig.toml" in {one.name for one in verify(tmp_path / "out", QUICK).artefacts if one.outcome == "changed"}
    (tmp_path / "bundle" / "manifest.dsse.json").write_text("{}")  # a seal of its own is named by no other, and checked all the same
    [own] = [claim for claim in verify(tmp_path / "out", QUICK).claims if "manifest.dsse.json" in claim.what]
    assert (own.what, own.holds) == ("../bundle/manifest.dsse.json is a seal of that bundle", False)
    shutil.rmtree(tmp_path / "bundle")
    found = verify(tmp_path / "out", Asked())
    assert not found.wrong and found.unchecked
    assert "evidence is not at hand: bundle" in {claim.why.split(" (")[0] for claim in found.claims}


def test_a_bundle_whose_own_seal_is_of_another(out: Path, tmp_path: Path) -> None:
    _unsealed(out)
    pem = key(tmp_path / "key.pem")
    own = sealed(out / "bundle", pem).path
    mine = envelope.read_envelope(own)
    of_mine = statement.parse_statement(mine.payload)
    other = replace(of_mine, subjects={**of_mine.subjects, "manifest.json": "0" * 64})
    envelope.Envelope(other.to_bytes()).signed(load_signer(pem, no_passphrase)).write(own)
    with pytest.raises(InputError, match=r"is not the seal of this bundle: manifest\.json has changed"):
        sealed(out, pem)
    own.write_text("{}")
    with pytest.raises(InputError, match="is no envelope"):
        sealed(out, pem)
    mine.write(own)
    sealed(out, pem)


def test_a_bundle_elsewhere(out: Path, tmp_path: Path) -> None:
    """Where nobody names it, no single row can be shown, and the seal says why."""
    _unsealed(out)
    (tmp_path / "vault").mkdir()
    vault = (out / "bundle").rename(tmp_path / "vault" / "b")
    pem = key(tmp_path / "key.pem")
    assert sealed(out, pem).facts.rows_missing == "not at hand: bundle"
    assert not [one.name for one in verify(out, QUICK).artefacts if "bundle" in one.name]
    (out / "seal.dsse.json").unlink()
    sealed(out, pem, bundles=[vault])
    found = verify(out, Asked(bundles=(vault,), again=False))
    assert not found.wrong and "../bundle/contacts.jsonl" in {one.name for one in found.artefacts}
    with pytest.raises(InputError, match="is not a bundle that was assessed here"):
        verify(out, Asked(bundles=(tmp_path,), again=False))


def _unsealed(out: Path) -> None:
    (out / "seal.dsse.json").unlink()
    (out / "seal.private.json").unlink()


def _other_ledger(out: Path) -> None:
    rows = pq.read_table(out / "ledger.parquet")
    pq.write_table(rows.slice(1), out / "ledger.parquet")


def _evidence_changed(out: Path) -> None:
    (out / "bundle" / "contacts.jsonl").write_text("")


def _evidence_added(out: Path) -> None:
    (out / "bundle" / "tables" / "more.parquet").write_bytes(b"x")


def _evidence_gone(out: Path) -> None:
    next((out / "bundle" / "raw").iterdir()).unlink()


def _evidence_digested_anew(out: Path) -> None:
    change_and_digest_anew(out, random.Random(1))


def _link(out: Path) -> None:
    (out / "link").symlink_to("/etc/passwd")


def _being_written(out: Path) -> None:
    (out / ".scratch").mkdir()


def _no_ledger(out: Path) -> None:
    (out / "ledger.parquet").unlink()


def _odd_name(out: Path) -> None:
    (out / "a\\b").write_text("x")


REFUSED: dict[str, tuple[Callable[[Path], None], str]] = {
    "a ledger that is not its assessment's": (_other_ledger, "the ledger is not the one of assessment.json"),
    "evidence that changed": (_evidence_changed, r"contacts\.jsonl has changed since the collection ended"),
    "evidence that was added": (_evidence_added, r"tables/more\.parquet was added"),
    "evidence that is gone": (_evidence_gone, "is missing since the collection ended"),
    "evidence that changed, with a manifest made to fit": (_evidence_digested_anew, "is not the bundle that was assessed"),
    "a link": (_link, "is a link, which a seal cannot be about"),
    "an assessment under way": (_being_written, "an assessment is being written there"),
    "no ledger": (_no_ledger, "holds no ledger"),
    "a name that others cannot keep": (_odd_name, "has a name that other systems cannot keep"),
}


@pytest.mark.parametrize(("change", "why"), REFUSED.values(), ids=REFUSED)
def test_what_would_be_a_lie_is_not_sealed(out: Path, tmp_path: Path, change: Callable[[Path], None], why: str) -> None:
    _unsealed(out)
    change(out)
    with pytest.raises(InputError, match=why):
        sealed(out, key(tmp_path / "key.pem"))
    assert not (out / "seal.dsse.json").exists()


def test_a_collection_that_has_not_ended(tmp_path: Path) -> None:
    BundleWriter.create(tmp_path / "bundle", rig_text="[rig]\n", header={}, now=NOW)
    with pytest.raises(InputError, match="its last session has not ended"):
        sealed(tmp_path / "bundle", key(tmp_path / "key.pem"))


def test_a_collection_that_goes_on(tmp_path: Path) -> None:
    """Its seal is void, and no file of the bundle: it is taken away, and the bundle sealed anew."""
    bundle = harbour.collected(tmp_path / "bundle")
    pem = key(tmp_path / "key.pem")
    sealed(bundle, pem)
    BundleWriter.resume(bundle, now=NOW).finish(ended_at=NOW, complete=True)
    assert verify(bundle, QUICK).wrong
    with pytest.raises(InputError, match=r"manifest\.json has changed since it was sealed"):
        sealed(bundle, key(tmp_path / "other.pem"))
    (bundle / "manifest.dsse.json").unlink()
    sealed(bundle, pem)
    assert not verify(bundle, QUICK).wrong


def test_a_private_file_that_no_seal_has(tmp_path: Path) -> None:
    bundle = harbour.collected(tmp_path / "bundle")
    (bundle / "seal.private.json").write_text("{}")
    with pytest.raises(InputError, match="is of an earlier seal"):
        sealed(bundle, key(tmp_path / "key.pem"))
    (bundle / "seal.private.json").unlink()
    sealed(bundle, tmp_path / "key.pem")
    (bundle / "seal.private.json").write_text("{}")
    assert [one.name for one in verify(bundle, QUICK).artefacts if one.outcome == "added"] == ["seal.private.json"]


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="is neither a bundle nor an assessment"):
        sealed(tmp_path / "folder", key(tmp_path / "key.pem"))


def test_a_sealed_folder_that_changed_is_not_countersigned(out: Path, tmp_path: Path) -> None:
    (out / "report.json").write_text("{}")
    with pytest.raises(InputError, match=r"report\.json has changed since it was sealed"):
        sealed(out, key(tmp_path / "key.pem"))


def test_a_day_is_not_added_by_a_countersignature(out: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is sealed already"):
        seal(out, load_signer(key(tmp_path / "key.pem"), no_passphrase), NOW, retain_until=date(2030, 1, 1))


def test_a_day_that_is_over(tmp_path: Path, out: Path) -> None:
    _unsealed(out)
    with pytest.raises(InputError, match="2026-11-27 is over"):
        sealed(out, key(tmp_path / "key.pem"), retain_until=date(2026, 11, 27))
    assert not (out / "seal.dsse.json").exists()


def test_two_seals_of_one_thing_share_no_root(untouched: Path, out: Path, tmp_path: Path) -> None:
    _unsealed(out)
    sealed(out, key(tmp_path / "key.pem"))
    assert said(out)["predicate"]["rows"] != said(untouched)["predicate"]["rows"]
    assert (out / "seal.private.json").stat().st_mode & 0o777 == 0o600
    assert fingerprint(load_signer(tmp_path / "key.pem", no_passphrase).public_key._crypto_key()) in (out / "seal.dsse.json").read_text()
