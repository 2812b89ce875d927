"""Law 2: "we did not look" is never a pass and never a fail. Devices die in mid-audit, disks fill, files are cut; the ledger says so.

Each case is judged beside the same collection undisturbed: what the disturbed one passes or fails, the undisturbed one does too, and
what it can no longer judge is inconclusive with its reason, never gone and never `absent`.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from plumbline.assess.run import assess
from plumbline.checks.registry import load_registry
from plumbline.collect.run import collect
from plumbline.evidence.bundle import Bundle
from plumbline.evidence.specs import load_tables
from plumbline.model.words import Outcome
from plumbline.rig.loading import load
from tests.laws import auditor, lures
from tests.laws.bundles import coverage, ledger, rows
from tests.laws.labs import lab_rig, write_rig
from tests.net.netns import World, world
from tests.net.rigs import make_rig, rig_text

DECIDED = ("pass", "fail")
REASONS = {str(outcome) for outcome in Outcome} | {"not_observed", "not_attempted"}
Judged = dict[tuple[str, str, str], str]


def judged(bundle: Path, out: Path) -> Judged:
    """Judge a bundle; gives the verdicts, once it is seen that each pass stands on a row and each inconclusive has its reason."""
    assess([bundle], out)
    checks, seen = load_registry().checks, set[tuple[str, str]]()
    for table in {check.subjects for check in checks.values()} & load_tables().keys():
        seen |= {(table, row["subject"]) for row in rows(bundle, table)}
    found = ledger(out)
    bare = [r for r in found if r["verdict"] == "pass" and r["subject"] and (checks[r["check"]].subjects, r["subject"]) not in seen]
    assert bare == []
    assert {row["reason"] for row in found if row["verdict"] == "inconclusive"} <= REASONS
    return {(row["check"], row["asset"], row["subject"]): row["verdict"] for row in found}


def claims_no_more(disturbed: Judged, whole: Judged) -> None:
    """What is decided without the rest is decided the same with it."""
    assert {(key, verdict) for key, verdict in disturbed.items() if verdict in DECIDED} <= set(whole.items())


def forgets_nothing(disturbed: Judged, whole: Judged) -> None:
    """What was decided of an asset's own table is decided or inconclusive: it has not turned into `absent`, and is not missing.

    Of a table that a source fills, such as a network's hosts, the source says what is missing.
    """
    specs = {name: load_tables().get(check.subjects) for name, check in load_registry().checks.items()}
    own = {name for name, spec in specs.items() if spec is not None and not spec.by_source}
    said = {(check, asset) for (check, asset, _), verdict in disturbed.items() if verdict in (*DECIDED, "inconclusive")}
    assert {(check, asset) for (check, asset, _), verdict in whole.items() if verdict in DECIDED and check in own} <= said


# A device that dies


VICTIM, OTHER = "10.77.0.10", "10.77.0.11"
PORTS = (80, 8554)
REQUESTS = 3  # that an audit makes of one of these devices
QUICK = {("crash", 1), ("drop off", 2)}
DEATHS = [
    pytest.param(death, at, marks=() if (death, at) in QUICK else pytest.mark.full, id=f"{death} at request {at}")
    for death in ("crash", "drop off")
    for at in range(1, REQUESTS + 1)
]
DECLARED = "\n".join(f'[[asset]]\nid = "{name}"\nname = "{name}"\naddress = "{at}"' for name, at in (("victim", VICTIM), ("other", OTHER)))
RIG = rig_text(networks=["10.77.0.0/24"], ranges=["10.77.0.8/29"], tcp=PORTS, authorisation='source = "aud0"', rest=DECLARED)


@dataclass
class Device:
    """One device that counts its requests and may be made to die at one of them."""

    address: str
    dies_at: int = 0  # its n-th request; 0: never
    death: Callable[[Device], None] = lambda _device: None
    requests: int = 0
    servers: list[asyncio.Server] = field(default_factory=list)
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def begin(self) -> Device:
        answers = {80: lures.page, 8554: lures.stream}
        for port, answer in answers.items():
            self.servers.append(await asyncio.start_server(self._serve(answer), self.address, port))
        return self

    def _serve(self, answer: Callable[[str, bytes], bytes]) -> Callable[..., object]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.writers.add(writer)
            try:
                while True:
                    request = await reader.readuntil(b"\r\n\r\n")
                    self.requests += 1
                    if self.requests == self.dies_at:
                        self.death(self)
                    writer.write(answer(self.address, request))
                    await writer.drain()
            except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                pass
            finally:
                self.writers.discard(writer)
                writer.close()

        return serve


def crash(device: Device) -> None:
    """Its services end: open connections are reset, and so is every later one."""
    for server in device.servers:
        server.close()
    for writer in device.writers:
        writer.transport.abort()


def drop_off(made: World) -> Callable[[Device], None]:
    """Its address is nobody's any more: whatever is sent there is lost without a word."""

    def fall(device: Device) -> None:
        subprocess.run(["ip", "-n", made.site.name, "address", "del", f"{device.address}/24", "dev", "dev0"], check=True)

    return fall


