"""ext2, ext3 and ext4: images of mke2fs come back whole; loops, lies and changes end."""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from plumbline.collect.firmware.format import load_formats
from plumbline.collect.firmware.source import Budget, UnsupportedImageError
from plumbline.model.errors import ProtocolError
from tests.collect.firmware.formats.trying import CONTENT, changed, look, opened, run, sample, seen, source_of, told, tree_of

LOST = ("/lost+found",)
KINDS = {
    "ext2, blocks of 1 KiB": ["-t", "ext2", "-b", "1024", "-I", "128"],
    "ext2, revision 0": ["-t", "ext2", "-r", "0"],
    "ext3": ["-t", "ext3", "-b", "2048"],
    "ext4": ["-t", "ext4"],
    "ext4, blocks of 1 KiB": ["-t", "ext4", "-b", "1024"],
    "ext4, inline data": ["-t", "ext4", "-O", "inline_data", "-I", "512"],
    "ext4, meta_bg": ["-t", "ext4", "-O", "meta_bg,^resize_inode", "-b", "1024", "-g", "512"],
    "ext4, not 64 bit, no checksums": ["-t", "ext4", "-O", "^64bit,^metadata_csum,^extent"],
    "ext4, sparse_super2": ["-t", "ext4", "-O", "sparse_super2,^resize_inode,meta_bg", "-b", "1024", "-g", "1024"],
    "ext4, bigalloc": ["-t", "ext4", "-O", "bigalloc", "-C", "16384"],
    "ext4, large folders": ["-t", "ext4", "-O", "large_dir,casefold", "-I", "1024"],
}


def made(folder: Path, image: Path, *options: str, size: str = "24M") -> bytes:
    run("mke2fs", "-q", "-F", "-L", "rootfs", *options, "-d", folder, image, size)
    return image.read_bytes()


@pytest.mark.system
@pytest.mark.parametrize("kind", KINDS)
def test_what_mke2fs_wrote_comes_back(kind: str, tmp_path: Path) -> None:
    folder = sample(tmp_path / "in")
    (folder / "large").write_bytes(CONTENT * 20)
    data = made(folder, tmp_path / "image", *KINDS[kind])
    tree = tree_of("ext", data)
    assert told(tree, without=LOST) == seen(folder)
    assert tree.problems == []
    found = opened("ext", data + b"\xff" * 5000)
    assert (found.size, found.header.name, found.problems) == (len(data), "rootfs", ())
    assert tree.entries["/hard"].reference == tree.entries["/one"].reference
    busybox = tree.inode(tree.entries["/bin/busybox"])
    place, stored = tree.files.place(busybox), tree.files.stored(busybox)
    assert place is not None and data[place : place + 1000] == CONTENT[:1000]
    assert stored is not None and stored.read(0, stored.size) == CONTENT


@pytest.mark.system
@pytest.mark.parametrize("kind", ["ext2, blocks of 1 KiB", "ext4"])
@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.full)])  # mke2fs takes the square of it
def test_many_files_and_one_above_four_gigabytes(kind: str, count: int, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "many").mkdir(parents=True)
    for number in range(count):
        (folder / f"many/a file of a longer name {number}").touch()
    with (folder / "huge").open("wb") as stream:
        stream.truncate(5 << 30)
        for at in (0, 1 << 20, 3 << 30, (5 << 30) - 4):
            stream.seek(at)
            stream.write(b"here")
    tree = tree_of("ext", made(folder, tmp_path / "image", *KINDS[kind], "-N", "12000", size="40M"))
    assert len(tree.entries) == count + 3 and tree.problems == []
    huge = tree.entries["/huge"]
    stored = tree.files.stored(tree.inode(huge))
    assert huge.size == 5 << 30 and stored is not None and stored.size == 5 << 30
    assert [stored.read(at, 5) for at in (0, 1 << 20, 3 << 30)] == [b"here\0"] * 3
    assert stored.read((5 << 30) - 5, 5) == b"\0here"
    assert tree.content(huge, (1 << 20) + 4) == b"here" + bytes((1 << 20) - 4) + b"here"


@cache
def small() -> bytes:
    """A small image, made once."""
    with TemporaryDirectory() as at:
        folder = Path(at) / "in"
        (folder / "a/b").mkdir(parents=True)
        (folder / "a/file").write_bytes(CONTENT[:20_000])
        (folder / "a/b/link").symlink_to("x" * 100)
        without = "^has_journal,^metadata_csum,^resize_inode"
        return made(folder, Path(at) / "image", "-t", "ext4", "-b", "1024", "-O", without, "-N", "32", size="256k")


