"""The owner's signature holds for exact bytes and one key, and for nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from plumbline.model.errors import InputError
from plumbline.rig.loading import load
from plumbline.rig.problems import RigErrors
from plumbline.rig.signature import sign, signature_path, verify
from tests.rig.rigs import BASE, NOW, make, private_key, write


def test_a_signed_file_verifies_and_names_its_key(tmp_path: Path) -> None:
    path, pem = write(tmp_path, BASE), private_key()
    assert sign(path, pem, "Head of operations", NOW) == tmp_path / "rig.toml.sig"
    spki = load_pem_private_key(pem, None).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    info = verify(path)
    assert info.fingerprint == hashlib.sha256(spki).hexdigest()
    assert (info.signer, info.signed_at) == ("Head of operations", NOW)


def test_a_signature_lets_default_logins_load(tmp_path: Path) -> None:
    rig = make(tmp_path, BASE.replace('"session"', '"credential"'), signed=True)
    assert rig.signature is not None
    assert rig.authorisation.needs_signature


def test_one_changed_byte_ends_it(tmp_path: Path) -> None:
    make(tmp_path, BASE, signed=True)
    path = write(tmp_path, BASE.replace("10.20.0.0/16", "10.20.0.0/15") + " ")
    with pytest.raises(InputError, match="changed since it was signed"):
        verify(path)
    with pytest.raises(RigErrors, match="changed since it was signed"):
        load(path)


def edit(path: Path, **changes: Any) -> None:
    beside = signature_path(path)
    document = json.loads(beside.read_text()) | changes
    beside.write_text(json.dumps({key: value for key, value in document.items() if value is not None}))


def spki_of(key: Any) -> str:
    return base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "other algorithm": ({"algorithm": "rsa"}, "is not known"),
    "missing key": ({"signer": None}, "wants the keys"),
    "further key": ({"comment": "x"}, "wants the keys"),
    "number for text": ({"signer": 7}, "wants the keys"),
    "not base64": ({"signature": "!!"}, "cannot be read"),
    "signature of another length": ({"signature": "AAAA"}, "changed since"),
    "another's key": ({"public_key": spki_of(ed25519.Ed25519PrivateKey.generate())}, "changed since"),
    "key of another kind": ({"public_key": spki_of(ec.generate_private_key(ec.SECP256R1()))}, "not an Ed25519 key"),
    "key of no kind": ({"public_key": "AAAA"}, "cannot be read"),
    "no date": ({"signed_at": "yesterday"}, "cannot be read"),
    "naive date": ({"signed_at": "2026-11-01T00:00:00"}, "no offset"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_signature_file_is_told_apart(tmp_path: Path, name: str) -> None:
    changes, message = BAD[name]
    make(tmp_path, BASE, signed=True)
    path = tmp_path / "rig.toml"
    edit(path, **changes)
    with pytest.raises(InputError, match=message):
        verify(path)
    with pytest.raises(RigErrors, match=r"rig\.toml\.sig"):
        load(path)


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"\xff", b"[" * 10_000, b"{}" + b" " * 20_000], ids=["empty", "list", "bytes", "nested", "large"]
)
def test_hostile_signature_files_are_refused(tmp_path: Path, raw: bytes) -> None:
    path = write(tmp_path, BASE)
    signature_path(path).write_bytes(raw)
    with pytest.raises(InputError):
        verify(path)


def test_a_signature_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        verify(write(tmp_path, BASE))


def pem_of(key: Any, encryption: Any = None) -> bytes:
    raw: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())
    return raw


@pytest.mark.parametrize(
    ("pem", "message"),
    [
        (b"not a key", "cannot be read"),
        (pem_of(ec.generate_private_key(ec.SECP256R1())), "not an Ed25519 key"),
        (pem_of(ed25519.Ed25519PrivateKey.generate(), BestAvailableEncryption(b"x")), "cannot be read"),
    ],
    ids=["no key", "another kind", "encrypted"],
)
def test_signing_wants_an_ed25519_key(tmp_path: Path, pem: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        sign(write(tmp_path, BASE), pem, "x", datetime(2026, 11, 1, tzinfo=UTC))
    assert not (tmp_path / "rig.toml.sig").exists()
