"""JFFS2: what mkfs.jffs2 wrote, in both byte orders and all compressions, comes back; what was written over or damaged is told."""

from __future__ import annotations

import lzma
import struct
import zlib
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from plumbline.collect.firmware.digests import linux_crc32
from plumbline.collect.firmware.format import load_formats
from plumbline.collect.firmware.source import Budget
from plumbline.collect.firmware.unpack import unpack
from plumbline.model.errors import ProtocolError
from tests.collect.firmware.formats.trying import CONTENT, changed, look, opened, run, sample, seen, source_of, told, tree_of


def made(folder: Path, image: Path, *options: str) -> bytes:
    run("mkfs.jffs2", "-d", folder, "-o", image, "-e", "16KiB", *options)
    return image.read_bytes()


KINDS = {
    "little endian": ("-l",),
    "big endian": ("-b",),
    "nothing compressed": ("-l", "-m", "none"),
    "rtime": ("-l", "-x", "zlib", "-x", "lzo"),
    "lzo": ("-b", "-X", "lzo", "-x", "zlib", "-x", "rtime"),
    "large pages, padded, no marks": ("-l", "-s", "65536", "-e", "131072", "-p", "-n"),
}


@pytest.mark.system
@pytest.mark.parametrize("kind", KINDS)
def test_what_mkfs_jffs2_wrote_comes_back(kind: str, tmp_path: Path) -> None:
    folder = sample(tmp_path / "in", owners=False)
    data = made(folder, tmp_path / "image", *KINDS[kind])
    tree, found = tree_of("jffs2", data), opened("jffs2", data + b"\xff" * 700)
    assert told(tree) == seen(folder)
    assert (found.header.checksum, found.problems, tree.problems) == (True, (), [])
    assert found.header.facts["order"] == ("big endian" if "-b" in KINDS[kind] else "little endian")
    assert found.size is not None and found.size <= len(data)
    assert tree.entries["/hard"].reference == tree.entries["/one"].reference


def node(kind: int, body: bytes, order: str = "<") -> bytes:
    head = struct.pack(f"{order}HHI", 0x1985, kind, 12 + len(body))
    data = head + struct.pack(f"{order}I", linux_crc32(head, 0)) + body
    return data + b"\xff" * (-len(data) % 4)


def name(folder: int, version: int, inode: int, text: bytes) -> bytes:
    head = struct.pack("<HHI", 0x1985, 0xE001, 40 + len(text))
    fields = struct.pack("<IIIIBBxx", folder, version, inode, 0, len(text), 8)
    whole = head + struct.pack("<I", linux_crc32(head, 0)) + fields
    return node(0xE001, fields + struct.pack("<II", linux_crc32(whole, 0), linux_crc32(text, 0)) + text)


def inode(number: int, version: int, size: int, offset: int, packed: bytes, compression: int = 0, whole: int | None = None) -> bytes:
    head = struct.pack("<HHI", 0x1985, 0xE002, 68 + len(packed))
    wanted = len(packed) if whole is None else whole
    fields = struct.pack("<IIIHHIIII", number, version, 0o100644, 0, 0, size, 0, 0, 0)
    fields += struct.pack("<IIIBBH", offset, len(packed), wanted, compression, compression, 0)
    full = head + struct.pack("<I", linux_crc32(head, 0)) + fields
    return node(0xE002, fields + struct.pack("<II", linux_crc32(packed, 0), linux_crc32(full, 0)) + packed)


