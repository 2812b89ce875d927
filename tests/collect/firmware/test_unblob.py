"""unblob, where it is installed, opens what nothing else does; here a stand-in writes what unblob would, and what it should not."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from plumbline.collect.firmware import collect
from plumbline.collect.firmware.source import Budget
from plumbline.collect.firmware.unblob import ASKED_MAX, Unblob
from plumbline.collect.firmware.unpack import Layer, State, unpack
from plumbline.model.errors import ProtocolError
from plumbline.rig.models import Firmware
from tests.collect.collecting import rig_of, run
from tests.collect.firmware.formats.trying import source_of

DATA = bytes(range(1, 251)) * 200
# Runs as `unblob ... --report REPORT ... --extract-dir OUT BLOB`; `did` and `chunks` are what a case puts in.
STAND_IN = """#!{python}
import json, os, sys
from pathlib import Path
given = sys.argv[1:]
report, out = Path(given[given.index("--report") + 1]), Path(given[given.index("--extract-dir") + 1])
folder = out / "blob_extract"
(folder / "5000-9000.erofs_extract/etc").mkdir(parents=True)
passwd = folder / "5000-9000.erofs_extract/etc/passwd"
passwd.write_text("root::0:0::/:/bin/sh\\n")
passwd.chmod(0o666)
(folder / "5000-9000.erofs_extract/etc/out").symlink_to("/etc")
chunk = {{"id": "1:1", "handler_name": "erofs", "start_offset": 5000, "size": 4000, "__typename__": "ChunkReport"}}
other = {{"id": "1:2", "handler_name": "x", "start_offset": 0, "size": 10, "__typename__": "ChunkReport"}}
part = {{"path": str(folder / "5000-9000.erofs_extract"), "blob_id": "1:1"}}
task = {{"task": {{"path": given[-1], "depth": 0}}, "reports": [other, chunk], "subtasks": [part]}}
text = None
{did}
report.write_text(json.dumps([task]) if text is None else text)
"""


def stand_in(folder: Path, did: str = "") -> str:
    command = folder / "unblob"
    command.write_text(STAND_IN.format(python=sys.executable, did=did))
    command.chmod(0o755)
    return str(command)


def opened(folder: Path, did: str = "", **given: Any) -> tuple[dict[str, Layer], list[str]]:
    budget = Budget()
    layers, problems = unpack(source_of(DATA), budget, unblob=Unblob(stand_in(folder, did), folder, budget, **given))
    return {layer.path: layer for layer in layers}, problems


def test_what_it_takes_out_is_read_and_the_rest_is_said(tmp_path: Path) -> None:
    layers, problems = opened(tmp_path)
    assert list(layers) == ["", "@0x0", "@0x1388", "@0x2328"]
    assert [layer.state for layer in layers.values()] == [State.UNKNOWN, State.UNKNOWN, State.OPENED, State.UNKNOWN]
    inner = layers["@0x1388"]
    assert (inner.kind, inner.source.size, inner.source.place) == ("erofs", 4000, 5000)
    assert inner.tree is not None and sorted(inner.tree.entries) == ["/etc", "/etc/out", "/etc/passwd"]
    passwd = inner.tree.entries["/etc/passwd"]
    assert (passwd.mode, passwd.owner, inner.tree.content(passwd, 100)) == (0o664, None, b"root::0:0::/:/bin/sh\n")
    assert problems == ["@0x1388: taken out by unblob, which keeps no owners and not every mode"]


HOSTILE = {
    "a folder outside": ('part["path"] = "/etc"', []),
    "a way up": ('part["path"] = str(folder / "../../../..")', []),
    "a link outside": ('(folder / "l").symlink_to("/etc"); part["path"] = str(folder / "l")', []),
    "what is no folder": ('part["path"] = str(passwd)', []),
    "bytes that are not there": ('chunk["size"] = 1 << 40', ["the image: a part of"]),
    "numbers that are none": ('chunk["start_offset"] = "5"', []),
    "a report that is none": ('text = "[" * 100_000', ["the image: not"]),
    "a report of something else": ('text = "{}"', []),
    "no report": ("sys.exit(1)", ["the image: unblob came to no end"]),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_it_should_not_tell(case: str, tmp_path: Path) -> None:
    did, said = HOSTILE[case]
    layers, problems = opened(tmp_path, did)
    assert all(layer.tree is None for layer in layers.values())
    assert len(problems) == len(said) and all(problem.startswith(one) for problem, one in zip(problems, said, strict=True))


def test_it_is_ended_when_the_run_is(tmp_path: Path) -> None:
    tool = Unblob(stand_in(tmp_path, "import time; time.sleep(1000)"), tmp_path, Budget(), lambda: True)
    with pytest.raises(ProtocolError, match="was ended"):
        tool.take(source_of(DATA))


def test_where_it_cannot_be_run(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="cannot be run"):
        Unblob(str(tmp_path / "none"), tmp_path, Budget()).take(source_of(b"x"))
    with pytest.raises(ProtocolError, match="cannot be given"):
        Unblob(stand_in(tmp_path), tmp_path / "none", Budget()).take(source_of(b"x"))


def test_it_is_not_asked_for_ever(tmp_path: Path) -> None:
    tool = Unblob(stand_in(tmp_path, 'text = "[]"'), tmp_path, Budget())
    for _ in range(ASKED_MAX):
        assert tool.take(source_of(b"x")) == []
    with pytest.raises(ProtocolError, match="and no more"):
        tool.take(source_of(b"x"))


def test_an_audit_asks_it_where_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools, rig = tmp_path / "tools", tmp_path / "rig"
    tools.mkdir()
    rig.mkdir()
    (rig / "cam.bin").write_bytes(DATA)
    monkeypatch.setenv("PATH", str(tools), prepend=":")
    stand_in(tools)
    done = run(collect, rig_of(rig, firmware=(Firmware(rig / "cam.bin", None),)))
    assert [(row["name"], row["state"], row["path"]) for row in done.rows("image_account")] == [("root", "empty", "/etc/passwd")]
    assert done.outcomes()["image_file"] == "partial" and not list(done.bundle.path.glob(".*"))
