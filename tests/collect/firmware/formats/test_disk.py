"""Partitioned disks: what sfdisk wrote comes back; chains and lies end."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from uuid import UUID

import pytest

from plumbline.collect.firmware.format import identify, load_formats
from plumbline.collect.firmware.source import Budget
from plumbline.collect.firmware.unpack import State, unpack
from plumbline.model.errors import ProtocolError
from tests.collect.firmware.formats.trying import changed, look, opened, run, source_of, whole
from tests.collect.firmware.making import image

MIB = 1 << 20


def disk(path: Path, script: str, size: int = 9 * MIB) -> bytes:
    with path.open("wb") as stream:
        stream.truncate(size)
    run("sfdisk", "-q", path, given=script.encode())
    return path.read_bytes()


def filled(data: bytes, places: dict[int, bytes]) -> bytes:
    out = bytearray(data)
    for at, content in places.items():
        out[at : at + len(content)] = content
    return bytes(out)


@pytest.mark.system
def test_an_mbr_with_logical_partitions(tmp_path: Path) -> None:
    script = "label: dos\nstart=2048, size=2048, type=c\nsize=4096, type=83\ntype=f\nsize=2048, type=83\nsize=2048, type=82\n"
    data = filled(disk(tmp_path / "disk", script), {MIB: b"one" * 1000, 2 * MIB: b"two" * 1000, 8192: b"boot" * 2000})
    found = opened("disk", data)
    assert [(part.name, part.role, part.source.place, part.source.size) for part in found.parts] == [
        ("partition 1", "fat", MIB, MIB),
        ("partition 2", "linux", 2 * MIB, 2 * MIB),
        ("partition 5", "linux", 5 * MIB, MIB),
        ("partition 6", "swap", 7 * MIB, MIB),
        ("unpartitioned 0x200", None, 512, MIB - 512),
    ]
    assert found.problems == () and whole(found.parts[0].source)[:6] == b"oneone"


GPT = 'label: gpt\nsize=4096, type=U, name="esp"\nsize=8192, type=L, name="rootfs_a"\n'


@pytest.mark.system
def test_a_gpt(tmp_path: Path) -> None:
    found = opened("disk", disk(tmp_path / "disk", GPT))
    assert [(part.name, part.role, part.source.size) for part in found.parts] == [
        ("partition 1 (esp)", "efi", 2 * MIB),
        ("partition 2 (rootfs_a)", "linux", 4 * MIB),
    ]
    assert (found.header.checksum, found.problems) == (True, ())


def test_a_gpt_of_sectors_of_4_kib() -> None:
    entry = UUID("0fc63daf-8483-4772-8e79-3d69d8477de4").bytes_le + b"u" * 16 + struct.pack("<QQQ", 8, 9, 0) + "data".encode("utf-16-le")
    entries = entry.ljust(128, b"\0")
    head = b"EFI PART" + struct.pack("<4I4Q16sQIII", 0x10000, 92, 0, 0, 1, 15, 3, 14, b"disk", 2, 1, 128, zlib.crc32(entries))
    head = head[:16] + struct.pack("<I", zlib.crc32(head)) + head[20:]
    data = filled(bytes(16 * 4096), {510: b"\x55\xaa", 446: struct.pack("<B3xB3xII", 0, 0xEE, 1, 15), 4096: head, 8192: entries})
    found = opened("disk", data)
    assert [(part.name, part.source.place, part.source.size) for part in found.parts] == [("partition 1 (data)", 8 * 4096, 8192)]
    assert found.header.checksum is True


@pytest.mark.system
def test_a_broken_gpt_is_read_from_its_copy_and_said(tmp_path: Path) -> None:
    data = disk(tmp_path / "disk", GPT)
    broken = filled(data, {1024 + 32: b"\xff" * 8})
    found = opened("disk", broken)
    assert [part.name for part in found.parts if part.role] == ["partition 1 (esp)", "partition 2 (rootfs_a)"]
    assert (found.header.checksum, found.problems) == (True, ("the first partition table is broken: its copy was read",))
    without = opened("disk", filled(broken, {len(data) - 512: bytes(8)}))
    assert (without.header.checksum, without.problems[0]) == (False, "the partition table's checksum does not hold")


@pytest.mark.system
def test_a_disk_is_opened_to_its_files(tmp_path: Path) -> None:
    data = filled(disk(tmp_path / "disk", GPT), {3 * MIB: image({"/etc/hostname": b"cam"})})
    layers, problems = unpack(source_of(data), Budget())
    assert {layer.path: layer.state for layer in layers} == {
        "": State.OPENED,
        "partition 1 (esp)": State.OPENED,
        "partition 2 (rootfs_a)": State.OPENED,
    }
    assert problems == [] and [layer.kind for layer in layers[1:2]] == ["blank"]


def mbr(*entries: tuple[int, int, int], size: int = 64 * 512) -> bytes:
    table = b"".join(struct.pack("<B3xB3xII", 0, *entry) for entry in entries)
    return (bytes(446) + table.ljust(64, b"\0") + b"\x55\xaa").ljust(size, b"\0")


ODD = {
    "beyond the image": (mbr((0x83, 8, 1000)), 1, "is cut off: 28672 of 512000 bytes"),
    "behind the image": (mbr((0x83, 8, 8), (0x83, 1000, 8)), 1, "is cut off: 0 of"),
    "in each other": (mbr((0x83, 8, 16), (0x83, 16, 16)), 2, "lies in another"),
}


@pytest.mark.parametrize("case", ODD)
def test_odd_tables(case: str) -> None:
    data, count, problem = ODD[case]
    found = opened("disk", data)
    assert len(found.parts) == count and any(problem in said for said in found.problems)


def test_a_chain_of_tables_that_ends_in_itself() -> None:
    data = bytearray(mbr((0x05, 8, 50)))
    data[8 * 512 : 9 * 512] = mbr((0x83, 1, 2), (0x05, 0, 2), size=512)
    with pytest.raises(ProtocolError, match="without end"):
        load_formats()["disk"].open(source_of(bytes(data)), Budget())


NOT_DISKS = {
    "no entries": mbr(),
    "a status that there is not": mbr((0x83, 8, 8)).replace(b"\0\0\0\0\x83", b"\x13\0\0\0\x83"),
    "boot code": bytes(range(256)) + bytes(range(254)) + b"\x55\xaa",
}


@pytest.mark.parametrize("case", NOT_DISKS)
def test_what_only_ends_like_a_boot_sector(case: str) -> None:
    assert identify(source_of(NOT_DISKS[case])) is None


def logical() -> bytes:
    """A disk with partitions in one that is extended."""
    good = bytearray(mbr((0x0C, 8, 8), (0x83, 16, 8), (0x05, 24, 40)))
    good[24 * 512 : 25 * 512] = mbr((0x83, 1, 2), (0x05, 4, 8), size=512)
    good[28 * 512 : 29 * 512] = mbr((0x83, 1, 2), size=512)
    return bytes(good)


def test_changed_disks() -> None:
    for data in changed(logical(), 200, 1, head=512):
        look("disk", data)


@pytest.mark.full
@pytest.mark.system
def test_many_changed_disks(tmp_path: Path) -> None:
    for data in changed(disk(tmp_path / "disk", GPT), 20_000 // 50, 2, head=2048):
        look("disk", data)
