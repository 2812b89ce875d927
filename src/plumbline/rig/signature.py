"""The owner's signature beside a rig file: `<rig.toml>.sig`.

It proves that the holder of a private key agreed to this exact file, byte for byte. It does not prove whose key that is: the parties
compare the fingerprint (SHA-256 of the public key's SubjectPublicKeyInfo) over a channel that they trust. Nor does it prove when, or by
whom: `signer` and `signed_at` are what the signature file says, and the signature does not cover them.

Rules: Ed25519 only (RFC 8032); the signature is over the rig file's bytes alone, so `openssl pkeyutl -verify -rawin` can check it too.

| key | value |
|---|---|
| algorithm | "ed25519" |
| public_key | base64 of the DER SubjectPublicKeyInfo (RFC 8410) |
| signature | base64 of the 64 bytes |
| signed_at | ISO 8601 with offset |
| signer | free text |
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key, load_pem_private_key

from plumbline.model.errors import EnvironmentFault, InputError

SIGNATURE_SIZE_MAX = 16 * 1024
_KEYS = {"algorithm", "public_key", "signature", "signed_at", "signer"}
_SIGN_AGAIN = "have the owner sign the file again"


@dataclass(frozen=True, slots=True)
class SignatureInfo:
    """A signature that holds; `fingerprint` is the SHA-256 of the public key's SPKI, in hex."""

    fingerprint: str
    signer: str
    signed_at: datetime


def signature_path(path: Path) -> Path:
    """Give the place of a rig file's signature."""
    return path.with_name(path.name + ".sig")


def sign(path: Path, private_key_pem: bytes, signer: str, now: datetime, *, key_place: str = "") -> Path:
    """Sign a rig file as it stands and write the signature beside it; returns its path. `key_place` is where the key was read.

    Raises InputError when the key is not an unencrypted Ed25519 key in PEM or the file cannot be read.
    """
    try:
        key = load_pem_private_key(private_key_pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError("the key cannot be read", where=key_place, remedy="give an unencrypted Ed25519 key in PEM") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError("the key is not an Ed25519 key", where=key_place, remedy="make one: openssl genpkey -algorithm ed25519")
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    document = {
        "algorithm": "ed25519",
        "public_key": base64.b64encode(spki).decode(),
        "signature": base64.b64encode(key.sign(_read(path))).decode(),
        "signed_at": now.astimezone(UTC).isoformat(),
        "signer": signer,
    }
    beside = signature_path(path)
    try:
        beside.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise EnvironmentFault(f"{beside}: cannot be written: {error.strerror}") from error
    return beside


def verify(path: Path) -> SignatureInfo:
    """Verify the signature beside a rig file; raises InputError saying what is wrong with it."""
    return verify_bytes(_read(path), signature_path(path))


def verify_bytes(data: bytes, beside: Path) -> SignatureInfo:
    """Verify the signature file `beside` over the bytes of a rig file; raises InputError saying what is wrong with it."""
    where = beside.name
    document = _document(_read(beside, SIGNATURE_SIZE_MAX), where)
    try:
        key = load_der_public_key(_base64(document["public_key"]))
        signature = _base64(document["signature"])
        signed_at = datetime.fromisoformat(document["signed_at"])
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InputError(f"the signature cannot be read: {error}", where=where, remedy=_SIGN_AGAIN) from error
    if not isinstance(key, Ed25519PublicKey):
        raise InputError("the public key is not an Ed25519 key", where=where, remedy=_SIGN_AGAIN)
    if signed_at.tzinfo is None:
        raise InputError("signed_at has no offset from UTC", where=where, remedy=_SIGN_AGAIN)
    try:
        key.verify(signature, data)
    except InvalidSignature as error:
        message = "the rig file was changed since it was signed, or the signature belongs to another file"
        raise InputError(message, where=where, remedy=f"{_SIGN_AGAIN}, or restore the file that they signed") from error
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return SignatureInfo(hashlib.sha256(spki).hexdigest(), document["signer"], signed_at.astimezone(UTC))


def _document(raw: bytes, where: str) -> dict[str, str]:
    try:
        document = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError("the signature is not JSON", where=where, remedy=_SIGN_AGAIN) from error
    if not isinstance(document, dict) or set(document) != _KEYS or not all(isinstance(value, str) for value in document.values()):
        raise InputError(f"the signature wants the keys {', '.join(sorted(_KEYS))}, all text", where=where, remedy=_SIGN_AGAIN)
    if document["algorithm"] != "ed25519":
        raise InputError(f"algorithm {document['algorithm'][:40]!r} is not known", where=where, remedy="sign with ed25519")
    return document


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from error


def _read(path: Path, size_max: int | None = None) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read() if size_max is None else file.read(size_max + 1)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path), remedy="check the path and its permissions") from error
    if size_max is not None and len(data) > size_max:
        raise InputError(f"larger than {size_max} bytes", where=path.name, remedy=_SIGN_AGAIN)
    return data