def patched(data: bytes, at: int, form: str, *values: int) -> bytes:
    return data[:at] + struct.pack(form, *values) + data[at + struct.calcsize(form) :]


def inode_at(data: bytes, number: int) -> int:
    """The offset of an inode in an image of one group with blocks of 1 KiB."""
    (table,) = struct.unpack_from("<I", data, 2048 + 8)
    (size,) = struct.unpack_from("<H", data, 1024 + 88)
    return int(table * 1024 + (number - 1) * size)


def number_of(path: str) -> int:
    return int(tree_of("ext", small()).entries[path].reference)


@pytest.mark.system
def test_a_node_of_extents_that_holds_itself_ends() -> None:
    data, file = small(), inode_at(small(), number_of("/a/file"))
    block = struct.unpack_from("<I", data, file + 40 + 12 + 8)[0]
    data = patched(data, file + 40, "<4H4xIIH2x", 0xF30A, 1, 4, 1, 0, block, 0)  # in the inode: one node further down
    data = patched(data, block * 1024, "<4H4xIIH2x", 0xF30A, 1, 84, 1, 0, block, 0)  # and that leads to itself
    tree = tree_of("ext", data)
    with pytest.raises(ProtocolError, match="extents"):
        tree.content(tree.entries["/a/file"], 100)


@pytest.mark.system
def test_blocks_of_blocks_that_hold_themselves_end_with_the_budget() -> None:
    data, file = small(), inode_at(small(), number_of("/a/file"))
    block = struct.unpack_from("<I", data, file + 40 + 12 + 8)[0]
    data = patched(data, file + 32, "<I", 0)  # no extents
    data = patched(data, file + 40, "<15I", *[0] * 12, 0, 0, block)
    data = patched(data, file + 4, "<I", 0xFFFFFFFF)
    data = patched(data, block * 1024, "<256I", *[block] * 256)
    tree = tree_of("ext", data, 8 << 20)
    with pytest.raises(ProtocolError):
        tree.content(tree.entries["/a/file"], 1 << 30)


@pytest.mark.system
def test_a_folder_within_itself_ends() -> None:
    data = small()
    a, b = number_of("/a"), number_of("/a/b")
    at = data.index(struct.pack("<I", b) + struct.pack("<H", 12) + b"\1\2b")
    tree = tree_of("ext", patched(data, at, "<I", a))
    assert any("within itself" in problem for problem in tree.problems) and "/a/file" in tree.entries


CASES = {
    "a block size beyond any": (patched, 1024 + 24, "<I", 9),
    "inodes of 100 bytes": (patched, 1024 + 88, "<H", 100),
    "no inodes in a group": (patched, 1024 + 40, "<I", 0),
    "no blocks in a group": (patched, 1024 + 32, "<I", 0),
    "features that nobody knows": (patched, 1024 + 96, "<I", 0x80000000),
    "a journal": (patched, 1024 + 96, "<I", 0x8),
}


@pytest.mark.system
@pytest.mark.parametrize("case", CASES)
def test_superblocks_that_cannot_be(case: str) -> None:
    patch, at, form, value = CASES[case]
    wanted = UnsupportedImageError if "feature" in case or "journal" in case else ProtocolError
    with pytest.raises(wanted):
        load_formats()["ext"].open(source_of(patch(small(), at, form, value)), Budget())


@pytest.mark.system
def test_what_is_not_there_or_not_read_is_said() -> None:
    data = small()
    (features,) = struct.unpack_from("<I", data, 1024 + 96)
    assert opened("ext", patched(data, 1024 + 96, "<I", features | 4)).problems == ("it was in use: what its journal holds was not read",)
    assert opened("ext", data[: len(data) // 2]).problems == (f"is cut off: {len(data) // 2} of {len(data)} bytes",)


@pytest.mark.system
def test_encrypted_files_are_said() -> None:
    data = small()
    for path in ("/a/file", "/a/b"):
        at = inode_at(data, number_of(path)) + 32
        data = patched(data, at, "<I", struct.unpack_from("<I", data, at)[0] | 0x800)
    tree = tree_of("ext", data)
    assert any("its names are encrypted" in problem for problem in tree.problems)
    with pytest.raises(UnsupportedImageError, match="encrypted"):
        tree.content(tree.entries["/a/file"], 10)


@pytest.mark.system
def test_changed_images() -> None:
    for data in changed(small(), 60, 1, head=30_000):
        look("ext", data)


@pytest.mark.full
@pytest.mark.system
def test_many_changed_images() -> None:
    for data in changed(small(), 20_000, 2, head=30_000):
        look("ext", data)
