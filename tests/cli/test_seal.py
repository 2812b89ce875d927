"""`plumbline seal | verify | disclose | unseal | destroy`, as a user meets them: words, exit codes, JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest

from plumbline.attest.envelope import Envelope
from plumbline.attest.keys import load_signer
from plumbline.attest.statement import DESTRUCTION, Statement
from tests.attest.sealing import key, no_passphrase
from tests.cli.conftest import Call
from tests.report import harbour

TO = str(pyrage.x25519.Identity.generate().to_public())


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return harbour.collected(tmp_path / "bundle")


@pytest.fixture
def out(call: Call, passive: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert call("audit", passive("harbour"), "-o", tmp_path / "out", "--format", "json").code == 1
    return tmp_path / "out"


SEALED = {
    "judged again": "assess {tmp}/out/bundle -o {tmp}/out",
    "judged below it": "assess {tmp}/out/bundle -o {tmp}/out/again",
    "collected on": "collect {tmp}/rig/rig.toml -o {tmp}/out/bundle --resume",
    "audited": "audit {tmp}/rig/rig.toml -o {tmp}/out",
    "looked at again": "retest {tmp}/old {tmp}/rig/rig.toml -o {tmp}/out",
}


@pytest.mark.parametrize("line", SEALED.values(), ids=SEALED)
def test_what_is_sealed_is_not_written_anew(call: Call, passive: Callable[..., Path], tmp_path: Path, line: str) -> None:
    passive()
    (tmp_path / "out" / "bundle").mkdir(parents=True)
    (tmp_path / "out" / "seal.dsse.json").write_text("{}", encoding="utf-8")
    ended = call(*line.format(tmp=tmp_path).split())
    assert (ended.code, ended.out) == (2, "")
    assert f"{tmp_path}/out: is sealed, and would not be any more what was signed (name another folder with" in ended.err
    assert "or take seal.dsse.json away first" in ended.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["bundle", "seal.dsse.json"]


def test_nothing_is_written_into_a_sealed_folder_from_elsewhere(call: Call, out: Path, tmp_path: Path) -> None:
    """A report more breaks the seal as well as one in the place of another: it would be a file that nobody signed."""
    assert call("diff", out, out, "-o", out).code == 0
    assert call("seal", out).code == 0
    for words in (("report", out, "--format", "tickets"), ("diff", out, out, "-o", out), ("updates", "plan", out)):
        ended = call(*words)
        assert (ended.code, ended.out) == (2, "")
        assert f"{out}: is sealed, and would not be any more what was signed (name another folder with --" in ended.err
    assert call("report", out, "--format", "json", "--to", tmp_path / "to").code == 0
    assert call("diff", out, out, "-o", tmp_path / "to").code == 0
    assert call("verify", out, "--quick").code == 3  # nothing is wrong; judging was left out


def test_reports_that_are_older_than_the_assessment_are_said(call: Call, out: Path) -> None:
    before = (out / "assessment.json").stat().st_mtime - 60
    (out / "report.html").write_text("of last week", encoding="utf-8")
    os.utime(out / "report.html", (before, before))
    assert "Dated before the assessment, so perhaps of an earlier one, and sealed as they are: report.html" in call("seal", out).out


def test_no_key_is_made_for_what_cannot_be_sealed(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    ended = call("seal", tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert f"{tmp_path}: is neither a bundle nor an assessment (name what `collect` or `assess` wrote)" in ended.err
    assert not (tmp_path / "data").exists()


def test_the_whole_way(call: Call, out: Path, tmp_path: Path) -> None:
    """Sealed with a key made for the user, verified, shown, sent, opened, destroyed."""
    made = call("seal", out)
    assert made.code == 0 and f"Made a key of yours: {tmp_path}/data/plumbline/seal.pem" in made.out
    fingerprint = made.out.strip().rsplit(" ", 1)[1]

    unknown = call("verify", out, "--quick")
    assert unknown.code == 3 and f"SIGNER UNKNOWN: signed by {fingerprint}" in unknown.out
    found = call("verify", out, "--signer", fingerprint)
    assert found.code == 0, found.out
    assert "ledger.parquet follows from the evidence: holds" in found.out
    other = call("verify", out, "--quick", "--signer", "0" * 64)
    assert other.code == 1 and "This is NOT what was signed, or not by whom you asked for." in other.out

    finding = json.loads((out / "assessment.json").read_text())["findings"][0]["id"]
    assert call("disclose", out, finding, "-o", tmp_path / "finding.json").code == 0
    shown = call("verify", tmp_path / "finding.json", "--signer", fingerprint, "--json")
    assert (shown.code, shown.json["result"], shown.json["kind"]) == (0, "holds", "rows")
    assert "verdict\n" in call("verify", tmp_path / "finding.json").out

    me = pyrage.x25519.Identity.generate()
    (tmp_path / "me.txt").write_text(f"{me}\n")
    (tmp_path / "me.txt").chmod(0o600)
    sent = call("seal", out, "--to", me.to_public(), "-o", tmp_path / "out.age")
    assert sent.code == 0 and "encrypted for 1 recipient" in sent.out and "Countersigned" not in sent.out
    came = call("unseal", tmp_path / "out.age", "-i", tmp_path / "me.txt", "-o", tmp_path / "came", "--signer", fingerprint)
    assert came.code == 0, came.out
    assert f"Signed by {fingerprint}, as was asked" in came.out

    (tmp_path / "came" / "report.json").write_text("{}")
    wrong = call("verify", tmp_path / "came", "--quick", "--json")
    assert (wrong.code, wrong.json["result"], wrong.json["counts"]["changed"]) == (1, "wrong", 1)
    assert "report.json" in call("verify", tmp_path / "came", "--quick").out

    gone = call("destroy", out, "--by", "A. Auditor", "--reason", "the engagement has ended")
    assert gone.code == 0 and "Their bytes may live on" in gone.out and not out.exists()
    certificate = call("verify", tmp_path / "out.destroyed.dsse.json", "--signer", fingerprint)
    assert certificate.code == 0 and "Certificate of destruction of" in certificate.out and "A. Auditor" in certificate.out


def test_json(call: Call, bundle: Path, tmp_path: Path) -> None:
    made = call("seal", bundle, "--retain-until", "2036-11-28", "--json")
    assert made.json["key_made"] == str(tmp_path / "data" / "plumbline" / "seal.pem")
    assert made.json["says"]["retain_until"] == "2036-11-28"
    assert made.json["countersigned"] is False
    kept = call("destroy", bundle, "--by", "x", "--reason", "y", "--json")
    assert kept.code == 2 and "is to be kept until 2036-11-28" in kept.err


REFUSED = {
    "a seal over nothing": (("seal", "{tmp}"), "is neither a bundle nor an assessment"),
    "no seal": (("verify", "{tmp}"), "has no seal"),
    "nothing there": (("verify", "{tmp}/nothing"), "has no seal"),
    "another file": (("verify", "{tmp}/file"), "not JSON"),
    "no key": (("seal", "{tmp}", "--key", "{tmp}/nothing.pem"), "cannot be read"),
    "no recipient": (("seal", "{tmp}", "--to", "nobody"), "is no recipient, and no file of recipients"),
    "no signer": (("verify", "{tmp}", "--signer", "nobody"), "cannot be read"),
    "no day": (("seal", "{tmp}", "--retain-until", "soon"), "Invalid value"),
    "no archive": (("unseal", "{tmp}/file", "-i", "{tmp}/file", "-o", "{tmp}/x"), "is open to other users"),
}


def test_what_is_not_in_an_archive_is_said(call: Call, bundle: Path, tmp_path: Path) -> None:
    assert call("seal", bundle).code == 0
    for n in range(22):
        (bundle / f"later-{n:02}.txt").write_text("not sealed")
    made = call("seal", bundle, "--to", TO, "-o", tmp_path / "x.age")
    assert made.code == 0
    assert "Not in it, because the seal does not name them: later-00.txt" in made.out
    assert "later-19.txt and 2 more" in made.out


ALONE = {
    "an archive for nobody": (("-o", "{tmp}/x.age"), "--output: says nothing without --to"),
    "what is private in no archive": (("--with-private",), "--with-private: says nothing without --to"),
    "an authority that is not asked": (("--authority", "{tmp}/x.pem"), "--authority: says nothing without --timestamp"),
    "a day where nothing is sealed": (("--to", TO, "--retain-until", "2099-01-01"), "--retain-until: says nothing without --key"),
    "a stamp where nothing is sealed": (("--to", TO, "--timestamp", "http://127.0.0.1:1/"), "--timestamp: says nothing without --key"),
    "an archive in the sealed folder": (("--to", TO, "-o", "{tmp}/bundle/x.age"), "lies in the sealed folder"),
}


@pytest.mark.parametrize(("words", "why"), ALONE.values(), ids=ALONE)
def test_no_option_is_passed_over(call: Call, bundle: Path, tmp_path: Path, words: tuple[str, ...], why: str) -> None:
    """The bundle is sealed already, so that --to alone would leave its seal as it is."""
    (bundle / "manifest.dsse.json").write_text("{}")
    ended = call("seal", bundle, *(word.format(tmp=tmp_path) for word in words))
    assert (ended.code, why in ended.err) == (2, True), ended.err
    assert (bundle / "manifest.dsse.json").read_text() == "{}"


def test_a_certificate_of_a_hostile_hand(call: Call, tmp_path: Path) -> None:
    nothing = {"count": 0, "names": []}
    odd = {"count": "x", "names": 5}
    said = {"missing": nothing, "changed": nothing, "left": nothing, "by": odd, "reason": {"count": 1}, "rig": odd}
    signer = load_signer(key(tmp_path / "theirs.pem"), no_passphrase)
    Envelope(Statement(DESTRUCTION, {}, said).to_bytes()).signed(signer).write(tmp_path / "x.json")
    for more in ((), ("--json",)):
        assert call("verify", tmp_path / "x.json", *more).code == 0


@pytest.mark.parametrize(("words", "why"), REFUSED.values(), ids=REFUSED)
def test_wrong_input(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], why: str) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "file").write_text("hello")
    (tmp_path / "file").chmod(0o644)
    ended = call(*(word.format(tmp=tmp_path) for word in words))
    assert ended.code == 2
    assert why in ended.err


def test_a_passphrase(call: Call, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pem = key(tmp_path / "key.pem", "ecdsa", b"plumb")
    asked = call("seal", bundle, "--key", pem)
    assert asked.code == 2 and "nobody can be asked" in asked.err
    monkeypatch.setenv("WORD", "plumb")
    assert call("seal", bundle, "--key", pem, "--passphrase", "env:WORD").code == 0
    assert "plumb" not in (bundle / "manifest.dsse.json").read_text()
    literal = call("seal", bundle, "--key", pem, "--passphrase", "plumb")
    assert literal.code == 2 and "plumb " not in literal.err
