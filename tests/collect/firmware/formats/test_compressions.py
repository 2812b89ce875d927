"""The compressions: what other people's tools wrote comes back, and bombs, cut and changed streams end in bounded memory."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lz4.block
import lz4.frame
import pytest
import zstandard

from plumbline.collect.firmware.format import identify, load_formats
from plumbline.collect.firmware.source import PIECE, Budget, BudgetSpentError, UnsupportedImageError
from plumbline.collect.firmware.streams import LEGACY_BLOCK, LEGACY_MAGIC, Stream
from plumbline.model.errors import ProtocolError
from tests.collect.firmware.formats.trying import CONTENT, changed, look, opened, run, source_of, whole

_LZ4: Any = lz4.block
_LZ4_FRAME: Any = lz4.frame


def legacy(data: bytes) -> bytes:
    blocks = [_LZ4.compress(data[at : at + LEGACY_BLOCK], store_size=False) for at in range(0, len(data), LEGACY_BLOCK)]
    return LEGACY_MAGIC + b"".join(len(block).to_bytes(4, "little") + block for block in blocks)


MADE: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", lambda data: gzip.compress(data, mtime=1_760_000_000)),
    "bzip2": ("bzip2", bz2.compress),
    "xz": ("xz", lzma.compress),
    "lzma": ("lzma", lambda data: lzma.compress(data, lzma.FORMAT_ALONE)),
    "lz4": ("lz4", _LZ4_FRAME.compress),
    "lz4, legacy": ("lz4", legacy),
    "zstd": ("zstd", zstandard.ZstdCompressor().compress),
}
TOOLS = {
    "gzip": ("gzip", "-9"),
    "bzip2": ("bzip2", "-1"),
    "xz": ("xz", "-e", "--check=sha256"),
    "xz with a filter": ("xz", "--x86", "--lzma2=dict=64KiB"),
    "xz in blocks": ("xz", "--block-size=20000"),
    "lzma": ("xz", "--format=lzma"),
    "lz4": ("lz4", "-9", "-BD", "--content-size"),
    "lz4, legacy": ("lz4", "-l"),
    "zstd": ("zstd", "-19", "--ultra", "--long=27", "--check"),
}


@pytest.mark.parametrize("case", MADE)
@pytest.mark.parametrize("content", [b"x", CONTENT, bytes(3 << 20), b""], ids=["one byte", "much", "zeros", "nothing"])
def test_what_was_compressed_comes_back(case: str, content: bytes) -> None:
    name, make = MADE[case]
    data = make(content)
    if case == "lz4, legacy" and not content:
        data = b"\x02\x21\x4c\x18\x01\0\0\0\0"
    assert identify(source_of(data)) is load_formats()[name]
    found = opened(name, data + b"\xff" * 700)
    [part] = found.parts
    assert whole(part.source) == content
    assert (found.size, found.problems, part.source.place) == (len(data), (), None)


@pytest.mark.system
@pytest.mark.parametrize("case", TOOLS)
def test_what_tools_wrote_comes_back(case: str) -> None:
    data = run(*TOOLS[case], "-c", given=CONTENT * 30)
    found = identify(source_of(data))
    assert found is not None and found.id == case.split(" ")[0].rstrip(",")
    assert whole(opened(found.id, data).parts[0].source) == CONTENT * 30


def test_the_name_and_time_that_gzip_keeps(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    with gzip.GzipFile("rootfs.cpio", "wb", fileobj=path.open("wb"), mtime=1_760_000_000) as stream:
        stream.write(b"x")
    header = opened("gzip", path.read_bytes()).header
    assert header.name == "rootfs.cpio" and header.created_at is not None and header.created_at.timestamp() == 1_760_000_000


SEVERAL = {
    "gzip": gzip.compress(b"one") + gzip.compress(b"two"),
    "bzip2": bz2.compress(b"one") + bz2.compress(b"two"),
    "xz": lzma.compress(b"one") + bytes(8) + lzma.compress(b"two"),
    "lz4": _LZ4_FRAME.compress(b"one") + _LZ4_FRAME.compress(b"two"),
    "zstd": MADE["zstd"][1](b"one") + b"\x50\x2a\x4d\x18\x03\0\0\0abc" + MADE["zstd"][1](b"two"),
}


@pytest.mark.parametrize("case", SEVERAL)
def test_several_streams_are_one(case: str) -> None:
    found = opened(case, SEVERAL[case])
    assert (whole(found.parts[0].source), found.size) == (b"onetwo", len(SEVERAL[case]))


@pytest.mark.parametrize("case", MADE)
def test_a_stream_that_is_cut_off_gives_what_came_before_and_says_so(case: str) -> None:
    name, make = MADE[case]
    content = random.Random(3).randbytes(23 << 20 if "legacy" in case else 1_500_000 if case == "bzip2" else 300_000)
    data = make(content)
    found = opened(name, data[: len(data) * 4 // 5])
    got = whole(found.parts[0].source)
    assert content.startswith(got) and 0 < len(got) < len(content)
    assert len(found.problems) == 1 and found.size is not None and found.size < len(data)
    with pytest.raises(ProtocolError):
        load_formats()[name].open(source_of(data[:9]), Budget())


@pytest.mark.parametrize("case", MADE)
def test_bombs_end_with_the_budget(case: str) -> None:
    name, make = MADE[case]
    source = source_of(make(bytes(12 << 20)))
    stream = Stream(source, "lz4-legacy" if "legacy" in case else name)
    assert all(len(piece) <= PIECE for piece in stream.pieces())
    with pytest.raises(BudgetSpentError):
        load_formats()[name].open(source, Budget(5 << 20))


def dictionary(bits: int) -> bytes:
    return bytes([0x5D]) + (1 << bits).to_bytes(4, "little") + b"\xff" * 8


GREEDY = {
    "xz": lzma.compress(b"x", filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 512 << 20}]),
    "zstd": b"\x28\xb5\x2f\xfd\x00" + bytes([21 << 3]) + b"\x09\0\0x",  # a window of 2 GB
}


@pytest.mark.parametrize("case", GREEDY)
def test_what_would_take_too_much_memory_is_said(case: str) -> None:
    with pytest.raises(UnsupportedImageError):
        load_formats()[case].open(source_of(GREEDY[case]), Budget())


NOT_LZMA = {
    "a dictionary that nobody uses": b"\x5d\0\0\x12\x34" + b"\xff" * 8 + bytes(100),
    "a size of terabytes": dictionary(23)[:5] + b"\0\0\0\0\0\1\0\0" + bytes(100),
    "a coder that does not start with zero": dictionary(23) + b"\1" * 100,
    "what does not decompress": dictionary(23) + b"\0" + b"\xff" * 4096,
    "nothing more": dictionary(23),
}


@pytest.mark.parametrize("case", NOT_LZMA)
def test_what_only_looks_like_lzma(case: str) -> None:
    assert identify(source_of(NOT_LZMA[case])) is None


@pytest.mark.parametrize("case", MADE)
def test_changed_streams(case: str) -> None:
    name, make = MADE[case]
    for data in changed(make(CONTENT[60_000:80_000]), 150, 1, head=40):
        look(name, data)


@pytest.mark.full
@pytest.mark.parametrize("case", MADE)
def test_many_changed_streams(case: str) -> None:
    name, make = MADE[case]
    for data in changed(make(CONTENT[60_000:80_000]), 20_000, 2, head=40):
        look(name, data)
