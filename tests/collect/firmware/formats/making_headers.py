"""Writers of the headers that boot loaders and microcontrollers want before an image."""

from __future__ import annotations

import hashlib
import struct
import zlib
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384

from tests.collect.firmware.formats.making_keys import ec_key, ed_key, rsa_key, spki

PAYLOAD = bytes(range(256)) * 4 + b"payload"


def uimage(data: bytes = PAYLOAD, kind: int = 2, *, name: bytes = b"Linux-5.10", compression: int = 3, os: int = 5, arch: int = 5) -> bytes:
    """A uImage (U-Boot, include/image.h)."""
    body = struct.pack(">5I4B32s", 1_760_000_000, len(data), 0x80000000, 0x80000400, zlib.crc32(data), os, arch, kind, compression, name)
    head = struct.pack(">I", 0x27051956) + bytes(4) + body
    return head[:4] + struct.pack(">I", zlib.crc32(head)) + head[8:] + data


def multi(*files: bytes, kind: int = 4) -> bytes:
    sizes = b"".join(struct.pack(">I", len(file)) for file in files) + bytes(4)
    return uimage(sizes + b"".join(file + bytes(-len(file) % 4) for file in files), kind, compression=0)


def trx(*parts: bytes, version: int = 1) -> bytes:
    """A TRX (Linux, drivers/mtd/parsers/parser_trx.c)."""
    start = 28 if version == 1 else 32
    offsets, body = [], b""
    for part in parts:
        offsets.append(start + len(body))
        body += part
    offsets += [0] * ((3 if version == 1 else 4) - len(offsets))
    rest = struct.pack("<HH", 0, version) + b"".join(struct.pack("<I", offset) for offset in offsets) + body
    return struct.pack("<4sII", b"HDR0", 12 + len(rest), zlib.crc32(rest) ^ 0xFFFFFFFF) + rest


def tlvs(magic: int, *values: tuple[int, bytes]) -> bytes:
    body = b"".join(struct.pack("<HH", kind, len(value)) + value for kind, value in values)
    return struct.pack("<HH", magic, 4 + len(body)) + body


def mcuboot(key: str | None = "rsa", *, full: bool = True, flags: int = 0, pure: bool = False, data: bytes = PAYLOAD) -> bytes:
    """An MCUboot image, signed by a kind of key; `full` puts the key in, else its digest (MCUboot, docs/design.md)."""
    protected = tlvs(0x6908, (0x50, struct.pack("<I", 5)), (0x40, struct.pack("<B3xBBHI", 1, 1, 2, 0, 3)))
    head = struct.pack("<4sIHHIIBBHI4x", b"\x3d\xb8\xf3\x96", 0, 32, len(protected), len(data), flags, 1, 4, 2, 7)
    signed = head + data + protected
    digest = hashlib.sha256(signed).digest()
    values: list[tuple[int, bytes]] = [(0x10, digest)]
    private: Any = {"rsa": rsa_key, "rsa3072": rsa_key, "ec": ec_key, "ed": ed_key}[key or "ec"](
        *([2048] if key == "rsa" else [3072] if key == "rsa3072" else [])
    )
    if key is not None:
        values.append((0x02, spki(private)) if full else (0x01, hashlib.sha256(spki(private)).digest()))
    if key in ("rsa", "rsa3072"):
        pss = padding.PSS(padding.MGF1(SHA256()), 32)
        values.append((0x20 if key == "rsa" else 0x23, private.sign(digest, pss, Prehashed(SHA256()))))
    elif key == "ec":
        values.append((0x22, private.sign(digest, ec.ECDSA(Prehashed(SHA256())))))
    elif key == "ed":
        values += [(0x25, b"\x01")] if pure else []
        values.append((0x24, private.sign(signed if pure else digest)))
    return signed + tlvs(0x6907, *values)


