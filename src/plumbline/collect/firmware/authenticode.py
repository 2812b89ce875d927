"""Signatures of EFI programs, as kernels for UEFI are (Microsoft, Windows Authenticode Portable Executable Signature Format).

Rules: the digest of the program is computed anew, and the signature is tried with the certificate that it brings; a program whose signature
breaks the rules is signed, and nothing more is told of it.

| place | size | field, little endian (Microsoft, PE Format) |
|---|---|---|
| 0x3c | 4 | offset of the header: `PE` 0 0, then 20 bytes |
| header + 24 | 2 | magic 0x10b, or 0x20b for 64 bits |
| header + 24 + 64 | 4 | checksum: is left out of the digest |
| header + 24 + 128, or 144 | 4+4 | certificates: offset and size: left out too, and what they tell of |
| certificates | 4+2+2 | length, revision, type 2: then CMS |

Content of the CMS: a sequence of what kind of data it is, and of algorithm and digest (SpcIndirectDataContent).
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from itertools import chain

from plumbline.collect.firmware.cms import CMS_MAX, read_message
from plumbline.collect.firmware.digests import digest_of
from plumbline.collect.firmware.format import Signature
from plumbline.collect.firmware.source import Source
from plumbline.model.errors import ProtocolError
from plumbline.protocols import ber
from plumbline.protocols.reader import Reader

SIGNATURES_MAX = 8
_COVERS = "the whole program"
_BY_SIZE = {20: "sha1", 32: "sha256", 48: "sha384", 64: "sha512"}


def read_signatures(source: Source) -> list[Signature]:
    """Read the signatures of an EFI program; none where the source is none, or is not signed."""
    place = _certificates(source)
    if place is None:
        return []
    checksum, entry, start, size = place
    found: list[Signature] = []
    at = start
    while at + 8 < start + size and len(found) < SIGNATURES_MAX:
        length, _revision, kind = struct.unpack("<IHH", source.read(at, 8))
        if not 8 < length <= min(CMS_MAX, start + size - at):
            break
        if kind == 2:
            found += _read(source, source.read(at + 8, length - 8), (checksum, entry, start))
        at += length + -length % 8
    return found


def _certificates(source: Source) -> tuple[int, int, int, int] | None:
    """Find checksum, table entry, and offset and size of the certificates."""
    head = source.some(0, 0x40)
    if head[:2] != b"MZ" or len(head) < 0x40:
        return None
    at = int.from_bytes(head[0x3C:], "little")
    optional = source.some(at, 24 + 160)
    magic = int.from_bytes(optional[24:26], "little")
    entry = {0x10B: 128, 0x20B: 144}.get(magic)
    if optional[:4] != b"PE\0\0" or len(optional) < 24 + 160 or entry is None:
        return None
    start, size = struct.unpack_from("<2I", optional, 24 + entry)
    return (at + 24 + 64, at + 24 + entry, start, size) if size and at < start and start + size <= source.size else None


def _read(source: Source, raw: bytes, places: tuple[int, int, int]) -> Iterator[Signature]:
    try:
        message = read_message(_trimmed(raw))
        content = message.content or b""
        said = _said(content)
    except ProtocolError:
        yield Signature("authenticode", None, None, None, _COVERS)
        return
    name = _BY_SIZE.get(len(said))
    same = name is not None and digest_of(_hashed(source, places), name) == said
    for signer in message.signers:
        verified = signer.verify(lambda algorithm: hashlib.new(algorithm, content).digest())
        verified = verified if same or verified is None else False
        covers = _COVERS if verified is None else f"{_COVERS}; checked with the certificate that the signature brings itself"
        bits, sha256 = (signer.key.bits, signer.key.sha256) if signer.key else (None, None)
        yield Signature("authenticode", signer.algorithm, bits, name or signer.digest, covers, sha256, verified)


def _trimmed(raw: bytes) -> bytes:
    """Cut the message out of what is padded to 8 bytes."""
    reader = Reader(raw)
    ber.read(reader)
    return raw[: reader.offset]


def _said(content: bytes) -> bytes:
    """Give the digest that is signed."""
    reader = Reader(content)
    ber.expect(reader, ber.SEQUENCE, "kind of data")
    info = ber.expect(reader, ber.SEQUENCE, "DigestInfo")
    ber.expect(info, ber.SEQUENCE, "digestAlgorithm")
    return ber.octets(info, "digest")


def _hashed(source: Source, places: tuple[int, int, int]) -> Iterator[bytes]:
    """Yield what the digest takes in: all but checksum, table entry, and certificates."""
    checksum, entry, start = places
    pieces = ((0, checksum), (checksum + 4, entry), (entry + 8, start))
    return chain.from_iterable(source.slice(at, end - at).blocks() for at, end in pieces)
