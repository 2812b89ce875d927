"""Files that people write, in a rig of cameras; and the same files changed at random, through their reader."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from plumbline.collect.by_hand import Form, read_sheet
from plumbline.model.errors import ProtocolError
from plumbline.rig.models import Rig
from tests.collect.collecting import NOW, Collected
from tests.rig.rigs import BASE, make

ASSETS = """
[[asset]]
id = "dock-cam-1"
address = "10.20.1.14"
model = "northwind/cam-3"
[[asset]]
id = "dock-cam-2"
address = "10.20.1.15"
model = "northwind/cam-3"
[[asset]]
id = "gate"
address = "10.20.1.16"
"""


def rig_with(folder: Path, word: str, pattern: str, files: Mapping[str, str]) -> Rig:
    """A rig whose [[word]] names what matches a pattern; `files` are the texts by their places in its folder."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return make(folder, f'{BASE}{ASSETS}[[{word}]]\npath = "{pattern}"\n')


def refusals(done: Collected) -> dict[str, str]:
    """What does not count, by the subject of its coverage; each subject stands once."""
    rows = [row for row in done.attempts() if row["outcome"] == "protocol_error"]
    found = {row["subject"]: row["detail"] for row in rows}
    assert len(found) == len(rows)
    return found


def read_changed(path: Path, form: Form[Any], rig: Rig, seed: bytes, pieces: Sequence[bytes], *, cut_max: int, start: int) -> None:
    """Read a file in 600 changed forms: each gives a sheet or a ProtocolError, or the test fails."""
    maker = random.Random(start)
    for _ in range(600):
        data = bytearray(seed)
        for _ in range(maker.randint(1, 6)):
            at = maker.randrange(len(data))
            data[at : at + maker.randint(0, cut_max)] = maker.choice(pieces)
        path.write_bytes(bytes(data))
        try:
            read_sheet(path, form, rig, NOW)
        except ProtocolError:
            continue
