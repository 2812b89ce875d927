"""Host key blobs: type, size, fingerprint."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa

from plumbline.model.errors import ProtocolError
from plumbline.protocols.ssh_keys import encode_string, parse_host_key
from tests.protocols.fuzzing import FuzzTarget, assert_any_cut

# A public key and the fingerprint that ssh-keygen -l printed for it.
KNOWN = "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"


def blob_of(key: rsa.RSAPublicKey | dsa.DSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey) -> bytes:
    line = key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return base64.b64decode(line.split()[1])


BLOBS = {
    "ssh-rsa": (blob_of(rsa.generate_private_key(65537, 2048).public_key()), 2048),
    "ecdsa-sha2-nistp256": (blob_of(ec.generate_private_key(ec.SECP256R1()).public_key()), 256),
    "ecdsa-sha2-nistp384": (blob_of(ec.generate_private_key(ec.SECP384R1()).public_key()), 384),
    "ecdsa-sha2-nistp521": (blob_of(ec.generate_private_key(ec.SECP521R1()).public_key()), 521),
    "ssh-ed25519": (base64.b64decode(KNOWN), 256),
    "ssh-ed448": (encode_string(b"ssh-ed448") + encode_string(bytes(57)), 448),
    "ssh-dss": (b"".join(map(encode_string, (b"ssh-dss", b"\x00\x80" + bytes(127), b"\x01", b"\x02", b"\x03"))), 1024),
    "ssh-rsa-cert-v01@openssh.com": (encode_string(b"ssh-rsa-cert-v01@openssh.com") + b"whatever", None),
}

BROKEN = {
    "no type": encode_string(b""),
    "a type that is no name": encode_string(b"ssh\xff"),
    "a type without end": b"\x00\x00\x01\x00" + b"x" * 256,
    "RSA with bytes left over": BLOBS["ssh-rsa"][0] + b"x",
    "RSA with a negative number": b"".join(map(encode_string, (b"ssh-rsa", b"\x03", b"\x80"))),
    "RSA with an empty number": b"".join(map(encode_string, (b"ssh-rsa", b"", b"\x03"))),
    "RSA of 32768 bits": b"".join(map(encode_string, (b"ssh-rsa", b"\x03", b"\x7f" * 4096))),
    "ECDSA with another curve": b"".join(map(encode_string, (b"ecdsa-sha2-nistp256", b"nistp384", bytes(65)))),
    "ECDSA with a short point": b"".join(map(encode_string, (b"ecdsa-sha2-nistp256", b"nistp256", bytes(64)))),
    "Ed25519 of 31 bytes": b"".join(map(encode_string, (b"ssh-ed25519", bytes(31)))),
}


@pytest.mark.parametrize("kind", BLOBS)
def test_key(kind: str) -> None:
    blob, bits = BLOBS[kind]
    key = parse_host_key(blob)
    assert (key.kind, key.bits, key.blob) == (kind, bits, blob)
    assert_any_cut(parse_host_key, blob)


def test_fingerprint_as_openssh_prints_it() -> None:
    fingerprint = parse_host_key(base64.b64decode(KNOWN)).fingerprint
    assert fingerprint == "SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA"


@pytest.mark.parametrize("blob", BROKEN.values(), ids=BROKEN)
def test_broken(blob: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_host_key(blob)


FUZZ = [FuzzTarget("ssh_keys", parse_host_key, [blob for blob, _ in BLOBS.values()] + list(BROKEN.values()))]