def gbl(*, kind: int = 0x100, signature: bool = True) -> bytes:
    """A Gecko boot loader file (Silicon Labs UG489)."""
    tags = [(0x03A617EB, struct.pack("<II", 0x03000000, kind)), (0xF40A0AF4, struct.pack("<III16s", 1, 42, 0, bytes(range(16))))]
    tags.append((0xF90707F9 if kind & 1 else 0xFE0101FE, struct.pack("<I", 0x4000) + PAYLOAD))
    if signature:
        tags.append((0xF70A0AF7, bytes(range(64))))
    data = b"".join(struct.pack("<II", tag, len(value)) + value for tag, value in tags) + struct.pack("<II", 0xFC0404FC, 4)
    return data + struct.pack("<I", zlib.crc32(data))


DESCRIPTION = struct.pack(
    "<II8s32s32s16s16s32s32s80s",
    0xABCD5432,
    3,
    b"",
    b"1.4.2",
    b"northwind-cam",
    b"12:34:56",
    b"Nov 21 2026",
    b"v5.1.2",
    bytes(range(32)),
    b"",
)


def esp32(*, chip: int = 5, digest: bool = True, segments: tuple[bytes, ...] = (DESCRIPTION + bytes(64), PAYLOAD + b"\0")) -> bytes:
    """An ESP32 image (ESP-IDF, Application Image Format)."""
    data = struct.pack("<BBBBI4sHBHH4sB", 0xE9, len(segments), 2, 0x20, 0x40380000, b"\xee\0\0\0", chip, 0, 0, 99, b"", digest)
    checksum = 0xEF
    for number, segment in enumerate(segments):
        data += struct.pack("<II", 0x3C000020 + 0x100000 * number, len(segment)) + segment
        for byte in segment:
            checksum ^= byte
    data += bytes(15 - len(data) % 16) + bytes([checksum])
    return data + (hashlib.sha256(data).digest() if digest else b"")


def esp32_signed(kind: str = "rsa", image: bytes | None = None) -> bytes:
    """An image with a block of Secure Boot v2 (ESP-IDF, Secure Boot v2, "Signature Block Format")."""
    image = esp32() if image is None else image
    image += b"\xff" * (-len(image) % 4096)
    block = _rsa_block(image) if kind == "rsa" else _ec_block(image, kind)
    block += struct.pack("<I", zlib.crc32(block)) + bytes(16)
    assert len(block) == 1216
    return image + block + b"\xff" * (4096 - len(block))


def _rsa_block(image: bytes) -> bytes:
    private = rsa_key(3072)
    assert isinstance(private, rsa.RSAPrivateKey)
    digest, numbers = hashlib.sha256(image).digest(), private.public_key().public_numbers()
    signature = private.sign(digest, padding.PSS(padding.MGF1(SHA256()), 32), Prehashed(SHA256()))
    block = b"\xe7\x02\0\0" + digest + numbers.n.to_bytes(384, "little") + numbers.e.to_bytes(4, "little") + bytes(388)
    return block + signature[::-1]


def _ec_block(image: bytes, curve: str) -> bytes:
    private = ec_key(curve)
    width = private.curve.key_size // 8
    large = curve == "secp384r1"
    digest = (hashlib.sha384 if large else hashlib.sha256)(image).digest()
    r, s = decode_dss_signature(private.sign(digest, ec.ECDSA(Prehashed(SHA384() if large else SHA256()))))
    numbers = private.public_key().public_numbers()
    room = 96 if large else 64
    pairs = [b"".join(number.to_bytes(width, "little") for number in pair).ljust(room, b"\0") for pair in ((numbers.x, numbers.y), (r, s))]
    identifier = {"secp192r1": 1, "secp256r1": 2, "secp384r1": 3}[curve]
    return (b"\xe7\x03" + bytes([large, 0]) + digest + bytes([identifier]) + b"".join(pairs)).ljust(1196, b"\0")


def partition(name: bytes, kind: int, subtype: int, offset: int, size: int, flags: int = 0) -> bytes:
    return struct.pack("<2sBBII16sI", b"\xaa\x50", kind, subtype, offset, size, name, flags)


