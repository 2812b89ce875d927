"""The environment of U-Boot as it lies in flash: settings by name, among them what is booted and how.

It has no magic: a block is told by its checksum, over one of the sizes that boards use, where it begins with one of the settings that such
blocks begin with. Rules: settings are shown without secrets; a block whose checksum does not hold is not told, for there is nothing else to
tell it by.

| offset | size | field (U-Boot, include/env_internal.h, struct environment_s) |
|---|---|---|
| 0 | 4 | CRC-32 of all that follows the flags, in the order of the processor |
| 4 | 0, 1 | flags, where there are two blocks: 1 active, 0 obsolete, or a counter |
| 4, 5 | | `name=value` NUL ... NUL NUL, then any fill |
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

from plumbline.collect.firmware.format import Format, Header, Opened, Part
from plumbline.collect.firmware.said import SECRET, setting, text_of
from plumbline.collect.firmware.source import Budget, Source
from plumbline.collect.secrets_in_text import is_secret

STEP = 1024
SIZE_MAX = 512 * 1024
_SETTING = re.compile(rb"[A-Za-z0-9_.:,#/-]{1,64}=[^\0]")
_NAMED = (
    "bootcmd", "bootargs", "bootdelay", "bootdev", "bootfile", "bootlimit", "altbootcmd", "preboot", "stdin", "stdout", "stderr", "console",
    "silent", "verify", "serverip", "ipaddr", "gatewayip", "netmask", "ethaddr", "serial#", "ver", "version", "board", "board_name", "soc",
    "arch", "cpu", "vendor", "model", "baudrate", "mtdparts", "mtdids", "fdtfile", "image", "secureboot",
)  # fmt: skip
# U-Boot saves them by name, and builds them in as a board's file has them.
_FIRST = (
    "add_bootargs", "addargs", "addcon", "addcons", "addip", "addmisc", "addmtd", "addtty", "altbootcmd", "arch", "args", "autoload",
    "baudrate", "board", "board_name", "board_rev", "boot", "boot_a_script", "boot_fdt", "boot_targets", "bootaddr", "bootargs", "bootcmd",
    "bootcount", "bootdelay", "bootdev", "bootfile", "bootlimit", "bootm_size", "console", "cpu", "ethact", "ethaddr", "fdt_addr",
    "fdt_high", "ipaddr", "kernel_addr_r", "load", "loadaddr", "partitions", "BOOT_ORDER", "BOOT_A_LEFT", "upgrade_available", "ver",
)  # fmt: skip
_STOPPING = ("bootstopkey", "bootstopkeysha256", "bootstopusekey", "bootdelaykey", "stopstring")  # what a person types to stop the boot


@dataclass(frozen=True, slots=True)
class _Block:
    """Where the settings start, how large the whole is in bytes, and the order of the processor."""

    start: int
    size: int
    order: str


def _find(source: Source) -> _Block | None:
    """Find the size over which the checksum holds; of several the smallest."""
    head = source.some(0, 128)
    starts = [start for start in (4, 5) if _SETTING.match(head, start)]
    wanted = {order: int.from_bytes(head[:4], order) for order in ("little", "big")}
    for start in starts:
        value, at = 0, start
        while at < min(source.size, SIZE_MAX):
            piece = source.some(at, STEP - at % STEP)
            value, at = zlib.crc32(piece, value), at + len(piece)
            for order, crc in wanted.items():
                if value == crc and (at % STEP == 0 or at == source.size):
                    return _Block(start, at, order)
    return None


def _recognises(source: Source) -> bool:
    return _find(source) is not None


def _open(source: Source, budget: Budget) -> Opened:
    block = _find(source)
    if block is None:
        return Opened(size=0)
    budget.pay(block.size)
    data = source.read(block.start, block.size - block.start)
    end = data.find(b"\0\0")
    used = data[: end if end >= 0 else len(data)]
    settings: dict[str, str] = {}
    for line in used.split(b"\0"):
        name, equals, value = line.partition(b"=")
        text = text_of(name, 64)
        if equals and text:
            settings[text] = text_of(value, 4096) or ""
    facts = {name: setting(name, settings[name], 1024) for name in _NAMED if name in settings}
    facts |= {name: SECRET for name in _STOPPING if settings.get(name)}
    secrets = [name for name, value in settings.items() if is_secret(name, value)]
    if secrets:
        facts["secret_settings"] = " ".join(secrets)[:512]
    facts |= {"settings": str(len(settings)), "size_bytes": str(block.size), "order": block.order}
    if block.start == 5:
        facts["flags"] = str(source.read(4, 1)[0])
    header = Header(
        version=settings.get("ver") or None,
        product=settings.get("board_name") or settings.get("board") or None,
        vendor=settings.get("vendor") or None,
        architecture=settings.get("arch") or None,
        checksum=True,
        facts={name: value for name, value in facts.items() if value},
    )
    part = Part("environment", source.slice(block.start, len(used)), "boot-env")
    return Opened(header, (part,) if used else (), size=block.size)


_MAGICS = tuple((at, f"{name}=".encode()) for at in (4, 5) for name in _FIRST)
FORMAT = Format("u_boot_env", "U-Boot environment", _MAGICS, _recognises, _open, embedded=True)
