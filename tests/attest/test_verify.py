"""Verification says of each thing what became of it and where, and judges the evidence once more."""

from __future__ import annotations

import base64
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from plumbline.assess.digest import ledger_digest
from plumbline.assess.run import assess
from plumbline.attest import differences
from plumbline.attest.content import digest_of
from plumbline.attest.envelope import Envelope, read_envelope
from plumbline.attest.keys import load_fingerprint, load_signer
from plumbline.attest.statement import parse_statement
from plumbline.attest.verification import Outcome, Verification
from plumbline.attest.verify import Asked, verify
from plumbline.model.errors import InputError
from tests.attest.sealing import key, no_passphrase, sealed
from tests.collect.firmware.formats.making_keys import certificate
from tests.laws.test_determinism import NEW_CHECK
from tests.updates.making import assessed, feed


def where(found: Verification, name: str) -> str:
    [artefact] = [one for one in found.artefacts if one.name == name]
    assert artefact.outcome is Outcome.CHANGED
    return artefact.where


def claims(found: Verification) -> dict[str, bool | None]:
    return {claim.what: claim.holds for claim in found.claims}


def resealed(out: Path, pem: Path) -> None:
    """What somebody does who changes a sealed assessment and has a key of their own."""
    for name in ("seal.dsse.json", "seal.private.json"):
        (out / name).unlink()
    sealed(out, pem)


def passed_instead(out: Path) -> tuple[int, dict[str, str]]:
    """Turn the first fail of the ledger into a pass; gives its row, counted from 1, and what it is about."""
    rows = pq.read_table(out / "ledger.parquet").to_pylist()
    number = next(n for n, row in enumerate(rows) if row["verdict"] == "fail")
    about = {name: rows[number][name] for name in ("check", "asset", "subject")}
    rows[number] |= {"verdict": "pass", "detail": None, "evidence": None}
    pq.write_table(pa.Table.from_pylist(rows, pq.read_schema(out / "ledger.parquet")), out / "ledger.parquet")
    return number + 1, about


@pytest.mark.full
def test_an_untouched_assessment(untouched: Path) -> None:
    found = verify(untouched, Asked())
    assert not found.wrong and not found.unchecked
    assert {one.outcome for one in found.artefacts} == {Outcome.UNTOUCHED}
    assert all(claims(found).values())
    for what in ("ledger.parquet", "assessment.json"):
        assert f"{what} follows from the evidence" in claims(found)
    assert not found.signer_known


def test_a_changed_verdict_is_named_by_its_row_and_a_changed_count_by_its_member(out: Path) -> None:
    number, about = passed_instead(out)
    said = json.loads((out / "assessment.json").read_text())
    said["counts"]["fail"] -= 1
    (out / "assessment.json").write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n")
    found = verify(out, Asked())
    told = where(found, "ledger.parquet")
    assert f"row {number} (check {about['check']!r}, asset {about['asset']!r}, subject {about['subject']!r})" in told
    assert "verdict is 'pass', due is 'fail'" in told
    assert "counts.fail is" in where(found, "assessment.json")
    assert claims(found)["ledger.parquet follows from the evidence"] is False


def test_changed_evidence_derives_nothing(out: Path) -> None:
    part = next((out / "bundle" / "tables" / "service").glob("*.parquet"))
    pq.write_table(pq.read_table(part).slice(1), part)
    found = verify(out, Asked())
    assert "a part of table service" in where(found, part.relative_to(out).as_posix())
    assert claims(found)["the ledger follows from the evidence"] is None


def test_a_line_of_the_contact_log(out: Path) -> None:
    log = out / "bundle" / "contacts.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    lines[6] = lines[6].replace('"sent_bytes":', '"sent_bytes":1')
    log.write_text("".join(lines))
    found = verify(out, Asked(again=False))
    assert "line 7: its hash is not that of its content" in where(found, "bundle/contacts.jsonl")


