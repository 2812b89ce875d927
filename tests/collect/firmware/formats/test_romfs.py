"""romfs: what genromfs wrote comes back; rings of entries and of links end."""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from plumbline.collect.firmware.format import load_formats
from plumbline.collect.firmware.source import Budget
from plumbline.model.errors import ProtocolError
from tests.collect.firmware.formats.trying import CONTENT, changed, look, opened, run, sample, seen, source_of, told, tree_of


def made(folder: Path, image: Path) -> bytes:
    run("genromfs", "-d", folder, "-f", image, "-V", "boot volume")
    return image.read_bytes()


@pytest.mark.system
def test_what_genromfs_wrote_comes_back(tmp_path: Path) -> None:
    folder = sample(tmp_path / "in")
    (folder / ("n" * 250)).unlink()  # it cuts names
    data = made(folder, tmp_path / "image")
    tree, found = tree_of("romfs", data), opened("romfs", data + b"\xff" * 700)
    assert told(tree, modes=False, owners=False) == seen(folder, modes=False, owners=False)
    assert found.size is not None and -found.size % 1024 == len(data) - found.size  # it is padded to a KiB
    assert (found.header.name, found.header.checksum, found.problems) == ("boot volume", True, ())
    assert (tree.entries["/bin/busybox"].mode, tree.entries["/one"].mode, tree.entries["/bin"].mode) == (0o755, 0o644, 0o755)
    assert tree.entries["/hard"].reference == tree.entries["/one"].reference
    place = tree.files.place(tree.inode(tree.entries["/bin/busybox"]))
    assert place is not None and data[place : place + 100] == CONTENT[:100]


@cache
def small() -> bytes:
    with TemporaryDirectory() as at:
        folder = Path(at) / "in"
        (folder / "folder").mkdir(parents=True)
        (folder / "folder/file").write_bytes(b"content")
        (folder / "hard1").write_bytes(b"hard")
        (folder / "hard2").hardlink_to(folder / "hard1")
        return made(folder, Path(at) / "image")


def header_of(name: bytes) -> int:
    return small().index(name.ljust(16, b"\0")) - 16


def patched(at: int, *values: int) -> bytes:
    data = bytearray(small())
    struct.pack_into(f">{len(values)}I", data, at, *values)
    return bytes(data)


@pytest.mark.system
def test_entries_that_lead_back_end() -> None:
    at = header_of(b"file")
    tree = tree_of("romfs", patched(at, at | 2))
    assert "/folder/file" in tree.entries and any("without end" in problem for problem in tree.problems)


@pytest.mark.system
def test_a_folder_within_itself_ends() -> None:
    at = header_of(b"file")
    tree = tree_of("romfs", patched(at, 1, header_of(b"folder")))
    assert len(tree.entries) < 10 and tree.problems


@pytest.mark.system
def test_hard_links_that_lead_in_a_ring_are_said() -> None:
    at = next(at for at in (header_of(b"hard1"), header_of(b"hard2")) if small()[at + 3] & 7 == 0)
    tree = tree_of("romfs", patched(at + 4, at))
    assert any("hard links without end" in problem for problem in tree.problems)


@pytest.mark.system
def test_what_is_cut_off_is_said() -> None:
    assert opened("romfs", small().rstrip(b"\0")[:-64]).problems == ("is cut off",)
    assert opened("romfs", patched(12, 7)).header.checksum is False
    with pytest.raises(ProtocolError):
        load_formats()["romfs"].open(source_of(small()[:20]), Budget())


@pytest.mark.system
def test_changed_images() -> None:
    for data in changed(small(), 200, 1):
        look("romfs", data)


@pytest.mark.full
@pytest.mark.system
def test_many_changed_images() -> None:
    for data in changed(small(), 20_000, 2):
        look("romfs", data)
