"""UBI: volumes of ubinize come back whole, whatever the order of the blocks; of several the newest counts; what is missing is said."""

from __future__ import annotations

import random
import struct
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from plumbline.collect.firmware.digests import linux_crc32
from plumbline.collect.firmware.source import Budget
from plumbline.collect.firmware.unpack import State, unpack
from tests.collect.firmware.formats.trying import CONTENT, changed, look, opened, run, source_of, whole

BLOCK, DATA = 16384, 512
KERNEL = random.Random(2).randbytes(40_000)
ROOM = BLOCK - DATA
INI = """[kernel]
mode=ubi
image=kernel
vol_id=0
vol_type=static
vol_name=kernel
[rootfs]
mode=ubi
image=rootfs
vol_id=4
vol_size=2MiB
vol_type=dynamic
vol_name=rootfs
vol_flags=autoresize
[data]
mode=ubi
vol_id=5
vol_size=1MiB
vol_type=dynamic
vol_name=data!
"""


@cache
def made(sequence: int = 7) -> bytes:
    with TemporaryDirectory() as at:
        folder = Path(at)
        (folder / "kernel").write_bytes(KERNEL)
        (folder / "in/etc").mkdir(parents=True)
        (folder / "in/etc/passwd").write_bytes(CONTENT[:30_000])
        run("mkfs.ubifs", "-m", "512", "-e", str(ROOM), "-c", "200", "-r", "in", "-o", "rootfs", cwd=folder)
        (folder / "ini").write_text(INI)
        run("ubinize", "-o", "image", "-p", str(BLOCK), "-m", "512", "-s", "256", "-Q", str(sequence), "ini", cwd=folder)
        return (folder / "image").read_bytes()


def blocks() -> list[bytes]:
    return [made()[at : at + BLOCK] for at in range(0, len(made()), BLOCK)]


def place(block: bytes) -> tuple[int, int]:
    volume, number = struct.unpack_from(">II", block, 256 + 8)
    return int(volume), int(number)


def copied(block: bytes, content: bytes, order: int, *, holds: bool = True) -> bytes:
    """The same place of a volume with other content, as wear levelling moves it."""
    data = bytearray(block)
    data[DATA : DATA + len(content)] = content
    data[256 + 6] = 1
    checksum = linux_crc32(bytes(data[DATA : DATA + len(content)]), 0xFFFFFFFF) ^ (not holds)
    struct.pack_into(">I", data, 256 + 20, len(content))
    struct.pack_into(">I", data, 256 + 32, checksum)
    struct.pack_into(">Q", data, 256 + 40, order)
    struct.pack_into(">I", data, 256 + 60, linux_crc32(bytes(data[256 : 256 + 60]), 0xFFFFFFFF))
    return bytes(data)


@pytest.mark.system
def test_what_ubinize_wrote_is_opened_to_its_files() -> None:
    layers, problems = unpack(source_of(made() + b"\xff" * (5 * BLOCK)), Budget())
    assert problems == []
    known = {layer.path: layer.format.id if layer.format else None for layer in layers}
    assert known == {"": "ubi", "kernel": None, "rootfs": "ubifs", "rootfs!/etc/passwd": None}
    assert layers[0].state is State.OPENED
    found = opened("ubi", made())
    assert (found.header.checksum, found.problems, found.size) == (True, (), len(made()))
    assert found.header.facts["volume.kernel"] == "static, 3 blocks reserved"
    assert found.header.facts["volume.data?"].startswith("dynamic")
    assert found.header.facts["image_sequence"] == "7" and found.header.facts["block_bytes"] == str(BLOCK)
    assert {part.name: part.role for part in found.parts} == {"kernel": "kernel", "rootfs": "rootfs"}
    assert whole(found.parts[0].source) == KERNEL
    [tree] = [layer.tree for layer in layers if layer.tree]
    assert tree.content(tree.entries["/etc/passwd"], 1 << 20) == CONTENT[:30_000]


