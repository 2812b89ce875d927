"""Destruction takes exactly what was sealed, not before its day, and leaves a certificate that can be verified."""

from __future__ import annotations

import base64
import json
import os
from datetime import date, timedelta
from pathlib import Path

import pytest

from plumbline.attest.destruction import Destroyed, destroy, verify_certificate
from plumbline.attest.envelope import Envelope
from plumbline.attest.keys import load_signer
from plumbline.attest.statement import DESTRUCTION, Statement
from plumbline.attest.verify import Asked
from plumbline.model.errors import EnvironmentFault, InputError
from tests.attest.sealing import NOW, key, no_passphrase, sealed


def destroyed(folder: Path, pem: Path, **options: object) -> Destroyed:
    given = {"by": "A. Auditor, Northwind", "reason": "the engagement has ended", "now": NOW, **options}
    return destroy(folder, load_signer(pem, no_passphrase), **given)  # type: ignore[arg-type]


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    return key(tmp_path / "mine.pem")


def test_all_of_it_goes(out: Path, pem: Path) -> None:
    files = len([path for path in out.rglob("*") if path.is_file()])
    made = destroyed(out, pem)
    assert not out.exists()
    assert (made.files, made.left) == (files - 2, ())
    found = verify_certificate(made.certificate, Asked())
    assert not found.wrong
    assert found.says["by"] == "A. Auditor, Northwind"
    assert found.says["files"] == made.files
    assert found.says["sealed_at"] == "2026-11-28T12:00:00Z"
    assert "Their bytes may live on" in found.says["proves"]
    assert verify_certificate(made.certificate, Asked(("0" * 64,))).wrong


def test_what_is_not_sealed_stays(out: Path, pem: Path) -> None:
    (out / "notes.txt").write_text("mine")
    (out / "bundle" / "link").symlink_to("/etc/passwd")
    made = destroyed(out, pem)
    assert made.left == ("bundle/link", "notes.txt")
    assert sorted(path.name for path in out.rglob("*")) == ["bundle", "link", "notes.txt"]
    assert Path("/etc/passwd").exists()


def test_a_link_in_the_place_of_a_file(out: Path, pem: Path, tmp_path: Path) -> None:
    aside = tmp_path / "aside"
    (out / "report.json").rename(aside)
    (out / "report.json").symlink_to(aside)
    with pytest.raises(InputError, match="is not the file that was sealed"):
        destroyed(out, pem)
    made = destroyed(out, pem, force=True)
    assert aside.exists()
    assert verify_certificate(made.certificate, Asked()).says["changed"] == {"count": 1, "names": ["report.json"]}
    assert "report.json" in made.left


def test_a_folder_that_became_a_link(out: Path, pem: Path, tmp_path: Path) -> None:
    (out / "bundle").rename(tmp_path / "elsewhere")
    (out / "bundle").symlink_to(tmp_path / "elsewhere")
    before = sorted((tmp_path / "elsewhere").rglob("*"))
    made = destroyed(out, pem, force=True)
    assert sorted((tmp_path / "elsewhere").rglob("*")) == before
    assert made.left == ("bundle",)


def test_not_before_its_day(out: Path, pem: Path) -> None:
    (out / "seal.dsse.json").unlink()
    (out / "seal.private.json").unlink()
    sealed(out, pem, retain_until=date(2036, 1, 1))
    with pytest.raises(InputError, match="is to be kept until 2036-01-01"):
        destroyed(out, pem)
    assert (out / "ledger.parquet").exists()
    made = destroyed(out, pem, force=True)
    assert verify_certificate(made.certificate, Asked()).says["before_retain_until"] is True


def test_the_day_of_a_seal_within_or_around(out: Path, pem: Path) -> None:
    """A bundle that is to be kept is not destroyed with its assessment, nor the evidence of an assessment that is to be kept."""
    for name in ("seal.dsse.json", "seal.private.json"):
        (out / name).unlink()
    sealed(out / "bundle", pem, retain_until=date(2036, 1, 1))
    sealed(out, pem)
    with pytest.raises(InputError, match="is to be kept until 2036-01-01"):
        destroyed(out, pem)
    (out / "bundle" / "manifest.dsse.json").unlink()
    for name in ("seal.dsse.json", "seal.private.json"):
        (out / name).unlink()
    sealed(out / "bundle", pem)
    sealed(out, pem, retain_until=date(2037, 1, 1))
    with pytest.raises(InputError, match="is to be kept until 2037-01-01"):
        destroyed(out / "bundle", pem)
    assert (out / "bundle" / "manifest.json").exists()


@pytest.mark.parametrize("at", ["out", "out/evidence"], ids=["beside", "deeper"])
def test_a_seal_around_that_tells_no_day(out: Path, pem: Path, at: str) -> None:
    """Whoever damages the seal of an assessment that is to be kept, or writes another day into it, does not free its evidence."""
    (out / "seal.dsse.json").unlink()
    (out / "seal.private.json").unlink()
    bundle = out.parent / at / "bundle"
    if at != "out":
        bundle.parent.mkdir()
        (out / "bundle").rename(bundle)
    sealed(bundle, pem)
    sealed(out, pem, retain_until=date(2037, 1, 1), bundles=[bundle])
    with pytest.raises(InputError, match="is to be kept until 2037-01-01"):
        destroyed(bundle, pem)
    document = json.loads((out / "seal.dsse.json").read_text())
    payload = base64.b64decode(document["payload"]).replace(b"2037-01-01", b"2026-01-01")
    document["payload"] = base64.b64encode(payload).decode()
    (out / "seal.dsse.json").write_text(json.dumps(document, indent=1) + "\n")
    with pytest.raises(InputError, match=r"seal\.dsse\.json: tells nobody until when .* a signature that does not hold"):
        destroyed(bundle, pem)
    assert (bundle / "manifest.json").exists()
    destroyed(bundle, pem, force=True)
    assert not bundle.exists()


