"""Private keys in a file's bytes: where, of what kind, and the digest of the public key that belongs to them.

The key itself goes no further than this module (law 8). Rules: a key counts when it can be parsed, or when its form says that it is
encrypted; the words `BEGIN RSA PRIVATE KEY` in a library do not count. Everything that is parsed is bounded.

| form | told by |
|---|---|
| PEM: PKCS#1, SEC1, PKCS#8, OpenSSH | RFC 7468 boundaries, anywhere in the file |
| DER of the same | the whole file, at most 16 KB |
| dropbear | the whole file: string type, then numbers as in dropbear's signkey.c |
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import posixpath
import re
import struct
import warnings
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
    load_ssh_private_key,
    load_ssh_public_key,
)
from cryptography.utils import CryptographyDeprecationWarning

KEYS_MAX = 1_000  # in one file
PEM_MAX = 32 * 1024
DER_MAX = 16 * 1024

NEEDLE = b"PRIVATE KEY-----"  # stands in every key in PEM
_BEGIN = re.compile(rb"-----BEGIN ([A-Z0-9]{2,12} |ENCRYPTED )?PRIVATE KEY-----")
_HOST_KEY = re.compile(r"(?:ssh_host_.*_?key|dropbear_\w+_host_key|.*host_?key)$")
_TLS_PLACE = re.compile(
    r"(?:^|[/._-])(?:ssl|tls|https?|x509|certs?|lighttpd|nginx|uhttpd|httpd|stunnel|mosquitto|openvpn|server)(?:[/._-]|$)"
)
# Libraries that carry published keys to test themselves with.
_CRYPTOGRAPHY = re.compile(
    r"(?:lib(?:gnutls|crypto|ssl|gcrypt|nettle|hogweed|mbed(?:tls|crypto|x509)|wolfssl|freebl3|softokn3)[\w.-]*\.so.*|fips\.so)"
)
_DROPBEAR_CURVES = {b"nistp256": ec.SECP256R1(), b"nistp384": ec.SECP384R1(), b"nistp521": ec.SECP521R1()}
_TYPES: tuple[tuple[type, str], ...] = (
    (rsa.RSAPublicKey, "rsa"),
    (ec.EllipticCurvePublicKey, "ec"),
    (ed25519.Ed25519PublicKey, "ed25519"),
    (ed448.Ed448PublicKey, "ed448"),
    (dsa.DSAPublicKey, "dsa"),
)


@dataclass(frozen=True, slots=True)
class FoundKey:
    """One private key: its offset in the file in bytes, and what is known of it."""

    offset: int
    key_type: str | None
    key_bits: int | None
    encrypted: bool
    spki_sha256: str | None


def find_keys(data: bytes) -> list[FoundKey]:
    """Find the private keys in a file's content."""
    found = _pem_keys(data)
    if found or len(data) > DER_MAX:
        return found
    whole = _der_key(data) or _dropbear_key(data)
    return [whole] if whole else []


def use_of(path: str, data: bytes) -> str:
    """Say what a key is for, by its place and its company: ssh_host, tls, self_test, other."""
    name = posixpath.basename(path).lower()
    if data.startswith(b"\x7fELF") and _CRYPTOGRAPHY.fullmatch(name):
        return "self_test"
    if _HOST_KEY.fullmatch(name) or (data[:4] == b"\0\0\0\x07" and data[4:8] == b"ssh-"):
        return "ssh_host"
    return "tls" if b"-----BEGIN CERTIFICATE-----" in data or _TLS_PLACE.search(path.lower()) else "other"


def _pem_keys(data: bytes) -> list[FoundKey]:
    keys: list[FoundKey] = []
    for match in _BEGIN.finditer(data):
        # The next five dashes must be those of the end: what lies between is base64 and headers.
        end = data.find(b"-----", match.end(), match.end() + PEM_MAX)
        if end < 0 or not data.startswith(b"-----END ", end):
            continue
        close = data.find(b"-----", end + 9, end + 64)
        if close < 0:
            continue
        key = _pem_key(data[match.start() : close + 5], data[match.end() : end], (match[1] or b"").decode().strip(), match.start())
        if key is not None:
            keys.append(key)
        if len(keys) >= KEYS_MAX:
            break
    return keys


