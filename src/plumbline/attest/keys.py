"""The keys that seal: Ed25519 and ECDSA P-256, in PEM files or in a PKCS#11 token, named by their fingerprint.

Not a store of keys, and no word on whose they are: the parties compare the fingerprint over a channel that they trust. Rules: a private
key is read when it signs and written nowhere; the one that is made for a user is never overwritten, and is theirs alone (0600).

A fingerprint is the SHA-256, in hex, of the public key's SubjectPublicKeyInfo (RFC 5280, 4.1.2.7), as `rig sign` prints it:
`openssl pkey -in KEY -pubout -outform DER | sha256sum`.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from cryptography.x509 import load_pem_x509_certificate
from securesystemslib.signer import CryptoSigner, Signer, SSlibKey  # type: ignore[attr-defined]

from plumbline.evidence.reference import user_store
from plumbline.model.errors import EnvironmentFault, InputError

KEY_NAME = "seal.pem"
PEM_MAX = 64 << 10  # bytes; private keys with comments are smaller
PublicKey = Ed25519PublicKey | EllipticCurvePublicKey
Secret = Callable[[], bytes]  # asked only when it is needed
_FINGERPRINT = re.compile(r"(?:sha256:)?([0-9a-f]{64})", re.IGNORECASE)
# The y coordinates of Ed25519's points of an order up to 8, and what else encodes them: under such a key anybody's signature holds, over
# anything, so that it is nobody's. RFC 8032 (5.1.7) leaves it to the verifier.
_PRIME = 2**255 - 19
_OF_ORDER_8 = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
_NOBODYS = frozenset((0, 1, _PRIME - 1, _PRIME, _PRIME + 1, _OF_ORDER_8, _PRIME - _OF_ORDER_8))
_KINDS = "an Ed25519 or ECDSA P-256 key in PEM: openssl genpkey -algorithm ed25519"


def user_key() -> Path:
    """Where the key lies that is made for a user: in their data folder, beside their reference data."""
    return user_store().with_name(KEY_NAME)


def make_key(path: Path) -> None:
    """Make an Ed25519 key in a new file; raises InputError when there is one, EnvironmentFault when it cannot be written."""
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    if os.path.lexists(path):
        raise InputError("exists already", where=str(path), remedy="name another file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
    except OSError as error:
        raise EnvironmentFault(f"cannot write {path}: {error.strerror or error}; name a key with --key") from error


def load_signer(path: Path, passphrase: Secret) -> Signer:
    """Load a private key that signs; `passphrase` is asked for one that is encrypted. Raises InputError saying what is wrong with it."""
    pem = read_key_file(path, "make a key: openssl genpkey -algorithm ed25519 -out seal.pem")
    try:
        try:
            key = load_pem_private_key(pem, password=None)
        except TypeError:  # what the library raises for an encrypted key without a passphrase
            key = load_pem_private_key(pem, password=passphrase())
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError(f"the key cannot be read: {error}", where=str(path), remedy=f"check the passphrase, or give {_KINDS}") from error
    if not isinstance(key, Ed25519PrivateKey | EllipticCurvePrivateKey):
        raise InputError("is a key of another kind", where=str(path), remedy=f"give {_KINDS}")
    return CryptoSigner(key, verifying_key(key.public_key(), str(path)))


def load_fingerprint(text: str) -> str:
    """Give the fingerprint that a signer is named by: itself, or a file with a public key or a certificate in PEM; raises InputError."""
    if match := _FINGERPRINT.fullmatch(text.replace(":", "") if text.count(":") == 31 else text):
        return match[1].lower()
    path = Path(text)
    pem = read_key_file(path, "name a file, or give 64 hex digits", private=False)
    if b"PRIVATE KEY-----" in pem:
        raise InputError("is a private key", where=text, remedy="give the public one: openssl pkey -in KEY -pubout -out KEY.pub")
    try:
        key = load_pem_x509_certificate(pem).public_key() if b"BEGIN CERTIFICATE" in pem else load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InputError("holds no public key in PEM", where=text, remedy="give its file, or 64 hex digits of its fingerprint") from error
    return fingerprint(_ours(key, text))


def parse_public(pem: str) -> PublicKey:
    """Read a public key in PEM; raises ValueError when it is none of the two kinds, or not written as they are."""
    try:
        key = _ours(load_pem_public_key(pem.encode("ascii")), "")
    except (ValueError, UnsupportedAlgorithm, InputError) as error:
        raise ValueError("no public key of a kind that seals") from error
    if public_pem(key) != pem:
        raise ValueError("a public key that is not written as keys are")
    return key


def public_pem(key: PublicKey) -> str:
    """Write a public key as PEM."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def fingerprint(key: PublicKey) -> str:
    """Give the SHA-256 of a public key's SubjectPublicKeyInfo, in hex."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def verifying_key(key: object, where: str) -> SSlibKey:
    """Give a public key in the form that envelopes are verified with, its fingerprint as its id; raises InputError for another kind."""
    ours = _ours(key, where)
    return SSlibKey.from_crypto(ours, keyid=fingerprint(ours))


def _ours(key: object, where: str) -> PublicKey:
    if isinstance(key, Ed25519PublicKey) and int.from_bytes(key.public_bytes_raw(), "little") % 2**255 in _NOBODYS:
        raise InputError("is a key that has no private one: anybody signs with it", where=where, remedy=f"give {_KINDS}")
    if isinstance(key, Ed25519PublicKey) or (isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)):
        return key
    raise InputError("is a key of another kind", where=where, remedy=f"give {_KINDS}")


def read_key_file(path: Path, remedy: str, *, private: bool = True) -> bytes:
    """Read a small file that holds a key; raises InputError when it is not there, too large, or private and open to other users."""
    try:
        with path.open("rb") as file:
            if private and stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise InputError("is open to other users", where=str(path), remedy="chmod 600 it")
            data = file.read(PEM_MAX + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"cannot be read: {reason}", where=str(path)[:200], remedy=remedy) from error
    if len(data) > PEM_MAX:
        raise InputError(f"is larger than {PEM_MAX} bytes", where=str(path), remedy="name a file with the key alone")
    return data
