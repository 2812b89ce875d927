"""cramfs: what mkfs.cramfs wrote, in both byte orders, comes back; lists of blocks that lie end."""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from plumbline.collect.firmware.format import load_formats
from plumbline.collect.firmware.source import Budget, UnsupportedImageError
from plumbline.model.errors import ProtocolError
from tests.collect.firmware.formats.trying import changed, look, opened, run, sample, seen, source_of, told, tree_of


def made(folder: Path, image: Path, *options: str) -> bytes:
    run("mkfs.cramfs", "-n", "rootfs", *options, folder, image)
    return image.read_bytes()


@pytest.mark.system
@pytest.mark.parametrize("order", ["little", "big"])
def test_what_mkfs_cramfs_wrote_comes_back(order: str, tmp_path: Path) -> None:
    folder = sample(tmp_path / "in", owners=False)
    data = made(folder, tmp_path / "image", "-N", order)
    tree, found = tree_of("cramfs", data), opened("cramfs", data + b"\xff" * 700)
    assert told(tree) == seen(folder)
    assert (found.size, found.header.name, found.header.checksum, found.problems) == (len(data), "rootfs", True, ())
    assert found.header.facts == {"order": f"{order} endian"}


@cache
def small(order: str = "little") -> bytes:
    with TemporaryDirectory() as at:
        folder = Path(at) / "in"
        (folder / "folder").mkdir(parents=True)
        (folder / "folder/file").write_bytes(b"content" * 2000)
        (folder / "link").symlink_to("folder/file")
        return made(folder, Path(at) / "image", "-N", order)


def patched(data: bytes, at: int, form: str, *values: int) -> bytes:
    return data[:at] + struct.pack(form, *values) + data[at + struct.calcsize(form) :]


def inode_of(name: bytes) -> int:
    return small().index(name.ljust(-(-len(name) // 4) * 4, b"\0")) - 12


@pytest.mark.system
def test_a_folder_within_itself_ends() -> None:
    root = struct.unpack_from("<I", small(), 64 + 8)[0] >> 6
    third = struct.unpack_from("<I", small(), inode_of(b"folder") + 8)[0] & 0x3F
    data = patched(small(), inode_of(b"folder") + 8, "<I", third | root << 6)
    tree = tree_of("cramfs", data)
    assert any("within itself" in problem for problem in tree.problems) and "/link" in tree.entries


@pytest.mark.system
def test_blocks_that_cannot_be() -> None:
    blocks = (struct.unpack_from("<I", small(), inode_of(b"file") + 8)[0] >> 6) * 4
    for ends in ((0xFFFFFFFF,), (0,), (blocks + 20_000,)):
        tree = tree_of("cramfs", patched(small(), blocks, f"<{len(ends)}I", *ends))
        with pytest.raises(ProtocolError):
            tree.content(tree.entries["/folder/file"], 1 << 20)


@pytest.mark.system
def test_a_file_of_holes_is_paid_for() -> None:
    data = patched(small(), inode_of(b"file") + 4, "<I", 0xFFFFFF)
    tree = tree_of("cramfs", data, 1 << 20)
    with pytest.raises(ProtocolError):
        tree.content(tree.entries["/folder/file"], 1 << 24)


@pytest.mark.system
def test_what_is_not_read_is_said() -> None:
    assert opened("cramfs", small()[:4096]).problems or len(small()) == 4096
    flags = struct.unpack_from("<I", small(), 8)[0]
    with pytest.raises(UnsupportedImageError):
        load_formats()["cramfs"].open(source_of(patched(small(), 8, "<I", flags | 1 << 20)), Budget())
    assert opened("cramfs", patched(small(), 48, "<I", 1)).header.checksum is False
    blocks = (struct.unpack_from("<I", small(), inode_of(b"file") + 8)[0] >> 6) * 4
    tree = tree_of("cramfs", patched(patched(small(), 8, "<I", flags | 0x800), blocks, "<I", 0xC0000000))
    with pytest.raises(UnsupportedImageError):
        tree.content(tree.entries["/folder/file"], 100)


@pytest.mark.system
@pytest.mark.parametrize("order", ["little", "big"])
def test_changed_images(order: str) -> None:
    for data in changed(small(order), 100, 1):
        look("cramfs", data)


@pytest.mark.full
@pytest.mark.system
@pytest.mark.parametrize("order", ["little", "big"])
def test_many_changed_images(order: str) -> None:
    for data in changed(small(order), 20_000, 2):
        look("cramfs", data)
