"""Where in a file the root file system lies, and what a file is that holds none.

Rules: a squashfs may stand behind a vendor's header or a kernel; the first superblock that can be true counts. Nothing but its own bytes
says what a file is.
"""

from __future__ import annotations

from typing import BinaryIO

from plumbline.collect.firmware.squashfs import MAGIC, SUPERBLOCK_SIZE, UnsupportedImageError, read_superblock
from plumbline.model.errors import ProtocolError

SEARCHED_MAX = 1 << 30
HITS_MAX = 10_000
_BLOCK = 1 << 20

# Leading bytes of what customers supply as firmware.
_OTHERS = (
    (0, b"sqsh", "squashfs, big endian"),
    (0, b"shsq", "squashfs with a vendor's own LZMA"),
    (0, b"qshs", "squashfs with a vendor's own LZMA, big endian"),
    (0, b"UBI#", "UBI"),
    (0, b"\x31\x18\x10\x06", "UBIFS"),
    (0, b"\x27\x05\x19\x56", "U-Boot legacy image"),
    (0, b"\xd0\x0d\xfe\xed", "FIT or device tree"),
    (0, b"\x45\x3d\xcd\x28", "cramfs"),
    (0, b"\x85\x19", "JFFS2"),
    (0, b"\x3d\xb8\xf3\x96", "MCUboot image"),
    (0, b"\x1e\xf1\xee\x0b", "Zigbee OTA"),
    (0, b"\x7fELF", "ELF program"),
    (0, b"PK\x03\x04", "ZIP archive"),
    (0, b"\x1f\x8b", "gzip file"),
    (0, b"\xfd7zXZ\x00", "xz file"),
    (0, b"hsqt", "squashfs of an unknown kind"),
    (0, b"070701", "cpio archive"),
    (0, b"ANDROID!", "Android boot image"),
    (0, b":1", "Intel HEX"),
    (257, b"ustar", "tar archive"),
    (1080, b"\x53\xef", "ext2, ext3 or ext4"),
    (1024, b"\x10\x20\xf5\xf2", "F2FS"),
    (1024, b"\xe2\xe1\xf5\xe0", "EROFS"),
    (510, b"\x55\xaa", "disk with a boot sector"),
)


def find_squashfs(stream: BinaryIO) -> int:
    """Give the offset of the file system in bytes; raises UnsupportedImageError naming what the file is instead."""
    stream.seek(0)
    head = stream.read(4096)
    if head.startswith(MAGIC):
        return 0
    offset = _search(stream)
    if offset is not None:
        return offset
    kind = next((name for at, magic, name in _OTHERS if head[at : at + len(magic)] == magic), None)
    if not head:
        raise ProtocolError("the file is empty")
    raise UnsupportedImageError(
        f"{kind or 'a file of no known kind'}: only squashfs 4.0 root file systems are read, and there is none in it"
    )


def _search(stream: BinaryIO) -> int | None:
    stream.seek(0)
    at, tail, hits = 0, b"", 0
    while at < SEARCHED_MAX and (block := stream.read(_BLOCK)):
        window = tail + block
        start = at - len(tail)
        place = window.find(MAGIC)
        while place >= 0:
            hits += 1
            if hits > HITS_MAX:
                return None
            if _plausible(stream, start + place):
                return start + place
            place = window.find(MAGIC, place + 1)
        at += len(block)
        tail = window[-3:]
        stream.seek(at)
    return None


def _plausible(stream: BinaryIO, offset: int) -> bool:
    stream.seek(offset)
    try:
        superblock = read_superblock(stream.read(SUPERBLOCK_SIZE))
    except ProtocolError:
        return False
    tables = (superblock.id_table, superblock.inode_table, superblock.directory_table)
    return superblock.inodes > 0 and all(SUPERBLOCK_SIZE <= table < superblock.bytes_used for table in tables)