def test_names_that_are_no_text(out: Path, pem: Path) -> None:
    """A certificate is written whatever stays, and whoever it is: before, all was gone and nothing was certified."""
    Path(os.fsdecode(os.fsencode(out) + b"/\xff")).write_text("not sealed")
    made = destroyed(out, pem, by=os.fsdecode(b"A. \xff"))
    says = verify_certificate(made.certificate, Asked()).says
    assert says["left"] == {"count": 1, "names": [os.fsdecode(b"\xff")]}
    assert says["by"] == os.fsdecode(b"A. \xff")


@pytest.mark.parametrize("word", [".", "..", "bundle/.."])
def test_a_folder_that_is_named_by_where_one_stands(out: Path, pem: Path, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.chdir(out / "bundle" if word == ".." else out)
    made = destroyed(Path(word), pem)
    assert made.certificate == out.with_name("out.destroyed.dsse.json")
    assert not out.exists()


def test_a_folder_without_a_name(pem: Path) -> None:
    with pytest.raises(InputError, match="has no seal"):
        destroyed(Path("/"), pem)


def test_on_its_day(out: Path, pem: Path) -> None:
    (out / "seal.dsse.json").unlink()
    (out / "seal.private.json").unlink()
    sealed(out, pem, retain_until=NOW.date())
    made = destroyed(out, pem, now=NOW + timedelta(hours=1))
    assert verify_certificate(made.certificate, Asked()).says["before_retain_until"] is False


def test_a_run_that_ended_early_goes_on(out: Path, pem: Path) -> None:
    (out / "ledger.parquet").unlink()
    made = destroyed(out, pem)
    assert not out.exists()
    assert verify_certificate(made.certificate, Asked()).says["missing"] == {"count": 1, "names": ["ledger.parquet"]}


def test_a_changed_certificate(out: Path, pem: Path) -> None:
    made = destroyed(out, pem)
    data = made.certificate.read_bytes()
    at = data.index(b'"sig": "') + 8
    made.certificate.write_bytes(data[:at] + (b"B" if data[at : at + 1] == b"A" else b"A") + data[at + 1 :])
    assert verify_certificate(made.certificate, Asked()).wrong
    made.certificate.write_bytes(data + b" ")
    with pytest.raises(InputError):
        verify_certificate(made.certificate, Asked())


REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "nobody": ({"by": " "}, "somebody answers for it"),
    "no reason": ({"reason": ""}, "somebody answers for it"),
}


@pytest.mark.parametrize(("options", "said"), REFUSED.values(), ids=REFUSED)
def test_nothing_goes(out: Path, pem: Path, options: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        destroyed(out, pem, **options)
    assert (out / "ledger.parquet").exists()


def test_nothing_goes_where_no_certificate_can_be_written(out: Path, pem: Path) -> None:
    long = out.rename(out.with_name("x" * 240))  # no file system takes the certificate's name
    with pytest.raises(EnvironmentFault, match="nothing was destroyed"):
        destroyed(long, pem)
    assert (long / "ledger.parquet").exists()


def test_a_link_in_the_place_of_the_certificate(out: Path, pem: Path) -> None:
    out.with_name("out.destroyed.dsse.json").symlink_to(out.with_name("nowhere"))
    with pytest.raises(InputError, match="exists already"):
        destroyed(out, pem)
    assert (out / "ledger.parquet").exists()


LISTS: dict[str, object] = {
    "no names": {"count": 1, "names": 5},
    "no list": 7,
    "a count in words": {"count": "many", "names": []},
    "names that are none": {"count": 1, "names": [{"x": 1}]},
    "nothing": None,
}


@pytest.mark.parametrize("said", LISTS.values(), ids=LISTS)
def test_a_certificate_of_another_form(pem: Path, tmp_path: Path, said: object) -> None:
    lists = {"missing": said, "changed": {"count": 0, "names": []}, "left": {"count": 0, "names": []}}
    statement = Statement(DESTRUCTION, {"x": "0" * 64}, lists)
    Envelope(statement.to_bytes()).signed(load_signer(pem, no_passphrase)).write(tmp_path / "theirs.json")
    with pytest.raises(InputError, match="what is missing"):
        verify_certificate(tmp_path / "theirs.json", Asked())


def test_a_folder_without_a_seal(out: Path, pem: Path) -> None:
    (out / "seal.dsse.json").unlink()
    with pytest.raises(InputError, match="has no seal"):
        destroyed(out, pem)


def test_a_seal_that_does_not_hold(out: Path, pem: Path) -> None:
    seal = out / "seal.dsse.json"
    seal.write_bytes(seal.read_bytes().replace(b"LCJk", b"LCJl", 1))
    with pytest.raises(InputError, match="the seal"):
        destroyed(out, pem)
    assert (out / "ledger.parquet").exists()
