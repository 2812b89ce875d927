"""A small writer of device trees, and of the FIT images that are made of them (Devicetree Specification 0.4, chapter 5)."""

from __future__ import annotations

import hashlib
import struct
import zlib
from typing import Any

KERNEL = b"kernel " * 30
RAMDISK = b"ramdisk " * 10


def text(*words: str) -> bytes:
    return b"".join(word.encode() + b"\0" for word in words)


def cell(*numbers: int) -> bytes:
    return b"".join(struct.pack(">I", number) for number in numbers)


def tree(root: dict[str, Any], *, version: int = 17) -> bytes:
    """Write a tree: a value that is a dict is a node, bytes are a property."""
    names = bytearray()

    def offset(name: str) -> int:
        raw = name.encode() + b"\0"
        at = names.find(raw)
        if at < 0:
            at = len(names)
            names.extend(raw)
        return at

    def node(name: str, content: dict[str, Any]) -> bytes:
        raw = name.encode() + b"\0"
        out = cell(1) + raw + bytes(-len(raw) % 4)
        for key, value in content.items():
            if isinstance(value, bytes):
                out += cell(3, len(value), offset(key)) + value + bytes(-len(value) % 4)
        for key, value in content.items():
            if isinstance(value, dict):
                out += node(key, value)
        return out + cell(2)

    structure = node("", root) + cell(9)
    start = 40 + 16
    total = start + len(structure) + len(names)
    head = struct.pack(
        ">10I", 0xD00DFEED, total, start, start + len(structure), 40, version, 16, 0, len(names), len(structure) if version >= 17 else 0
    )
    return head + bytes(16) + structure + bytes(names)


BOARD: dict[str, Any] = {
    "model": text("Northwind Cam 3"),
    "compatible": text("northwind,cam-3", "vendor,soc"),
    "serial-number": text("NW-0001"),
    "chosen": {"bootargs": text("console=ttyS0 wifi_psk=topsecret1 root=/dev/mtdblock2"), "stdout-path": text("serial0:115200n8")},
    "signature": {
        "key-dev": {
            "algo": text("sha256,rsa2048"),
            "required": text("conf"),
            "key-name-hint": text("dev"),
            "rsa,num-bits": cell(2048),
        },
        "key-old": {"algo": text("sha1,rsa1024"), "key-name-hint": text("old")},
    },
}


def hashed(data: bytes, *algorithms: str) -> dict[str, Any]:
    made = {}
    for number, name in enumerate(algorithms, 1):
        value = zlib.crc32(data).to_bytes(4, "big") if name == "crc32" else hashlib.new(name, data).digest()
        made[f"hash-{number}"] = {"algo": text(name), "value": value}
    return made


def signature() -> dict[str, Any]:
    return {"algo": text("sha256,rsa2048"), "key-name-hint": text("dev"), "value": bytes(range(256))}


def fit(*, external: bool = False, position: int | None = None, change: dict[str, Any] | None = None) -> bytes:
    """A FIT of a kernel, a device tree and a ramdisk; `external` lays the data behind the tree, at `position` or right there."""
    board = tree(BOARD)
    data = {"kernel-1": KERNEL, "fdt-1": board, "ramdisk-1": RAMDISK}
    images: dict[str, Any] = {
        "kernel-1": {"type": text("kernel"), "arch": text("arm64"), "os": text("linux"), "compression": text("none"), "load": cell(0x80000)}
        | hashed(KERNEL, "sha256", "crc32"),
        "fdt-1": {"type": text("flat_dt"), "arch": text("arm64"), "compression": text("none")}
        | hashed(board, "sha1")
        | {"signature-1": signature()},
        "ramdisk-1": {"type": text("ramdisk"), "arch": text("arm64"), "compression": text("none")} | hashed(RAMDISK, "sha384"),
    }
    behind = b""
    for name, content in data.items():
        if external:
            where = cell((position or 0) + len(behind))
            images[name] |= {"data-position" if position else "data-offset": where, "data-size": cell(len(content))}
            behind += content + bytes(-len(content) % 4)
        else:
            images[name]["data"] = content
    nodes = text("/", "/configurations/conf-1", "/images/kernel-1", "/images/kernel-1/hash-1", "/images/fdt-1", "/images/fdt-1/hash-1")
    root: dict[str, Any] = {
        "description": text("cam firmware 1.4.2"),
        "timestamp": cell(1_760_000_000),
        "images": images,
        "configurations": {
            "default": text("conf-1"),
            "conf-1": {
                "kernel": text("kernel-1"),
                "fdt": text("fdt-1"),
                "ramdisk": text("ramdisk-1"),
                "compatible": text("northwind,cam-3"),
                "signature-1": {**signature(), "hashed-nodes": nodes},
            },
        },
    }
    for path, value in (change or {}).items():
        at = root
        *steps, last = path.split("/")
        for step in steps:
            at = at[step]
        if value is None:
            del at[last]
        else:
            at[last] = value
    made = tree(root)
    if not external:
        return made
    return made + bytes((position or (len(made) + 3 & ~3)) - len(made)) + behind


SAMPLES = {
    "dtb": {"a board": tree(BOARD), "version 16": tree(BOARD, version=16)},
    "fit": {"data inside": fit(), "data behind": fit(external=True), "data at a place": fit(external=True, position=4096)},
}
