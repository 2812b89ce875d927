"""FAT12, FAT16 and FAT32: what mkfs.fat and mtools wrote comes back; chains that lie end."""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from plumbline.collect.firmware.format import identify, load_formats
from plumbline.collect.firmware.source import Budget
from plumbline.model.errors import ProtocolError
from tests.collect.firmware.formats.trying import CONTENT, changed, look, opened, run, sample, seen, source_of, told, tree_of

KINDS = {
    "FAT12": (["-F", "12"], "2880"),
    "FAT12, small clusters": (["-F", "12", "-s", "1"], "1440"),
    "FAT16": (["-F", "16"], "20000"),
    "FAT32": (["-F", "32", "-s", "1"], "40000"),
    "FAT16, sectors of 4 KiB": (["-F", "16", "-S", "4096", "-s", "1"], "40000"),
}


def made(folder: Path, image: Path, options: list[str], size: str) -> bytes:
    run("mkfs.fat", "-C", "-n", "BOOT", *options, image, size)
    run("mcopy", "-i", image, "-s", "-Q", *sorted(folder.iterdir()), "::")
    return image.read_bytes()


@pytest.mark.system
@pytest.mark.parametrize("kind", KINDS)
def test_what_mtools_wrote_comes_back(kind: str, tmp_path: Path) -> None:
    folder = sample(tmp_path / "in", links=False, odd=False, many=100)
    (folder / "UPPER.TXT").write_bytes(b"upper")
    (folder / "lower.txt").write_bytes(b"lower")
    (folder / "Mixed.Txt").write_bytes(b"mixed")
    options, size = KINDS[kind]
    data = made(folder, tmp_path / "image", options, size)
    assert identify(source_of(data)) is load_formats()["fat"]
    found, tree = opened("fat", data + b"\xff" * 1000), tree_of("fat", data)
    assert told(tree, modes=False, owners=False) == seen(folder, modes=False, owners=False)
    assert tree.problems == [] and found.problems == ()
    assert found.size is not None and 0 <= len(data) - found.size < 1 << 17  # mkfs.fat leaves what is no whole track
    assert (found.header.name, found.header.facts["kind"]) == ("BOOT", kind.partition(",")[0])
    assert {(entry.kind, entry.mode, entry.owner) for entry in tree.entries.values()} == {("file", 0o644, None), ("directory", 0o755, None)}
    busybox = tree.inode(tree.entries["/bin/busybox"])
    place, stored = tree.files.place(busybox), tree.files.stored(busybox)
    assert place is not None and data[place : place + 100] == CONTENT[:100]
    assert stored is not None and stored.read(0, stored.size) == CONTENT


@cache
def small() -> bytes:
    with TemporaryDirectory() as at:
        folder = Path(at) / "in"
        (folder / "folder").mkdir(parents=True)
        (folder / "folder/a file of a long name").write_bytes(CONTENT[:5000])
        (folder / "b").write_bytes(CONTENT[5000:9000])
        return made(folder, Path(at) / "image", ["-F", "12", "-s", "1", "-r", "112"], "360")


def entry_of(name: bytes) -> int:
    return small().index(name.ljust(11))


def patched(data: bytes, at: int, form: str, *values: int) -> bytes:
    return data[:at] + struct.pack(form, *values) + data[at + struct.calcsize(form) :]


@pytest.mark.system
def test_a_folder_within_itself_ends() -> None:
    data = small()
    inner = data.index(b"AFILEO~1   ")
    cluster = struct.unpack_from("<H", data, entry_of(b"FOLDER") + 26)[0]
    data = patched(patched(data, inner + 26, "<H", cluster), inner + 11, "<B", 0x10)
    tree = tree_of("fat", data)
    assert any("within itself" in problem for problem in tree.problems) and "/b" in tree.entries


@pytest.mark.system
def test_a_chain_that_ends_in_itself_gives_no_more_than_the_file() -> None:
    data = small()
    layout_fat = struct.unpack_from("<H", data, 14)[0] * 512
    cluster = struct.unpack_from("<H", data, entry_of(b"B") + 26)[0]
    at = layout_fat + cluster * 3 // 2
    word = struct.unpack_from("<H", data, at)[0]
    looped = (word & 0x000F) | cluster << 4 if cluster & 1 else (word & 0xF000) | cluster
    tree = tree_of("fat", patched(data, at, "<H", looped))
    assert len(tree.content(tree.entries["/b"], 1 << 20)) == 4000
    tree = tree_of("fat", patched(patched(data, at, "<H", looped), entry_of(b"B") + 28, "<I", 0xFFFFFFFF), 2 << 20)
    with pytest.raises(ProtocolError):  # it is paid for
        tree.content(tree.entries["/b"], 1 << 30)
    folder = struct.unpack_from("<H", data, entry_of(b"FOLDER") + 26)[0]
    at = layout_fat + folder * 3 // 2
    word = struct.unpack_from("<H", data, at)[0]
    data = data.replace(b"AFILEO~1   ", b"\xe5FILEO~1   ")
    looped = (word & 0x000F) | folder << 4 if folder & 1 else (word & 0xF000) | folder
    full = bytearray(patched(data, at, "<H", looped))
    begin = data.index(b".          ")
    full[begin : begin + 512] = b"".join(b"F%06d    " % number + bytes(21) for number in range(16))
    tree = tree_of("fat", bytes(full))
    assert any("twice" in problem for problem in tree.problems) and "/b" in tree.entries


@pytest.mark.system
def test_a_chain_that_is_too_short_is_said() -> None:
    tree = tree_of("fat", patched(small(), entry_of(b"B") + 28, "<I", 100_000))
    with pytest.raises(ProtocolError, match="clusters end"):
        tree.content(tree.entries["/b"], 1 << 20)
    tree = tree_of("fat", patched(small(), entry_of(b"B") + 26, "<H", 0xFFF0))
    with pytest.raises(ProtocolError, match="cluster 65520"):
        tree.content(tree.entries["/b"], 1 << 20)


CASES = {
    "sectors of 100 bytes": (11, "<H", 100),
    "clusters of nothing": (13, "<B", 0),
    "no FAT": (16, "<B", 0),
    "a FAT of no sectors": (22, "<H", 0),
    "no sectors before the FAT": (14, "<H", 0),
    "more clusters than the FAT has entries": (19, "<H", 0xFFFF),
}


@pytest.mark.system
@pytest.mark.parametrize("case", CASES)
def test_boot_sectors_that_cannot_be(case: str) -> None:
    at, form, value = CASES[case]
    with pytest.raises(ProtocolError):
        load_formats()["fat"].open(source_of(patched(small(), at, form, value)), Budget())


@pytest.mark.system
def test_a_long_name_that_is_not_of_its_entry_is_not_taken() -> None:
    data = small().replace(b"AFILEO~1   ", b"OTHER      ")
    assert "/folder/OTHER" in tree_of("fat", data).entries


@pytest.mark.system
def test_changed_images() -> None:
    for data in changed(small(), 100, 1, head=9000):
        look("fat", data)


@pytest.mark.full
@pytest.mark.system
def test_many_changed_images() -> None:
    for data in changed(small(), 20_000, 2, head=9000):
        look("fat", data)