FILE = name(1, 1, 2, b"file")
CASES: dict[str, tuple[bytes, dict[str, bytes]]] = {
    "written over in the middle": (
        FILE + inode(2, 1, 10, 0, b"0123456789") + inode(2, 3, 10, 3, b"xyz") + inode(2, 2, 10, 2, b"??"),
        {"/file": b"01?xyz6789"},
    ),
    "an older one comes later": (FILE + inode(2, 2, 3, 0, b"new") + inode(2, 1, 3, 0, b"old"), {"/file": b"new"}),
    "cut short, then longer with a hole": (
        FILE + inode(2, 1, 8, 0, b"12345678") + inode(2, 2, 3, 0, b"") + inode(2, 3, 12, 3, b"", 1, 7) + inode(2, 4, 12, 10, b"!!"),
        {"/file": b"123" + bytes(7) + b"!!"},
    ),
    "taken away": (FILE + inode(2, 1, 1, 0, b"1") + name(1, 2, 0, b"file"), {}),
    "taken away, and there again": (name(1, 3, 2, b"file") + name(1, 2, 0, b"file") + inode(2, 1, 1, 0, b"1"), {"/file": b"1"}),
    "zlib and LZMA": (
        FILE
        + inode(2, 1, 200, 0, zlib.compress(b"a" * 100), 6, 100)
        + inode(
            2,
            2,
            200,
            100,
            lzma.compress(b"b" * 100, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA1, "dict_size": 8192, "lc": 0, "lp": 0, "pb": 0}]),
            8,
            100,
        ),
        {"/file": b"a" * 100 + b"b" * 100},
    ),
    "behind marks, erased bytes and rubbish": (
        node(0x2003, b"") + b"\xff" * 1000 + b"rubbish!" * 20 + FILE + inode(2, 1, 1, 0, b"1"),
        {"/file": b"1"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_newest_counts(case: str) -> None:
    data, files = CASES[case]
    tree = tree_of("jffs2", data)
    assert {path: tree.content(entry, 1 << 20) for path, entry in tree.entries.items()} == files
    assert tree.problems == []


GOOD = FILE + inode(2, 1, 10, 0, b"0123456789")
BAD: dict[str, bytes] = {
    "data that were changed": GOOD.replace(b"345", b"354"),
    "more than a node may hold": FILE + inode(2, 1, 1 << 21, 0, zlib.compress(bytes(1 << 21)), 6, 1 << 21),
    "less than it says": FILE + inode(2, 1, 10, 0, zlib.compress(b"123"), 6, 10),
    "a compression of old": FILE + inode(2, 1, 10, 0, b"123", 3, 10),
    "no such compression": FILE + inode(2, 1, 10, 0, b"123", 77, 10),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_read_is_an_error(case: str) -> None:
    tree = tree_of("jffs2", BAD[case])
    with pytest.raises(ProtocolError):
        tree.content(tree.entries["/file"], 1 << 20)


def test_a_hole_of_four_gigabytes_takes_what_is_asked_for() -> None:
    data = FILE + inode(2, 1, 0xFFFFFFFF, 0, b"", 1, 0xFFFFFFFF)
    tree = tree_of("jffs2", data, 8 << 20)
    assert tree.content(tree.entries["/file"], 1000) == bytes(1000)
    with pytest.raises(ProtocolError):
        tree.content(tree.entries["/file"], 1 << 30)


def test_a_broken_node_is_said_and_a_name_without_a_file() -> None:
    broken = bytearray(GOOD + name(1, 1, 9, b"none"))
    broken[len(FILE) + 20] ^= 1  # within the fields of the inode
    found, tree = opened("jffs2", bytes(broken)), tree_of("jffs2", bytes(broken))
    assert (found.header.checksum, found.problems) == (False, ("1 nodes that do not hold their checksum",))
    assert tree.entries == {} and len(tree.problems) == 2


def test_a_folder_within_itself_ends() -> None:
    folder = bytearray(inode(2, 1, 0, 0, b""))
    struct.pack_into("<I", folder, 20, 0o40755)
    struct.pack_into("<I", folder, 64, linux_crc32(bytes(folder[:60]), 0))
    tree = tree_of("jffs2", FILE + bytes(folder) + name(2, 1, 2, b"again"))
    assert any("within itself" in problem for problem in tree.problems)


def test_two_behind_each_other_with_something_between() -> None:
    """What stands far behind the last node is not taken for the same file system."""
    data = GOOD + CONTENT[:70_000].replace(b"\x85\x19", b"ab") + name(1, 1, 2, b"other") + inode(2, 1, 1, 0, b"2")
    layers, _ = unpack(source_of(data), Budget())
    assert [sorted(layer.tree.entries) for layer in layers if layer.tree] == [["/file"], ["/other"]]


@cache
def small() -> bytes:
    with TemporaryDirectory() as at:
        folder = Path(at) / "in"
        (folder / "folder").mkdir(parents=True)
        (folder / "folder/file").write_bytes(b"content" * 1500)
        (folder / "link").symlink_to("folder/file")
        return made(folder, Path(at) / "image", "-l")


@pytest.mark.system
def test_changed_images() -> None:
    for data in changed(small(), 200, 1):
        look("jffs2", data)


@pytest.mark.full
@pytest.mark.system
def test_many_changed_images() -> None:
    for data in changed(small(), 20_000, 2):
        look("jffs2", data)


def test_many_nodes_over_each_other_take_no_time() -> None:
    """Each covers a little more than the one before, on both sides, or lies between two others."""
    around = [inode(2, 40_000 - at, 1 << 20, 500_000 - at * 10, b"x" * 20 * at) for at in range(1, 60)]
    between = [inode(2, 1 + at * 7919 % 20_000, 1 << 20, at * 40, b"12345678") for at in range(20_000)]
    tree = tree_of("jffs2", FILE + b"".join([*around, *between]))
    assert len(tree.content(tree.entries["/file"], 1 << 20)) == 1 << 20
    assert load_formats()["jffs2"].embedded