@pytest.fixture
def forged(out: Path, tmp_path: Path) -> Path:
    """An assessment that somebody made milder and sealed with a key of their own."""
    passed_instead(out)
    said = json.loads((out / "assessment.json").read_text())
    said["ledger_digest"] = ledger_digest(out / "ledger.parquet")
    (out / "assessment.json").write_text(json.dumps(said))
    resealed(out, key(tmp_path / "theirs.pem"))
    return out


def test_sealed_anew_with_another_key(forged: Path, untouched: Path) -> None:
    """The files are as that key sealed them: only who asks for the right signer learns more."""
    real = load_fingerprint(json.loads((untouched / "seal.dsse.json").read_text())["signatures"][0]["keyid"])
    quick = verify(forged, Asked(again=False))
    assert not quick.wrong and not quick.signer_known
    asked = verify(forged, Asked((real,), again=False))
    assert asked.wrong and claims(asked)[f"signed by {real}"] is False


@pytest.mark.full
def test_sealed_anew_what_does_not_follow(forged: Path) -> None:
    again = verify(forged, Asked())
    assert again.wrong and claims(again)["ledger.parquet follows from the evidence"] is False


@pytest.mark.full
def test_an_assessment_of_other_bundles_than_its_seal_names(out: Path, tmp_path: Path) -> None:
    said = json.loads((out / "assessment.json").read_text())
    said["bundles"]["bundle"] = "0" * 64
    (out / "assessment.json").write_text(json.dumps(said))
    statement = parse_statement(read_envelope(out / "seal.dsse.json").payload)
    subjects = {**statement.subjects, "assessment.json": digest_of(out / "assessment.json")}
    (out / "seal.private.json").unlink()
    signer = load_signer(key(tmp_path / "theirs.pem"), no_passphrase)
    Envelope(replace(statement, subjects=subjects).to_bytes()).signed(signer).write(out / "seal.dsse.json")
    told = {claim.what: claim.why for claim in verify(out, Asked()).claims if claim.holds is False}
    assert told == {"assessment.json follows from the evidence": "bundles are not those that the seal names"}


@pytest.mark.full
def test_another_release_is_no_cloak(out: Path, tmp_path: Path) -> None:
    """Who says that another release wrote an assessment is not believed the rest: where it differs is said, and it is no success."""
    said = json.loads((out / "assessment.json").read_text())
    said["counts"]["fail"] = 0
    (out / "assessment.json").write_text(json.dumps(said))
    statement = parse_statement(read_envelope(out / "seal.dsse.json").payload)
    subjects = {**statement.subjects, "assessment.json": digest_of(out / "assessment.json")}
    forged = replace(statement, subjects=subjects, predicate={**statement.predicate, "plumbline": "9.9"})
    Envelope(forged.to_bytes()).signed(load_signer(key(tmp_path / "theirs.pem"), no_passphrase)).write(out / "seal.dsse.json")
    [claim] = [one for one in verify(out, Asked()).claims if one.what.startswith("assessment.json")]
    assert claim.holds is None
    assert claim.why.startswith("counts.fail is 0, due is ")


def test_other_checks_judge_nothing(untouched: Path, tmp_path: Path) -> None:
    (tmp_path / "checks" / "device").mkdir(parents=True)
    (tmp_path / "checks" / "device" / "page_without_title.toml").write_text(NEW_CHECK)
    found = verify(untouched, Asked(checks=tmp_path / "checks"))
    assert not found.wrong and found.unchecked
    assert "the checks at hand are not those" in next(claim.why for claim in found.claims if claim.holds is None)


def test_the_private_file_of_another_seal(out: Path, tmp_path: Path) -> None:
    private = (out / "seal.private.json").read_bytes()
    resealed(out, key(tmp_path / "key.pem"))
    (out / "seal.private.json").write_bytes(private)
    assert claims(verify(out, Asked(again=False)))["seal.private.json opens the rows that are sealed"] is False


