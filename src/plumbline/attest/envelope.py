"""Envelopes: statements of ours under signatures, in DSSE (Dead Simple Signing Envelope, v1), as one file of JSON.

    {
     "payload": base64 of the statement,
     "payloadType": "application/vnd.in-toto+json",
     "signatures": [
      {
       "keyid": fingerprint of the key (see `keys`),
       "sig": base64 of the signature over PAE(payloadType, payload),
       "public_key": the key in PEM,
       "timestamps": [{"response": base64 of a TimeStampResp over the bytes of the signature (RFC 3161), "sha256": its digest}]
      }
     ]
    }

`public_key` and `timestamps` are members that DSSE leaves to us, so that a seal can be checked with nothing else at hand; such a key
proves that nothing changed since, never who signed. Not what a statement says (`statement`).

Rules: one form only, byte for byte: an envelope that says the same in other bytes is refused, so that no byte of the file goes unchecked.
What is read is hostile: its size is capped, its shape exact.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from securesystemslib.dsse import Envelope as Dsse
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import Signature as DsseSignature  # type: ignore[attr-defined]
from securesystemslib.signer import Signer  # type: ignore[attr-defined]

from plumbline.attest.keys import fingerprint, parse_public, public_pem, verifying_key
from plumbline.attest.plain_files import read_plain
from plumbline.evidence.parts import atomic
from plumbline.model.errors import InputError, ProtocolError
from plumbline.protocols import strict_json

PAYLOAD_TYPE = "application/vnd.in-toto+json"
SIZE_MAX = 256 << 20  # a million files in one seal are about 170 MB
SIGNATURES_MAX = 64
TIMESTAMPS_MAX = 16
_MEMBERS = ["payload", "payloadType", "signatures"]
_OF_SIGNATURE = ["keyid", "sig", "public_key", "timestamps"]


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature: its bytes, its key in PEM and that key's fingerprint, and responses of timestamp authorities (DER)."""

    fingerprint: str
    sig: bytes
    public_key: str
    timestamps: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Envelope:
    """A statement's bytes, and who signed them."""

    payload: bytes
    signatures: tuple[Signature, ...] = ()

    def signed(self, signer: Signer) -> Envelope:
        """Give the envelope with one more signature; raises InputError when that key has signed it already."""
        key = signer.public_key._crypto_key()  # type: ignore[attr-defined]  # the library has no public way to it
        mine = fingerprint(key)
        if any(mine == one.fingerprint for one in self.signatures):
            raise InputError("is sealed with this key already", where=mine, remedy="countersign with another key, or leave it as it is")
        made = Dsse(self.payload, PAYLOAD_TYPE, {}).sign(signer)
        return replace(self, signatures=(*self.signatures, Signature(mine, bytes.fromhex(made.signature), public_pem(key))))

    def digest(self) -> str:
        """Give the SHA-256 of the payload, in hex: by it other statements name this one."""
        return hashlib.sha256(self.payload).hexdigest()

    def holds(self, signature: Signature) -> bool:
        """Tell whether one of its signatures is its key's, over this payload."""
        key = verifying_key(parse_public(signature.public_key), signature.fingerprint)
        try:
            key.verify_signature(DsseSignature(key.keyid, signature.sig.hex()), Dsse(self.payload, PAYLOAD_TYPE, {}).pae())
        except UnverifiedSignatureError:
            return False
        return True

    def document(self) -> dict[str, Any]:
        """Give the envelope as JSON values, its members in their order."""
        signatures = [
            {
                "keyid": one.fingerprint,
                "sig": _encoded(one.sig),
                "public_key": one.public_key,
                "timestamps": [{"response": _encoded(token), "sha256": hashlib.sha256(token).hexdigest()} for token in one.timestamps],
            }
            for one in self.signatures
        ]
        return {"payload": _encoded(self.payload), "payloadType": PAYLOAD_TYPE, "signatures": signatures}

    def to_bytes(self) -> bytes:
        """Give the bytes of its file."""
        return (json.dumps(self.document(), indent=1, ensure_ascii=False) + "\n").encode()

    def write(self, path: Path) -> None:
        """Write it, whole or not at all."""
        with atomic(path) as temporary:
            temporary.write_bytes(self.to_bytes())


def read_envelope(path: Path) -> Envelope:
    """Read a file; raises InputError when it cannot be read, ProtocolError when it is no envelope in the form above."""
    data = read_plain(path, SIZE_MAX)
    envelope = parse_envelope(decoded(data))
    if envelope.to_bytes() != data:
        raise ProtocolError("is not in the form in which envelopes are written")
    return envelope


def is_envelope(path: Path) -> bool:
    """Tell whether a file looks like an envelope of ours, which it need not be."""
    with suppress(OSError), path.open("rb") as file:
        return b'"payload"' in file.read(16)
    return False


def parse_envelope(document: Any) -> Envelope:
    """Read the JSON values of an envelope; raises ProtocolError when they are none."""
    if not isinstance(document, dict) or list(document) != _MEMBERS or document["payloadType"] != PAYLOAD_TYPE:
        raise ProtocolError(f"is no envelope of type {PAYLOAD_TYPE}")
    listed = document["signatures"]
    if not isinstance(listed, list) or not 1 <= len(listed) <= SIGNATURES_MAX:
        raise ProtocolError("has no signature, or too many")
    envelope = Envelope(_decoded(document["payload"]), tuple(_signature(one) for one in listed))
    if len({one.fingerprint for one in envelope.signatures}) != len(envelope.signatures):
        raise ProtocolError("has two signatures of one key")
    return envelope


def decoded(data: bytes) -> Any:
    """Read bytes as strict JSON in UTF-8, no member of which stands twice; raises ProtocolError."""
    try:
        return strict_json.parse(data.decode("utf-8"), unique=True)
    except UnicodeDecodeError as error:
        raise ProtocolError("is not UTF-8", offset=error.start) from error


def _signature(entry: Any) -> Signature:
    if not isinstance(entry, dict) or list(entry) != _OF_SIGNATURE:
        raise ProtocolError(f"has a signature without the members {', '.join(_OF_SIGNATURE)}")
    keyid, pem, tokens = entry["keyid"], entry["public_key"], entry["timestamps"]
    if not isinstance(keyid, str) or not isinstance(pem, str) or not isinstance(tokens, list) or len(tokens) > TIMESTAMPS_MAX:
        raise ProtocolError("has a signature of another form")
    try:
        key = parse_public(pem)
    except ValueError as error:
        raise ProtocolError(f"has a signature with {error}") from error
    if fingerprint(key) != keyid:
        raise ProtocolError("has a signature whose key is not the one that it names")
    return Signature(keyid, _decoded(entry["sig"]), pem, tuple(map(_timestamp, tokens)))


def _timestamp(entry: Any) -> bytes:
    if not isinstance(entry, dict) or list(entry) != ["response", "sha256"]:
        raise ProtocolError("has a timestamp of another form")
    answer = _decoded(entry["response"])
    if hashlib.sha256(answer).hexdigest() != entry["sha256"]:
        raise ProtocolError("has a timestamp with another digest")
    return answer


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _decoded(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise ProtocolError("has base64 that is none") from error
