"""Which keys seal, how they are named, and how the one of a user is made."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from plumbline.attest.keys import load_fingerprint, load_signer, make_key, parse_public, user_key
from plumbline.model.errors import EnvironmentFault, InputError
from tests.attest.sealing import key, needs_openssl, no_passphrase


def test_a_user_key_is_theirs_alone_and_never_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    path = user_key()
    assert path == tmp_path / "plumbline" / "seal.pem"
    make_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes()
    with pytest.raises(InputError, match="exists already"):
        make_key(path)
    assert path.read_bytes() == before
    assert load_signer(path, no_passphrase).public_key.scheme == "ed25519"


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault, match="name a key with --key"):
        make_key(tmp_path / "file" / "seal.pem")


def test_an_encrypted_key(tmp_path: Path) -> None:
    pem = key(tmp_path / "key.pem", "ecdsa", b"plumb")
    assert load_signer(pem, lambda: b"plumb").public_key.scheme == "ecdsa-sha2-nistp256"
    with pytest.raises(InputError, match="check the passphrase"):
        load_signer(pem, lambda: b"line")


def _of(private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


NO_KEYS = {
    "RSA": (_of(rsa.generate_private_key(65537, 2048)), "of another kind"),
    "another curve": (_of(ec.generate_private_key(ec.SECP384R1())), "of another kind"),
    "a public key": (
        ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "cannot be read",
    ),
    "no key": (b"hello", "cannot be read"),
    "empty": (b"", "cannot be read"),
    "very long": (b"x" * 70_000, "larger than"),
}


@pytest.mark.parametrize(("data", "why"), NO_KEYS.values(), ids=NO_KEYS)
def test_no_key_that_seals(tmp_path: Path, data: bytes, why: str) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(data)
    path.chmod(0o600)
    with pytest.raises(InputError, match=why):
        load_signer(path, no_passphrase)


@pytest.mark.parametrize("order", [1, 2, 4, 8])
def test_a_key_of_nobody(order: int) -> None:
    """Under the first of them this signature holds over anything; so do others, under all of them."""
    points = {1: 1, 2: 2**255 - 20, 4: 0, 8: 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7}
    nobodys = Ed25519PublicKey.from_public_bytes(points[order].to_bytes(32, "little"))
    if order == 1:
        nobodys.verify(b"\x01" + bytes(63), b"anything")
    with pytest.raises(ValueError, match="no public key of a kind that seals"):
        parse_public(nobodys.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


def test_a_key_that_others_can_read(tmp_path: Path) -> None:
    pem = key(tmp_path / "key.pem")
    pem.chmod(0o644)
    with pytest.raises(InputError, match="open to other users"):
        load_signer(pem, no_passphrase)


@needs_openssl
@pytest.mark.system
def test_signers_are_named_by_key_certificate_or_fingerprint(tmp_path: Path) -> None:
    pem = key(tmp_path / "key.pem", "ecdsa")
    subprocess.run(["openssl", "pkey", "-in", pem, "-pubout", "-out", tmp_path / "pub.pem"], check=True)
    subprocess.run(
        ["openssl", "req", "-x509", "-new", "-key", pem, "-subj", "/CN=auditor", "-out", tmp_path / "cert.pem", "-days", "2"], check=True
    )
    digits = load_fingerprint(str(tmp_path / "pub.pem"))
    assert digits == load_signer(pem, no_passphrase).public_key.keyid
    assert load_fingerprint(str(tmp_path / "cert.pem")) == digits
    assert load_fingerprint(digits.upper()) == load_fingerprint(f"sha256:{digits}") == digits
    assert load_fingerprint(":".join(digits[at : at + 2] for at in range(0, 64, 2))) == digits
    with pytest.raises(InputError, match="is a private key"):
        load_fingerprint(str(pem))


@pytest.mark.parametrize("text", ["", "nowhere.pem", "ab12", "x" * 64, "\0"])
def test_no_signer(text: str) -> None:
    with pytest.raises(InputError):
        load_fingerprint(text)


def test_a_public_key_written_otherwise(tmp_path: Path) -> None:
    """The same key in other bytes is refused, for every byte of a seal counts."""
    pem = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    parse_public(pem)
    for other in (pem + "\n", pem.replace("\n", "\r\n"), "x" + pem, pem.strip(), "é"):
        with pytest.raises(ValueError, match="public key"):
            parse_public(other)