@pytest.mark.parametrize(
    "name", ["ledger.parquet", "assessment.json", "bundle/contacts.jsonl", "seal.private.json", "bundle/manifest.json"]
)
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(out: Path, name: str) -> None:
    (out / name).unlink()
    os.mkfifo(out / name)
    found = verify(out, Asked(again=False))
    assert {one.outcome for one in found.artefacts if one.name == name} <= {Outcome.CHANGED, Outcome.ADDED}
    assert found.wrong


@pytest.mark.full
@pytest.mark.parametrize("name", ["ledger.parquet", "assessment.json", "identity.parquet"])
def test_a_pipe_is_not_waited_for_when_judging_anew(out: Path, name: str) -> None:
    (out / name).unlink()
    os.mkfifo(out / name)
    assert verify(out, Asked()).wrong


def test_folders_nested_without_end(out: Path) -> None:
    deep = out / "derived"
    for _ in range(100):
        deep.mkdir()
        deep /= "a"
    found = verify(out, Asked(again=False))
    [added] = [one for one in found.artefacts if one.outcome is not Outcome.UNTOUCHED]
    assert (added.outcome, added.where) == (Outcome.ADDED, "is a folder nested too deeply")
    assert added.name == "derived" + "/a" * 32


def test_a_file_that_goes_before_it_is_read(out: Path) -> None:
    def show(what: str, done: int, _total: int | None) -> None:
        if what == "digesting" and done == 0:
            (out / "ledger.csv").unlink()

    found = verify(out, Asked(again=False), show)
    assert [one.name for one in found.artefacts if one.outcome is Outcome.NOT_CHECKED] == ["ledger.csv"]


def test_a_log_that_goes_after_it_was_digested(out: Path) -> None:
    def show(what: str, done: int, total: int | None) -> None:
        if what == "digesting" and done == total:
            (out / "bundle" / "contacts.jsonl").unlink()

    assert claims(verify(out, Asked(again=False), show))["bundle: the hash chain of the contact log"] is None


def test_an_authority_that_is_named_where_nothing_is_stamped(untouched: Path, tmp_path: Path) -> None:
    """Anybody can take a timestamp away, so who asks for one is told; a file of certificates that is none is never passed over."""
    authority = tmp_path / "authority.pem"
    authority.write_bytes(certificate().public_bytes(Encoding.PEM))
    found = verify(untouched, Asked(authorities=authority, again=False))
    assert claims(found)["a timestamp of an authority that you believe"] is None
    with pytest.raises(InputError, match="holds no certificates"):
        verify(untouched, Asked(authorities=tmp_path / "nothing.pem", again=False))


def test_a_seal_that_is_a_pipe_or_a_link(out: Path, tmp_path: Path) -> None:
    seal = out / "seal.dsse.json"
    seal.rename(tmp_path / "aside")
    seal.symlink_to(tmp_path / "aside")
    assert verify(out, Asked(again=False)).wrong
    seal.unlink()
    os.mkfifo(seal)
    assert verify(out, Asked(again=False)).wrong


def test_what_is_under_no_signature_is_not_said(out: Path) -> None:
    document = json.loads((out / "seal.dsse.json").read_text())
    document["signatures"][0]["sig"] = base64.b64encode(bytes(64)).decode()
    (out / "seal.dsse.json").write_text(json.dumps(document, indent=1) + "\n")
    found = verify(out, Asked())
    assert found.wrong and not found.says


def test_without_a_seal(out: Path) -> None:
    (out / "seal.dsse.json").unlink()
    with pytest.raises(InputError, match="has no seal"):
        verify(out, Asked())