PARTITIONS = (
    partition(b"nvs", 1, 2, 0x9000, 0x1000)
    + partition(b"keys", 1, 4, 0xA000, 0x1000, 1)
    + partition(b"factory", 0, 0, 0xB000, 0x2000)
    + partition(b"ota_1", 0, 0x11, 0xD000, 0x2000)
)


def esp32_flash(table: bytes = PARTITIONS, *, md5: bool = True, loader: int = 0) -> bytes:
    """A whole flash (ESP-IDF, Partition Tables)."""
    if md5:
        table += b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(table, usedforsecurity=False).digest()
    flash = bytearray(b"\xff" * 0xF000)
    for at, data in ((loader, esp32(segments=(PAYLOAD + b"\0",))), (0x8000, table), (0x9000, b"nvs" * 50), (0xB000, esp32())):
        flash[at : at + len(data)] = data
    return bytes(flash)


def zigbee(
    *elements: tuple[int, bytes], fields: int = 0, optional: bytes = b"", manufacturer: int = 0x117C, image: int = 0x1101, version: int = 42
) -> bytes:
    """A Zigbee OTA file (Zigbee Cluster Library, 11.4)."""
    body = b"".join(struct.pack("<HI", tag, len(data)) + data for tag, data in elements)
    length = 56 + len(optional)
    text = b"Northwind lamp"
    return struct.pack("<IHHHHHIH32sI", 0x0BEEF11E, 0x100, length, fields, manufacturer, image, version, 2, text, length + len(body)) + (
        optional + body
    )


def matter(
    payload: bytes = PAYLOAD, *, digest: bytes | None = None, algorithm: int = 1, extra: bytes = b"", size: int | None = None
) -> bytes:
    """A Matter OTA image (Matter Core Specification 1.0, 11.20)."""
    said = hashlib.sha256(payload).digest() if digest is None else digest
    fields = [
        struct.pack("<BBH", 0x25, 0, 0xFFF1),
        struct.pack("<BBH", 0x25, 1, 0x8001),
        struct.pack("<BBI", 0x26, 2, 10402),
        b"\x2c\x03\x05" + b"1.4.2",
        struct.pack("<BBQ", 0x27, 4, len(payload) if size is None else size),
        b"\x24\x05\x01",
        struct.pack("<BBH", 0x25, 6, 10401),
        b"\x2c\x07\x15" + b"https://example.org/n",
        bytes([0x24, 8, algorithm]),
        b"\x30\x09" + bytes([len(said)]) + said,
    ]
    header = b"\x15" + b"".join(fields) + extra + b"\x18"
    return struct.pack("<IQI", 0x1BEEF11E, 16 + len(header) + len(payload), len(header)) + header + payload


def environment(settings: dict[str, str], *, size: int = 4096, flags: bytes = b"", order: str = "<", fill: bytes = b"\0") -> bytes:
    """A block of U-Boot's environment (U-Boot, include/env_internal.h)."""
    body = b"".join(f"{name}={value}".encode() + b"\0" for name, value in settings.items()) + b"\0"
    body = body.ljust(size - 4 - len(flags), fill)
    return struct.pack(f"{order}I", zlib.crc32(body)) + flags + body


SETTINGS = {
    "arch": "arm",
    "board": "cam3",
    "bootargs": "console=ttyS0 root=/dev/mtdblock2 password=hunter2222",
    "bootcmd": "bootm 0x9f050000",
    "bootdelay": "3",
    "bootstopkey": "letmein",
    "ver": "U-Boot 2019.04 (Jan 01 2020)",
    "wifi_key": "abcdefghij",
}


def uf2(data: bytes, *, address: int = 0x10000000, family: int | None = 0xE48BFF56, tags: bytes = b"", flags: int = 0) -> bytes:
    """UF2 blocks (Microsoft, UF2 specification)."""
    pieces = [data[at : at + 256] for at in range(0, len(data), 256)]
    flags |= (0x2000 if family is not None else 0) | (0x8000 if tags else 0)
    out = b""
    for number, piece in enumerate(pieces):
        head = struct.pack("<8I", 0x0A324655, 0x9E5D5157, flags, address + 256 * number, len(piece), number, len(pieces), family or 0)
        out += (head + piece + tags).ljust(508, b"\0") + struct.pack("<I", 0x0AB16F30)
    return out


