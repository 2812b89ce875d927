"""SSH public keys as blobs: their type, their size, their fingerprint. A blob is a public fact and is kept whole.

| type | after the string of the type's name | bits | clause |
|---|---|---|---|
| ssh-rsa | mpint e, mpint n | of n | RFC 4253 6.6 |
| ssh-dss | mpint p, q, g, y | of p | RFC 4253 6.6 |
| ecdsa-sha2-<curve> | string curve, string Q | of the curve | RFC 5656 3.1 |
| ssh-ed25519, ssh-ed448 | string key | 256, 448 | RFC 8709 4 |
| any other, certificates too | not read | None | |

The fingerprint is SHA-256 over the blob in base64 without padding, as OpenSSH prints it.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from plumbline.model.errors import ProtocolError
from plumbline.protocols.cursor import Cursor

MAX_NUMBER = 2080  # bytes of one mpint: RSA of 16384 bits, and a sign
_CURVES = {"nistp256": 256, "nistp384": 384, "nistp521": 521}
_EDWARDS = {"ssh-ed25519": (32, 256), "ssh-ed448": (57, 448)}


@dataclass(frozen=True, slots=True)
class HostKey:
    """One public key; `bits` is None for a type that is not read."""

    kind: str
    bits: int | None
    fingerprint: str
    blob: bytes


def encode_string(content: bytes) -> bytes:
    """Encode a string (RFC 4251 5)."""
    return len(content).to_bytes(4, "big") + content


def parse_host_key(blob: bytes) -> HostKey:
    """Read a public key blob; raises ProtocolError when a known type breaks its format."""
    cursor = Cursor(blob, "SSH host key")
    kind = cursor.vector(4, at_most=64).decode("latin-1")
    if not kind or not kind.isascii() or not kind.isprintable():
        raise ProtocolError("the type of an SSH host key is no name")
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode("ascii").rstrip("=")
    return HostKey(kind, _bits(kind, cursor), f"SHA256:{digest}", blob)


def _bits(kind: str, cursor: Cursor) -> int | None:
    if kind == "ssh-rsa":
        _number(cursor)
        bits = _number(cursor)
    elif kind == "ssh-dss":
        bits, *_ = [_number(cursor) for _ in range(4)]
    elif kind.startswith("ecdsa-sha2-") and (curve := kind.removeprefix("ecdsa-sha2-")) in _CURVES:
        if cursor.vector(4) != curve.encode("ascii"):
            raise ProtocolError("an ECDSA host key names another curve than its type")
        bits = _CURVES[curve]
        if len(cursor.vector(4)) not in (1 + 2 * ((bits + 7) // 8), 1 + (bits + 7) // 8):  # uncompressed or compressed: SEC 1 2.3.3
            raise ProtocolError("the point of an ECDSA host key has a wrong size")
    elif kind in _EDWARDS:
        size, bits = _EDWARDS[kind]
        if len(cursor.vector(4)) != size:
            raise ProtocolError(f"an {kind} host key has a wrong size")
    else:
        return None
    cursor.expect_end()
    return bits


def _number(cursor: Cursor) -> int:
    """Read a positive mpint and return its size in bits."""
    content = cursor.vector(4, at_most=MAX_NUMBER)
    if not content or content[0] & 0x80:
        raise ProtocolError("a number in an SSH host key is not positive")
    return int.from_bytes(content, "big").bit_length()