def test_evidence_that_is_not_at_hand_is_told_also_when_nothing_is_judged_anew(tmp_path: Path, untouched: Path) -> None:
    """A bundle beside OUT is not among the files of the seal, so its absence must not go unsaid."""
    bundle = shutil.copytree(untouched / "bundle", tmp_path / "bundle")
    assess([bundle], tmp_path / "out")
    sealed(tmp_path / "out", key(tmp_path / "key.pem"))
    shutil.rmtree(bundle)
    found = verify(tmp_path / "out", Asked(again=False))
    assert ("the evidence is as it was assessed", None, "not at hand: bundle (name it with --bundle)") in [
        (claim.what, claim.holds, claim.why) for claim in found.claims
    ]


TABLES = {
    "the same": ([1, 2], [1, 2], None),
    "a value": ([1, 9], [1, 2], "row 2"),
    "a row too many": ([1, 2, 3], [1, 2], "row 3 (subject '3', entity 'e') is one too many"),
    "a row missing": ([1], [1, 2], "is missing"),
    "no rows": ([], [1], "is missing"),
}


@pytest.mark.parametrize(("mine", "due", "said"), TABLES.values(), ids=TABLES)
def test_where_tables_differ(tmp_path: Path, mine: list[int], due: list[int], said: str | None) -> None:
    for name, numbers in (("mine", mine), ("due", due)):
        schema = pa.schema([("entity", pa.string()), ("subject", pa.string())])
        pq.write_table(pa.Table.from_pylist([{"entity": "e", "subject": str(n)} for n in numbers], schema), tmp_path / name)
    found = differences.in_table(tmp_path / "mine", tmp_path / "due")
    assert found is None if said is None else said.split(" (")[0] in str(found)


DOCUMENTS = {
    "the same": ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2}]}, None),
    "a value": ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, "a[1].b is 2, due is 3"),
    "a member too many": ({"a": 1, "b": 2}, {"a": 1}, "b is one too many"),
    "a member missing": ({}, {"a": 1}, "a is missing"),
    "a list": ({"a": [1]}, {"a": [1, 2]}, "a has 1 entries, due are 2"),
    "another kind of value": ({"a": [True, 1]}, {"a": [1, 1.0]}, "a[0] is True, due is 1"),
    "what nobody compares": ({"a": 1, "x": 1}, {"a": 1, "x": 2}, None),
    "a member of that name elsewhere": ({"a": {"x": 1}}, {"a": {"x": 2}}, "a.x is 1, due is 2"),
    "what nobody compares of each entry": ({"b": [{"y": 1}, {"y": 1}]}, {"b": [{"y": 2}, {}]}, None),
}


@pytest.mark.parametrize(("mine", "due", "said"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_where_documents_differ(mine: object, due: object, said: str | None) -> None:
    assert differences.in_json(mine, due, ("x", "b[].y")) == said


def known(tmp_path: Path) -> Path:
    """A sealed assessment that was made with reference data, in tmp_path/reference."""
    row = {"purl": "pkg:deb/debian/openssl@1.1.1n-0+deb11u3?distro=debian-11", "name": "openssl", "version": "1.1.1n-0+deb11u3"}
    feed(tmp_path / "reference", [{"vulnerability": "CVE-2022-0778", "purl": "pkg:deb/debian/openssl"}])
    out = assessed(tmp_path, [("component", "image:/cam", "openssl", row)], tmp_path / "reference")
    sealed(out, key(tmp_path / "key.pem"))
    return out


@pytest.mark.full
def test_without_the_reference_data_of_then(tmp_path: Path) -> None:
    """The ledger still follows, from the evidence and what was derived; that itself could not be derived anew, and that is said."""
    out = known(tmp_path)
    found = verify(out, Asked())
    assert not found.wrong and found.unchecked
    told = claims(found)
    assert told["ledger.parquet follows from the evidence"] is True
    assert list((out / "derived").rglob("*.parquet")) and told["derived follows from the evidence"] is None


@pytest.mark.full
def test_with_the_reference_data_of_then(tmp_path: Path) -> None:
    out = known(tmp_path)
    found = verify(out, Asked(reference=tmp_path / "reference"))
    assert not found.wrong and not found.unchecked
    assert all(claims(found).values())