@pytest.mark.system
def test_blocks_in_any_order_among_bad_and_erased_ones() -> None:
    mixed = blocks()
    random.Random(3).shuffle(mixed)
    mixed[2:2] = [b"\xff" * BLOCK, bytes(BLOCK), b"\xff" * BLOCK]
    found, straight = opened("ubi", b"".join(mixed)), opened("ubi", made())
    assert [whole(part.source) for part in found.parts] == [whole(part.source) for part in straight.parts]
    assert found.problems == ("1 blocks without a header that holds",)


@pytest.mark.system
def test_of_two_blocks_the_newest_counts_and_a_broken_copy_does_not() -> None:
    first = next(block for block in blocks() if place(block) == (4, 0))
    newer = copied(first, b"newer" * 100, 50)
    broken = copied(first, b"never" * 100, 60, holds=False)
    part = opened("ubi", made() + newer + broken).parts[1]
    assert part.source.read(0, 500) == b"newer" * 100
    older = copied(first, b"older" * 100, 0)
    assert opened("ubi", older + made() + newer).parts[1].source.read(0, 500) == b"newer" * 100


@pytest.mark.system
def test_what_is_missing_is_said() -> None:
    without = [block for block in blocks() if place(block) != (0, 1)]
    found = opened("ubi", b"".join(without))
    assert found.problems == ("volume kernel: 1 of 3 blocks are missing",) and found.header.checksum is False
    assert found.parts[0].source.read(ROOM, ROOM) == b"\xff" * ROOM
    hole = [block for block in blocks() if place(block) != (4, 3)]
    assert opened("ubi", b"".join(hole)).parts[1].source.read(3 * ROOM, 10) == b"\xff" * 10
    bare = [block for block in blocks() if place(block)[0] != 0x7FFFEFFF]
    found = opened("ubi", b"".join(bare))
    assert [part.name for part in found.parts] == ["volume 0", "volume 4"]
    assert found.problems == () or "no table" in " ".join(found.problems)
    none = [block for block in blocks() if place(block)[0] != 0]
    assert opened("ubi", b"".join(none)).problems == ("volume kernel: none of its blocks is here",)


@pytest.mark.system
def test_a_changed_static_volume_says_so() -> None:
    at = made().index(KERNEL[:64]) + 10
    data = made()[:at] + b"!" + made()[at + 1 :]
    assert opened("ubi", data).problems == ("volume kernel: its checksum does not hold",)


@pytest.mark.system
def test_two_images_one_behind_the_other_are_two() -> None:
    layers, _ = unpack(source_of(made() + made(8)), Budget())
    assert [layer.path for layer in layers if layer.format and layer.format.id == "ubi"] == ["", f"@{len(made()):#x}"]


@pytest.mark.system
def test_blocks_of_its_own_are_no_volume() -> None:
    data = bytearray(next(block for block in blocks() if place(block) == (4, 3)))
    struct.pack_into(">I", data, 256 + 8, 0x7FFFF000)  # fastmap
    struct.pack_into(">I", data, 256 + 60, linux_crc32(bytes(data[256 : 256 + 60]), 0xFFFFFFFF))
    assert opened("ubi", made() + bytes(data)).problems == ()


@pytest.mark.system
def test_a_volume_is_as_large_as_its_table_says() -> None:
    """Blocks at its end that nothing was ever written to are not missing."""
    [_, rootfs] = opened("ubi", made()).parts
    assert rootfs.source.size == -(-(2 << 20) // ROOM) * ROOM and rootfs.source.slice(100 * ROOM).is_blank()


@pytest.mark.system
def test_places_that_no_volume_has_take_no_room() -> None:
    data = bytearray(next(block for block in blocks() if place(block) == (4, 3)))
    struct.pack_into(">I", data, 256 + 12, 0xFFFFFFF0)
    struct.pack_into(">I", data, 256 + 60, linux_crc32(bytes(data[256 : 256 + 60]), 0xFFFFFFFF))
    found = opened("ubi", made() + bytes(data))
    assert any("places that no volume has" in problem for problem in found.problems)
    assert found.parts[1].source.size < 3 << 20


@pytest.mark.system
def test_changed_images() -> None:
    for data in changed(made(), 60, 1):
        look("ubi", data)


@pytest.mark.full
@pytest.mark.system
def test_many_changed_images() -> None:
    for data in changed(made(), 5_000, 2):
        look("ubi", data)
