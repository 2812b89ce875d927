"""Android sparse images: what img2simg wrote comes back; terabytes that are not there take no room."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from plumbline.collect.firmware.format import load_formats
from plumbline.collect.firmware.source import Budget
from plumbline.model.errors import ProtocolError
from tests.collect.firmware.formats.trying import CONTENT, changed, look, opened, run, source_of, whole


@pytest.mark.system
@pytest.mark.parametrize("block", ["4096", "1024"])
def test_what_img2simg_wrote_comes_back(block: str, tmp_path: Path) -> None:
    content = CONTENT + bytes(100_000) + b"abcd" * 50_000 + b"\xff" * 300_000 + CONTENT
    content += bytes(-len(content) % 4096)
    (tmp_path / "in").write_bytes(content)
    run("img2simg", "in", "out", block, cwd=tmp_path)
    data = (tmp_path / "out").read_bytes()
    found = opened("android_sparse", data + b"behind")
    [part] = found.parts
    assert whole(part.source) == content
    assert (found.size, found.problems) == (len(data), ())
    assert [part.source.read(at, 7) for at in (0, 95_000, 199_999)] == [content[at : at + 7] for at in (0, 95_000, 199_999)]


def sparse(*chunks: tuple[int, int, bytes], block: int = 4096, blocks: int | None = None) -> bytes:
    whole_blocks = sum(count for _, count, _ in chunks) if blocks is None else blocks
    data = b"\x3a\xff\x26\xed" + struct.pack("<4H4I", 1, 0, 28, 12, block, whole_blocks, len(chunks), 0)
    return data + b"".join(struct.pack("<HHII", kind, 0, count, 12 + len(content)) + content for kind, count, content in chunks)


RAW = (0xCAC1, 1, b"r" * 4096)


def test_what_is_not_there_takes_no_room() -> None:
    [part] = opened("android_sparse", sparse((0xCAC3, (1 << 28) - 2, b""), RAW, (0xCAC2, 1, b"abcd"))).parts
    assert part.source.size == 1 << 40
    assert part.source.read((1 << 40) - 4099, 8) == b"rrrabcda"
    assert part.source.read(5 << 30, 3) == bytes(3)


BROKEN = {
    "a chunk that is cut off": sparse(RAW, RAW)[:-100],
    "raw data of another size": sparse(RAW, (0xCAC1, 2, b"r" * 4096)),
    "a fill of nothing": sparse(RAW, (0xCAC2, 1, b"")),
    "a kind that is not known": sparse(RAW, (0xCAC9, 1, b"")),
    "fewer blocks than it says": sparse(RAW, blocks=3),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_breaks_off_gives_what_came_before(case: str) -> None:
    found = opened("android_sparse", BROKEN[case])
    assert "breaks off" in found.problems[0]
    assert whole(found.parts[0].source) == b"r" * 4096


IMPOSSIBLE = {
    "a block of three bytes": sparse(RAW, block=3),
    "two terabytes": sparse(RAW, blocks=1 << 29),
    "chunks that add up to more": sparse(*[(0xCAC3, 1 << 28, b"")] * 3, blocks=5),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_what_cannot_be(case: str) -> None:
    with pytest.raises(ProtocolError):
        load_formats()["android_sparse"].open(source_of(IMPOSSIBLE[case]), Budget())


GOOD = sparse(RAW, (0xCAC3, 5, b""), (0xCAC2, 2, b"abcd"), (0xCAC4, 0, b"sum!"), RAW)


def test_changed_images() -> None:
    for data in changed(GOOD, 200, 1, head=60):
        look("android_sparse", data)


@pytest.mark.full
def test_many_changed_images() -> None:
    for data in changed(GOOD, 20_000, 2, head=60):
        look("android_sparse", data)