def audit(folder: Path, death: str, at: int = 0) -> tuple[auditor.Ended, Judged]:
    """Collect and judge two devices, of which one dies at its n-th request."""
    folder.mkdir()
    with world([f"{VICTIM}/24", f"{OTHER}/24"]) as made:
        deaths = {"crash": crash, "drop off": drop_off(made), "": lambda _device: None}
        devices = [Device(VICTIM, at, deaths[death]), Device(OTHER)]

        async def begin() -> object:
            return [await device.begin() for device in devices]

        with made.serve(begin):
            end = auditor.collect(folder, make_rig(folder, RIG).path, inside=made.auditor)
    return end, judged(folder / "bundle", folder / "out")


@pytest.fixture(scope="module")
def alive(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """What is said of both devices when nothing happens."""
    folder = tmp_path_factory.mktemp("alive") / "whole"
    end, found = audit(folder, "")
    assert end.code == 0, end.said
    contacts = [json.loads(line) for line in (folder / "bundle" / "contacts.jsonl").read_text().splitlines()]
    asked = [contact for contact in contacts if contact["event"] == "request" and contact["address"] == VICTIM]
    assert len(asked) == REQUESTS, "so that each of them is tried below"
    return found


@pytest.mark.system
@pytest.mark.parametrize(("death", "at"), DEATHS)
def test_a_device_dies(tmp_path: Path, alive: Judged, death: str, at: int) -> None:
    end, found = audit(tmp_path / "run", death, at)
    claims_no_more(found, alive)
    forgets_nothing(found, alive)
    assert any(found.get(key) not in DECIDED for key, verdict in alive.items() if key[1] == "declared:here/victim" and verdict in DECIDED)
    assert end.code == 3
    bundle = tmp_path / "run" / "bundle"
    [session] = Bundle(bundle).manifest["sessions"]
    assert not session["complete"]
    assert f"{VICTIM} fell silent" in session["notes"][0]
    assert f"{VICTIM} fell silent" in end.said
    troubles = {row["outcome"] for row in coverage(bundle) if row["entity"] == f"host:here/{VICTIM}"} - {"ok"}
    assert troubles & {"timeout", "refused", "unreachable", "not_permitted", "partial"}


# Files, whole


@dataclass(frozen=True)
class Files:
    """The lab's files, and what is said of them when they are whole."""

    rig: Path
    verdicts: Judged


def read(rig: Path, folder: Path) -> Judged:
    """Collect and judge the files of a rig."""
    collect(load(rig), folder / "bundle", state=folder / "state", progress=lambda *_: None, now=lambda: datetime.now(UTC))
    return judged(folder / "bundle", folder / "out")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """The lab's files as they are, with nothing asked of any device."""
    folder = tmp_path_factory.mktemp("files")
    with lab_rig(folder, subset=[]) as (lab, _):
        rig = write_rig(lab, folder / "passive", "passive")
    return Files(rig, read(rig, folder))


# A disk that fills


def on_a_small_disk(folder: Path, rig: Path, size: str) -> auditor.Ended:
    """Collect onto a file system of a given size, in a mount namespace of its own; the bundle is copied out at the end."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("a small file system needs root and util-linux")
    disk = folder / "disk"
    disk.mkdir()
    script = f'mount -t tmpfs -o size={size} tmpfs {disk} && "$@"; code=$?; cp -a {disk}/bundle {folder}/bundle; exit $code'
    words = ("collect", str(rig), "-o", str(disk / "bundle"))
    return auditor.ended(auditor.start(folder, *words, before=("unshare", "-m", "sh", "-c", script, "sh")))


def says_that_it_is_full(end: auditor.Ended, bundle: Path) -> None:
    """Whatever is left of the room tells why the run ended."""
    assert end.code == 3
    assert "No space left on device" in end.said
    [session] = Bundle(bundle).manifest["sessions"]
    assert not session["complete"]
    assert "No space left on device" in session["notes"][0]


@pytest.mark.system
@pytest.mark.parametrize("size", ["360k", pytest.param("420k", marks=pytest.mark.full), pytest.param("480k", marks=pytest.mark.full)])
def test_the_disk_is_full(tmp_path: Path, files: Files, size: str) -> None:
    end = on_a_small_disk(tmp_path, files.rig, size)
    says_that_it_is_full(end, tmp_path / "bundle")
    claims_no_more(judged(tmp_path / "bundle", tmp_path / "out"), files.verdicts)


@pytest.mark.full
@pytest.mark.system
def test_the_disk_is_full_when_devices_are_asked(tmp_path: Path) -> None:
    with lab_rig(tmp_path, subset=["printer", "gateway"]) as (_lab, rig):
        whole = tmp_path / "whole"
        beside = auditor.start(whole, "collect", str(rig), "-o", str(whole / "bundle"))
        end = on_a_small_disk(tmp_path, rig, "640k")
        assert auditor.ended(beside).code == 0
    says_that_it_is_full(end, tmp_path / "bundle")
    claims_no_more(judged(tmp_path / "bundle", tmp_path / "out"), judged(whole / "bundle", whole / "out"))


# Files that are cut


# Not the hub's resource file: without it the hub goes by another name.
EVERY = ("captures/harbour.pcap", "images/*.swu", "edge/harbour.json", "hostkit/harbour.txt", "hub/harbour.*s.jsonl")
CUT = {"the registry's export": ("hub/harbour.devices.jsonl",), "everything": EVERY, **{name: (name,) for name in EVERY}}


def _cases() -> list[object]:
    quick = {("the registry's export", 60), ("everything", 60)}
    every = [(name, share) for name in CUT for share in (15, 60, 97)]
    return [pytest.param(*each, marks=() if each in quick else pytest.mark.full, id=f"{each[0]}, {each[1]} %") for each in every]


@pytest.mark.parametrize(("name", "share"), _cases())
def test_a_file_is_cut(tmp_path: Path, files: Files, name: str, share: int) -> None:
    shutil.copytree(files.rig.parent, tmp_path / "rig")
    cut = [path for pattern in CUT[name] for path in (tmp_path / "rig").glob(pattern)]
    for path in cut:
        os.truncate(path, path.stat().st_size * share // 100)
    found = read(tmp_path / "rig" / "rig.toml", tmp_path)
    claims_no_more(found, files.verdicts)
    assert len(cut) >= len(CUT[name])
    if any(path.name == "harbour.devices.jsonl" for path in cut):
        by_absence = ("rig.device_without_identity", "rig.identity_without_device")
        assert {files.verdicts[key] for key in files.verdicts if key[0] in by_absence} >= {"fail"}
        failed = [key for key in files.verdicts if key[0] == "rig.device_without_identity" and files.verdicts[key] == "fail"]
        assert {found[key] for key in failed} == {"inconclusive"}
