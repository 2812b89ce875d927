"""Android Verified Boot 2.0: the metadata that signs a partition, with the public key in it.

Rules: digest and signature are tried with that key, which shows that the metadata is whole and not who signed it; the digest of a partition
is held against its data by the caller's source. What only another partition's metadata signs (algorithm NONE here) is no signature.

All numbers are big endian (AVB, libavb/avb_vbmeta_image.h, avb_footer.h, avb_hash_descriptor.h, avb_crypto.h).

| header offset | size | field | | footer, last 64 bytes | size | field |
|---|---|---|---|---|---|---|
| 0 | 4 | magic `AVB0` | | 0 | 4 | magic `AVBf` |
| 4 | 4+4 | version needed | | 4 | 4+4 | version |
| 12 | 8 | authentication block | | 12 | 8 | size of the image without what was added |
| 20 | 8 | auxiliary block | | 20 | 8 | offset of the metadata |
| 28 | 4 | algorithm | | 28 | 8 | its size |
| 32, 40 | 8+8 | hash: offset and size in the authentication block | | | | |
| 48, 56 | 8+8 | signature, there too | | hash descriptor | size | field |
| 64, 72 | 8+8 | public key: in the auxiliary block | | 0 | 8 | tag 2 |
| 96, 104 | 8+8 | descriptors, there too | | 8 | 8 | bytes that follow |
| 112 | 8 | rollback index | | 16 | 8 | size of the image |
| 120 | 4 | flags | | 24 | 32 | algorithm, text |
| 128 | 48 | release, text | | 56 | 4+4+4 | sizes of name, salt, digest |
| 176 | 80 | | | 132 | | name, salt, digest |

Public key: bits u32, n0inv u32, modulus, rr. Property descriptor (tag 0): sizes of key and value, u64, then both, each with a NUL.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from plumbline.collect.firmware.digests import NAMES, digest_of
from plumbline.collect.firmware.format import Signature
from plumbline.collect.firmware.said import text_of
from plumbline.collect.firmware.signing import described, holds, rsa_key
from plumbline.collect.firmware.source import Source
from plumbline.model.errors import ProtocolError

MAGIC = b"AVB0"
FOOTER_MAGIC = b"AVBf"
HEADER_SIZE = 256
FOOTER_SIZE = 64
BLOCK_MAX = 1 << 20
DESCRIPTORS_MAX = 256
EXPONENT = 65537
_HEADER = struct.Struct(">4s2I2QI10QQ2I48s80x")
_ALGORITHMS = {
    1: ("sha256", 2048), 2: ("sha256", 4096), 3: ("sha256", 8192), 4: ("sha512", 2048), 5: ("sha512", 4096), 6: ("sha512", 8192),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class HashDescriptor:
    """What the metadata says of one partition."""

    partition: str | None
    size: int
    algorithm: str | None
    salt: bytes
    digest: bytes

    def holds(self, image: Source) -> bool | None:
        """Say whether the digest is that of an image's first bytes; None when they are not there, or the algorithm is not known."""
        if self.algorithm not in NAMES or self.size > image.size:
            return None
        return digest_of(chain((self.salt,), image.slice(0, self.size).blocks()), self.algorithm) == self.digest


@dataclass(frozen=True, slots=True)
class Metadata:
    """One vbmeta: its signature (None: algorithm NONE), anti-rollback index, and what it describes."""

    signature: Signature | None
    rollback_index: int
    flags: int
    release: str | None
    hashes: tuple[HashDescriptor, ...]
    properties: dict[str, str]
    size: int


def find_footer(source: Source) -> tuple[int, Source] | None:
    """Find the footer at a source's end; gives the size of the image without it, and the metadata. None where none can be true."""
    tail = source.some(source.size - FOOTER_SIZE, FOOTER_SIZE) if source.size >= FOOTER_SIZE else b""
    if tail[:4] != FOOTER_MAGIC:
        return None
    original, offset, size = struct.unpack_from(">3Q", tail, 12)
    if offset + size > source.size - FOOTER_SIZE or original > offset:
        return None
    return original, source.slice(offset, size)


def read_metadata(source: Source, covers: str) -> Metadata:
    """Read the metadata at a source's start; `covers` says in words what it is about. Raises ProtocolError."""
    head = source.read(0, HEADER_SIZE)
    magic, _major, _minor, authentication, auxiliary, algorithm, *places, rollback, flags, _location, release = _HEADER.unpack(head)
    if magic != MAGIC:
        raise ProtocolError("no AVB magic", offset=0)
    if max(authentication, auxiliary) > BLOCK_MAX:
        raise ProtocolError(f"AVB blocks of {authentication} and {auxiliary} bytes")
    first, second = source.read(HEADER_SIZE, authentication), source.read(HEADER_SIZE + authentication, auxiliary)
    hashed, signature, key = (_inside(first, *places[0:2]), _inside(first, *places[2:4]), _inside(second, *places[4:6]))
    hashes: list[HashDescriptor] = []
    properties: dict[str, str] = {}
    for tag, body in _descriptors(_inside(second, *places[8:10])):
        if tag == 2:
            hashes.append(_hash_descriptor(body))
        elif tag == 0:
            properties |= _property(body)
    made = None
    if algorithm:
        made = _signature(algorithm, head + second, hashed, signature, key, covers)
    return Metadata(made, rollback, flags, text_of(release), tuple(hashes), properties, HEADER_SIZE + authentication + auxiliary)


def _signature(algorithm: int, signed: bytes, hashed: bytes, signature: bytes, key: bytes, covers: str) -> Signature:
    name, bits = _ALGORITHMS.get(algorithm, (None, None))
    if name is None or bits is None:
        return Signature("android-avb", None, None, None, covers)
    covers += "; checked with the key that the image brings itself"
    made = hashlib.new(name, signed).digest()
    size = int.from_bytes(key[:4], "big")
    if size != bits or len(key) < 8 + size // 8:
        raise ProtocolError(f"AVB key of {size} bits in {len(key)} bytes for {bits}")
    public = rsa_key(int.from_bytes(key[8 : 8 + size // 8], "big"), EXPONENT)
    verified = holds(public, signature, made, name) if made == hashed else False
    return Signature("android-avb", "rsa", bits, name, covers, described(public).sha256, verified)


def _inside(block: bytes, offset: int, size: int) -> bytes:
    if offset + size > len(block):
        raise ProtocolError(f"{size} bytes at {offset} of an AVB block of {len(block)}")
    return block[offset : offset + size]


def _descriptors(block: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    for _ in range(DESCRIPTORS_MAX):
        if at + 16 > len(block):
            return
        tag, size = struct.unpack_from(">2Q", block, at)
        yield tag, _inside(block, at + 16, size)
        at += 16 + size


def _hash_descriptor(body: bytes) -> HashDescriptor:
    if len(body) < 116:
        raise ProtocolError(f"AVB hash descriptor of {len(body)} bytes")
    size, algorithm, name, salt, digest = struct.unpack_from(">Q32s3I", body)
    words = _inside(body, 116, name), _inside(body, 116 + name, salt), _inside(body, 116 + name + salt, digest)
    return HashDescriptor(text_of(words[0]), size, text_of(algorithm), words[1], words[2])


def _property(body: bytes) -> dict[str, str]:
    if len(body) < 16:
        raise ProtocolError(f"AVB property of {len(body)} bytes")
    key, value = struct.unpack_from(">2Q", body)
    name, text = text_of(_inside(body, 16, key)), text_of(_inside(body, 16 + key + 1, value))
    return {name: text} if name and text else {}
