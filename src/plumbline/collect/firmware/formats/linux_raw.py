"""A Linux kernel as it lies in memory, without any header: what comes out of a uImage or zImage of most MIPS and ARM devices.

It has no magic. Only what was decompressed is taken for it, and only when it holds a kernel's banner and message of panic, reads like a
program and not like a text, and has no file system in it, as the dump of a whole flash would.
"""

from __future__ import annotations

from plumbline.collect.firmware.format import Format, Opened
from plumbline.collect.firmware.formats.linux import header_of
from plumbline.collect.firmware.kernel import find_banner, read_contents
from plumbline.collect.firmware.source import Budget, Source

SIZE_MIN = 256 << 10
SIZE_MAX = 128 << 20
_PANIC = b"Kernel panic - not syncing"
_TEXT = bytes(range(0x20, 0x7F)) + b"\t\r\n"
_BLOCK = 4 << 20


def _recognises(source: Source) -> bool:
    if source.place is not None or not SIZE_MIN <= source.size <= SIZE_MAX:
        return False
    head = source.some(0, 4096)
    if len(head.translate(None, _TEXT)) < 400 or not head.strip(b"\0\xff"):
        return False
    return find_banner(source) is not None and _holds(source, _PANIC) and not _is_dump(source)


def _holds(source: Source, words: bytes) -> bool:
    return any(words in source.some(at, _BLOCK + len(words)) for at in range(0, source.size, _BLOCK))


def _is_dump(source: Source) -> bool:
    """Say whether a squashfs, or both a uImage and a UBI, stand in it, which no kernel holds."""
    for at in range(0, source.size, _BLOCK):
        window = source.some(at, _BLOCK + 64)
        found = window.find(b"hsqs")
        while found >= 0:
            if window[found + 28 : found + 32] == b"\x04\0\0\0":
                return True
            found = window.find(b"hsqs", found + 1)
        if b"\x27\x05\x19\x56" in window and b"UBI#\x01" in window:
            return True
    return False


def _open(source: Source, budget: Budget) -> Opened:
    budget.pay(1 << 20)
    contents = read_contents(source, budget)
    return Opened(header_of(contents, None, "raw"), tuple(contents.parts), problems=tuple(contents.problems))


FORMAT = Format("linux_raw", "Linux kernel, raw", ((0, b""),), _recognises, _open)
