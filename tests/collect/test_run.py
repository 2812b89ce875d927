"""A collection as a whole: who may write into a bundle, and what stands in it when the run cannot go on."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from plumbline.collect.run import Collection, collect
from plumbline.evidence.bundle import Bundle
from plumbline.model.errors import InputError
from plumbline.net.stop import Registration
from plumbline.rig.models import Rig
from tests.net.rigs import make_rig, rig_text

ASSET = '[[asset]]\nid = "door-1"\naddress = "127.64.0.1"'


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    """One address of the loopback network, at which nobody listens."""
    return make_rig(tmp_path, rig_text(networks=["127.64.0.1/32"], rest=ASSET))


def run(rig: Rig, *, resume: bool = False) -> Collection:
    folder = rig.path.parent
    return collect(rig, folder / "bundle", state=folder / "state", progress=lambda *_: None, now=lambda: datetime.now(UTC), resume=resume)


def test_a_bundle_that_another_process_writes_is_left_as_it_is(rig: Rig) -> None:
    bundle = run(rig).bundle
    before = (bundle / "manifest.json").read_bytes()
    with Registration(bundle, rig.path.parent / "state"), pytest.raises(InputError, match="is collecting into this bundle"):
        run(rig, resume=True)
    assert (bundle / "manifest.json").read_bytes() == before


def test_a_resume_of_what_is_no_bundle_leaves_no_folder(rig: Rig) -> None:
    with pytest.raises(InputError, match="not a bundle"):
        run(rig, resume=True)
    assert not (rig.path.parent / "bundle").exists()


def test_what_was_read_stands_when_the_contact_log_is_broken(rig: Rig) -> None:
    bundle = run(rig).bundle
    for part in bundle.glob("coverage/*"):
        part.unlink()  # as if nothing had been committed
    with (bundle / "contacts.jsonl").open("a") as log:
        log.write("{}\n{}\n")
    with pytest.raises(InputError, match="contact log is broken"):
        run(rig, resume=True)
    again = Bundle(bundle)
    assert len(again.parts("declared_asset")) == 1
    session = again.manifest["sessions"][-1]
    assert session["ended_at"] is not None and not session["complete"] and "contact log is broken" in session["notes"][0]


def test_a_login_that_no_network_holds_is_said(tmp_path: Path) -> None:
    """Without any [[network]] there is nothing to sweep; the login that is asked for is not passed over in silence."""
    secret = tmp_path / "secret"
    secret.write_text("harbour wall 7")
    secret.chmod(0o600)
    login = '[[login]]\nkind = "ssh"\nassets = ["door-1"]\nuser = "auditor"\nsecret = "file:secret"\n'
    text = rig_text(networks=["127.64.0.1/32"], rest=f"{ASSET}\n{login}")
    made = make_rig(tmp_path, text[: text.index("[[network]]")] + text[text.index("[[asset]]") :])
    assert not made.networks
    rows = [row for part in Bundle(run(made).bundle).coverage_parts() for row in pq.read_table(part).to_pylist()]
    assert {row["outcome"] for row in rows if row["entity"].startswith("system:")} == {"not_permitted"}


def test_a_rig_file_that_changed_before_a_resume_is_the_one_that_the_bundle_tells_of(rig: Rig) -> None:
    """Its owner prolonged the authorisation: the bundle holds both files, and each session says which was its own."""
    bundle = run(rig).bundle
    first = (bundle / "rig.toml").read_bytes()
    again = make_rig(rig.path.parent, rig.text.replace("2099-01-01", "2098-01-01"))
    run(again, resume=True)
    manifest = Bundle(bundle).manifest
    assert [session["rig_sha256"] for session in manifest["sessions"]] == [rig.sha256, again.sha256]
    assert manifest["rig"]["sha256"] == again.sha256
    assert manifest["authorisation"]["valid_until"].startswith("2098")
    assert b"2098-01-01" in (bundle / "rig.toml").read_bytes()
    assert (bundle / f"rig-{rig.sha256[:12]}.toml").read_bytes() == first
    run(again, resume=True)
    assert len(list(bundle.glob("rig*.toml"))) == 2