def hex_line(kind: int, address: int, data: bytes) -> bytes:
    raw = bytes([len(data)]) + struct.pack(">HB", address, kind) + data
    return b":" + (raw + bytes([-sum(raw) & 0xFF])).hex().upper().encode() + b"\r\n"


def intel_hex(*ranges: tuple[int, bytes], start: int | None = None, end: bool = True) -> bytes:
    """Intel HEX with upper addresses of 16 bits."""
    out = b""
    for address, data in ranges:
        for at in range(0, len(data), 16):
            place = address + at
            if not at or not place & 0xFFF0:
                out += hex_line(4, 0, struct.pack(">H", place >> 16))
            out += hex_line(0, place & 0xFFFF, data[at : at + 16])
    if start is not None:
        out += hex_line(5, 0, struct.pack(">I", start))
    return out + (hex_line(1, 0, b"") if end else b"")


def s_line(kind: int, address: int, data: bytes = b"") -> bytes:
    width = {0: 2, 1: 2, 2: 3, 3: 4, 5: 2, 6: 3, 7: 4, 8: 3, 9: 2}[kind]
    raw = address.to_bytes(width, "big") + data
    raw = bytes([len(raw) + 1]) + raw
    return b"S%d" % kind + (raw + bytes([~sum(raw) & 0xFF])).hex().upper().encode() + b"\n"


def srec(*ranges: tuple[int, bytes], name: bytes = b"cam.s19", count: int | None = None, start: int | None = 0x8000000) -> bytes:
    """S-records of 32 bits."""
    lines = [s_line(3, address + at, data[at : at + 28]) for address, data in ranges for at in range(0, len(data), 28)]
    tail = s_line(5, len(lines) if count is None else count) + (s_line(7, start) if start is not None else b"")
    return s_line(0, 0, name) + b"".join(lines) + tail


TWO_RANGES = ((0x08000000, PAYLOAD), (0x08010000, b"\x5a" * 40))
ELEMENTS = ((0x0000, PAYLOAD), (0x0002, bytes(48)), (0x0001, bytes(50)))

SAMPLES: dict[str, dict[str, bytes]] = {
    "uimage": {"a kernel": uimage(), "several files": multi(PAYLOAD, b"ramdisk!!", b"dtb"), "a script": multi(b"bootm 0x80000\n", kind=6)},
    "trx": {"version 1": trx(PAYLOAD, b"rootfs" * 9), "version 2": trx(PAYLOAD, b"b", b"c", b"d", version=2)},
    "mcuboot": {kind: mcuboot(kind) for kind in ("rsa", "ec", "ed")} | {"unsigned": mcuboot(None), "pure": mcuboot("ed", pure=True)},
    "gbl": {"signed": gbl(), "encrypted": gbl(kind=0x101)},
    "esp32": {"signed": esp32_signed(), "unsigned": esp32(), "without a digest": esp32(digest=False)},
    "esp32_flash": {"a table": esp32_flash()},
    "zigbee_ota": {
        "signed": zigbee(*ELEMENTS),
        "all fields": zigbee((0, PAYLOAD), fields=7, optional=b"\x02" + bytes(8) + struct.pack("<HH", 1, 3)),
    },
    "matter_ota": {"a payload": matter()},
    "u_boot_env": {"little": environment(SETTINGS), "two blocks": environment(SETTINGS, flags=b"\x01", order=">", fill=b"\xff")},
    "uf2": {"one family": uf2(PAYLOAD), "no family": uf2(PAYLOAD, family=None)},
    "intel_hex": {"two ranges": intel_hex(*TWO_RANGES, start=0x08000101)},
    "srec": {"two ranges": srec(*TWO_RANGES)},
}