def _pem_key(block: bytes, body: bytes, label: str, offset: int) -> FoundKey | None:
    if label == "OPENSSH":
        return _openssh_key(block, body, offset)
    legacy = {"RSA": "rsa", "EC": "ec", "DSA": "dsa"}.get(label)
    if label == "ENCRYPTED" or b"Proc-Type: 4,ENCRYPTED" in body:
        text = body.partition(b"\n\n")[2] or body.partition(b"\r\n\r\n")[2] or body
        return FoundKey(offset, legacy, None, True, None) if len(_base64(text)) > 40 else None
    return _loaded(load_pem_private_key, block, offset)


def _openssh_key(block: bytes, body: bytes, offset: int) -> FoundKey | None:
    """Read a key in OpenSSH's own form (PROTOCOL.key): even an encrypted one shows its public key."""
    data = _base64(body)
    try:
        if not data.startswith(b"openssh-key-v1\0"):
            return None
        rest = data[15:]
        cipher, rest = _string(rest)
        _kdf, rest = _string(rest)
        _options, rest = _string(rest)
        blob, rest = _string(rest[4:])
        kind, _ = _string(blob)
    except ValueError:
        return None
    if cipher == b"none":
        return _loaded(load_ssh_private_key, block, offset)
    try:
        public = load_ssh_public_key(kind + b" " + base64.b64encode(blob))
    except (ValueError, UnsupportedAlgorithm):
        return FoundKey(offset, None, None, True, None)
    return _described(public, offset, encrypted=True)


def _der_key(data: bytes) -> FoundKey | None:
    if len(data) < 32 or data[0] != 0x30:
        return None
    return _loaded(load_der_private_key, data, 0)


def _loaded(load: Any, data: bytes, offset: int) -> FoundKey | None:
    options: dict[str, Any] = (
        {} if load is load_ssh_private_key else {"unsafe_skip_rsa_key_validation": True}
    )  # else hostile primes take long
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)  # weak keys are what is looked for
            return _described(load(data, None, **options).public_key(), offset)
    except TypeError:  # how the library says that a password is wanted
        return FoundKey(offset, None, None, True, None)
    except (ValueError, UnsupportedAlgorithm):
        return None


def _described(public: Any, offset: int, *, encrypted: bool = False) -> FoundKey | None:
    kind = next((word for known, word in _TYPES if isinstance(public, known)), None)
    try:
        spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm):
        return None
    bits = getattr(public, "key_size", None) or {"ed25519": 256, "ed448": 456}.get(kind or "")
    return FoundKey(offset, kind, bits, encrypted, hashlib.sha256(spki).hexdigest())


def _dropbear_key(data: bytes) -> FoundKey | None:
    try:
        kind, rest = _string(data)
        public = _dropbear_public(kind, rest)
    except ValueError:
        return None
    return _described(public, 0) if public else None


def _dropbear_public(kind: bytes, rest: bytes) -> Any:
    """Give the public key of a dropbear private key file; raises ValueError when the private numbers are missing."""
    if kind == b"ssh-rsa":
        e, n, _d = _numbers(rest, 3)
        return rsa.RSAPublicNumbers(e, n).public_key()
    if kind == b"ssh-dss":
        p, q, g, y, _x = _numbers(rest, 5)
        return dsa.DSAPublicNumbers(y, dsa.DSAParameterNumbers(p, q, g)).public_key()
    if kind == b"ssh-ed25519":
        pair, _ = _string(rest)
        return ed25519.Ed25519PublicKey.from_public_bytes(pair[32:]) if len(pair) == 64 else None
    if kind.startswith(b"ecdsa-sha2-"):
        curve, rest = _string(rest)
        point, rest = _string(rest)
        _numbers(rest, 1)
        known = _DROPBEAR_CURVES.get(curve)
        return ec.EllipticCurvePublicKey.from_encoded_point(known, point) if known else None
    return None


def _string(data: bytes) -> tuple[bytes, bytes]:
    if len(data) < 4:
        raise ValueError("no length")
    (length,) = struct.unpack_from(">I", data)
    if length > len(data) - 4:
        raise ValueError("cut off")
    return data[4 : 4 + length], data[4 + length :]


def _numbers(data: bytes, count: int) -> list[int]:
    numbers: list[int] = []
    for _ in range(count):
        one, data = _string(data)
        if not one:
            raise ValueError("an empty number")
        numbers.append(int.from_bytes(one, "big"))
    return numbers


def _base64(text: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error:
        return b""
