"""Writers of Android's boot images and of Verified Boot metadata (system/tools/mkbootimg, bootimg.h; AVB, libavb)."""

from __future__ import annotations

import hashlib
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from tests.collect.firmware.formats.making_keys import rsa_key

KERNEL = b"kernel!!" * 40
RAMDISK = b"ramdisk!" * 20
TREE = b"device tree" * 5
COMMANDS = b"console=ttyS0 androidboot.hardware=cam psk=topsecret99"
SYSTEM = (12 << 14 | 0 << 7 | 1) << 11 | (24 << 4 | 5)


def pages(data: bytes, page: int) -> bytes:
    return data + bytes(-len(data) % page)


def legacy(version: int = 0, *, page: int = 2048, tree: int = 0, identifier: bytes | None = None) -> bytes:
    """Versions 0 to 2; `tree` makes the old form in which the size of a tree stands where the version does now."""
    parts = [KERNEL, RAMDISK, b""] + ([b"dtbo"] if version else []) + ([TREE] if version == 2 else [])
    digest = hashlib.sha1(b"".join(part + struct.pack("<I", len(part)) for part in parts), usedforsecurity=False).digest()
    head = b"ANDROID!" + struct.pack("<10I", len(KERNEL), 0x8000, len(RAMDISK), 0x1000000, 0, 0, 0x100, page, tree or version, SYSTEM)
    head += struct.pack("<16s512s32s1024s", b"cam", COMMANDS, digest if identifier is None else identifier, b"")
    if version:
        head += struct.pack("<IQI", 4, 0, 1660 if version == 2 else 1648)
    if version == 2:
        head += struct.pack("<IQ", len(TREE), 0)
    out = pages(head, page) + b"".join(pages(part, page) for part in parts)
    return out + (pages(b"t" * tree, page) if tree else b"")


def generic(version: int = 3, signature: bytes = b"") -> bytes:
    """Versions 3 and 4."""
    head = b"ANDROID!" + struct.pack("<4I", len(KERNEL), len(RAMDISK), SYSTEM, 1580 if version == 3 else 1584) + bytes(16)
    head += struct.pack("<I1536s", version, COMMANDS) + (struct.pack("<I", len(signature)) if version == 4 else b"")
    return b"".join(pages(part, 4096) for part in (head, KERNEL, RAMDISK, signature))


def vendor(version: int = 3, *, page: int = 4096) -> bytes:
    """The vendor's boot image."""
    head = b"VNDRBOOT" + struct.pack("<5I2048sI16sIIQ", version, page, 0, 0, len(RAMDISK), COMMANDS, 0, b"cam", 2112, len(TREE), 0)
    parts = [RAMDISK, TREE]
    if version == 4:
        head += struct.pack("<4I", 108, 1, 108, 12)
        parts += [bytes(108), b"key=value\nx=y"[:12]]
    return pages(head, page) + b"".join(pages(part, page) for part in parts)


def descriptor(image: bytes, *, name: bytes = b"boot", salt: bytes = b"salt") -> bytes:
    digest = hashlib.sha256(salt + image).digest()
    body = struct.pack(">Q32s4I60x", len(image), b"sha256", len(name), len(salt), len(digest), 0) + name + salt + digest
    body += bytes(-len(body) % 8)
    return struct.pack(">2Q", 2, len(body)) + body


def property_of(name: bytes, value: bytes) -> bytes:
    body = struct.pack(">2Q", len(name), len(value)) + name + b"\0" + value + b"\0"
    body += bytes(-len(body) % 8)
    return struct.pack(">2Q", 0, len(body)) + body


def vbmeta(*descriptors: bytes, algorithm: int = 1, rollback: int = 7) -> bytes:
    """Metadata; algorithm 1 is SHA-256 with RSA-2048, 0 none."""
    private = rsa_key(2048)
    number = private.public_key().public_numbers().n
    key = struct.pack(">2I", 2048, 0) + number.to_bytes(256, "big") + bytes(256) if algorithm else b""
    listed = b"".join(descriptors)
    second = listed + key
    second += bytes(-len(second) % 64)
    size = 320 if algorithm else 0
    places = (0, 32, 32, 256, len(listed), len(key), 0, 0, 0, len(listed)) if algorithm else (0, 0, 0, 0, 0, 0, 0, 0, 0, len(listed))
    head = struct.pack(">4s2I2QI10QQ2I48s80x", b"AVB0", 1, 0, size, len(second), algorithm, *places, rollback, 0, 0, b"avbtool 1.2.0")
    if not algorithm:
        return head + second
    digest = hashlib.sha256(head + second).digest()
    signature = private.sign(head + second, padding.PKCS1v15(), hashes.SHA256())
    return head + (digest + signature).ljust(size, b"\0") + second


def with_footer(image: bytes, metadata: bytes, size: int = 65536) -> bytes:
    """An image in its partition, with the metadata behind it."""
    at = len(image) + -len(image) % 4096
    footer = struct.pack(">4s2I3Q28x", b"AVBf", 1, 0, len(image), at, len(metadata))
    return (image.ljust(at, b"\0") + metadata).ljust(size - 64, b"\0") + footer


PROPERTY = property_of(b"com.android.build.boot.security_patch", b"2024-05-05")
IMAGE = legacy(2)

SAMPLES = {
    "android_boot": {
        **{f"version {version}": legacy(version) for version in range(3)},
        "a tree's size for a version": legacy(tree=300),
        "version 3": generic(),
        "version 4, signed": generic(4, vbmeta(descriptor(KERNEL))),
        "vendor's, version 3": vendor(),
        "vendor's, version 4": vendor(4),
        "verified boot": with_footer(IMAGE, vbmeta(descriptor(IMAGE), PROPERTY), size=32768),
    },
    "vbmeta": {"signed": vbmeta(descriptor(b"boot"), PROPERTY), "not signed": vbmeta(descriptor(b"boot"), algorithm=0)},
}
