"""Private keys in files: every form gives the digest of its public key; what only looks like one gives nothing."""

from __future__ import annotations

import base64
import hashlib
import random
import struct
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat, PublicFormat

from plumbline.collect.firmware.keys import find_keys, use_of

RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
DSA = dsa.generate_private_key(1024)
LOCK = BestAvailableEncryption(b"passphrase")
OPEN = NoEncryption()


def spki(key: Any) -> str:
    return hashlib.sha256(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def text(*parts: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def number(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big")


def dropbear(key: Any) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        n = key.private_numbers()
        return text(b"ssh-rsa", *map(number, (n.public_numbers.e, n.public_numbers.n, n.d, n.p, n.q)))
    if isinstance(key, ec.EllipticCurvePrivateKey):
        point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return text(b"ecdsa-sha2-nistp256", b"nistp256", point, number(key.private_numbers().private_value))
    if isinstance(key, dsa.DSAPrivateKey):
        d = key.private_numbers()
        q = d.public_numbers.parameter_numbers
        return text(b"ssh-dss", *map(number, (q.p, q.q, q.g, d.public_numbers.y, d.x)))
    seed = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, OPEN)
    return text(b"ssh-ed25519", seed + key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))


PEM, DER = Encoding.PEM, Encoding.DER
OLD, PKCS8, SSH = PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8, PrivateFormat.OpenSSH
FORMS: dict[str, tuple[bytes, Any, str, int]] = {
    "PKCS#1": (RSA.private_bytes(PEM, OLD, OPEN), RSA, "rsa", 2048),
    "SEC1": (EC.private_bytes(PEM, OLD, OPEN), EC, "ec", 256),
    "DSA": (DSA.private_bytes(PEM, OLD, OPEN), DSA, "dsa", 1024),
    "PKCS#8": (RSA.private_bytes(PEM, PKCS8, OPEN), RSA, "rsa", 2048),
    "PKCS#8 of Ed25519": (ED.private_bytes(PEM, PKCS8, OPEN), ED, "ed25519", 256),
    "OpenSSH": (ED.private_bytes(PEM, SSH, OPEN), ED, "ed25519", 256),
    "OpenSSH of RSA": (RSA.private_bytes(PEM, SSH, OPEN), RSA, "rsa", 2048),
    "DER": (RSA.private_bytes(DER, OLD, OPEN), RSA, "rsa", 2048),
    "DER PKCS#8": (EC.private_bytes(DER, PKCS8, OPEN), EC, "ec", 256),
    "dropbear RSA": (dropbear(RSA), RSA, "rsa", 2048),
    "dropbear ECDSA": (dropbear(EC), EC, "ec", 256),
    "dropbear DSS": (dropbear(DSA), DSA, "dsa", 1024),
    "dropbear Ed25519": (dropbear(ED), ED, "ed25519", 256),
}


@pytest.mark.parametrize("case", FORMS)
def test_forms(case: str) -> None:
    data, key, kind, bits = FORMS[case]
    [found] = find_keys(data)
    assert (found.key_type, found.key_bits, found.encrypted, found.spki_sha256, found.offset) == (kind, bits, False, spki(key), 0)


def openssh_locked() -> bytes:
    """The form of an encrypted OpenSSH key (PROTOCOL.key), made here: the library needs another to encrypt."""
    blob = text(b"ssh-ed25519", ED.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
    body = b"openssh-key-v1\0" + text(b"aes256-ctr", b"bcrypt", text(bytes(16)) + bytes(4)) + b"\0\0\0\1" + text(blob, bytes(160))
    return b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + base64.encodebytes(body) + b"-----END OPENSSH PRIVATE KEY-----\n"


LOCKED = {
    "legacy": (RSA.private_bytes(PEM, OLD, LOCK), "rsa", None),
    "PKCS#8": (RSA.private_bytes(PEM, PKCS8, LOCK), None, None),
    "DER PKCS#8": (RSA.private_bytes(DER, PKCS8, LOCK), None, None),
    "OpenSSH, whose public half is in clear": (openssh_locked(), "ed25519", spki(ED)),
}


@pytest.mark.parametrize("case", LOCKED)
def test_encrypted(case: str) -> None:
    data, kind, digest = LOCKED[case]
    [found] = find_keys(data)
    assert (found.encrypted, found.key_type, found.spki_sha256) == (True, kind, digest)


def test_keys_within_a_program_have_their_offsets() -> None:
    data = b"\x7fELF" + bytes(1000) + FORMS["PKCS#1"][0] + bytes(77) + FORMS["OpenSSH"][0] + b"\xff"
    found = find_keys(data)
    assert [key.key_type for key in found] == ["rsa", "ed25519"]
    assert all(data[key.offset :].startswith(b"-----BEGIN ") for key in found)


PUBLIC = RSA.public_key().public_bytes(PEM, PublicFormat.SubjectPublicKeyInfo)
NONE = {
    "nothing": b"",
    "a public key": PUBLIC,
    "the words in a library": b"-----BEGIN RSA PRIVATE KEY-----\0-----END RSA PRIVATE KEY-----\0-----BEGIN PRIVATE KEY-----\0",
    "a page about keys": b"-----BEGIN RSA PRIVATE KEY-----\n...your key here...\n-----END RSA PRIVATE KEY-----\n",
    "encrypted, it says": b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n<yours>\n-----END ENCRYPTED PRIVATE KEY-----\n",
    "a key cut off": FORMS["PKCS#1"][0][:600],
    "a key with a byte changed to nonsense": FORMS["PKCS#1"][0].replace(b"MII", b"!!!", 1),
    "a public SSH blob": text(b"ssh-rsa", number(65537), number(RSA.public_key().public_numbers().n)),
    "a DER file of another kind": RSA.public_key().public_bytes(DER, PublicFormat.SubjectPublicKeyInfo),
    "a certificate request for nothing": b"0\x82\x01\x00" + bytes(256),
}


@pytest.mark.parametrize("case", NONE)
def test_not_a_key(case: str) -> None:
    assert find_keys(NONE[case]) == []


USES = {
    "/etc/ssh/ssh_host_rsa_key": "ssh_host",
    "/etc/dropbear/dropbear_ed25519_host_key": "ssh_host",
    "/etc/ssl/private/server.key": "tls",
    "/etc/lighttpd/server.pem": "tls",
    "/etc/uhttpd.key": "tls",
    "/root/.ssh/id_rsa": "other",
    "/usr/bin/agent": "other",
}


@pytest.mark.parametrize("path", USES)
def test_use(path: str) -> None:
    assert use_of(path, FORMS["PKCS#8"][0]) == USES[path]
    assert use_of(path, b"-----BEGIN CERTIFICATE-----") in ("tls", USES[path])


def test_changed_keys_give_keys_or_nothing() -> None:
    dice = random.Random(3)
    for data, *_ in (*FORMS.values(), *LOCKED.values()):
        for _ in range(60):
            bad = bytearray(data)
            for _ in range(dice.choice((1, 2, 6))):
                bad[dice.randrange(len(bad))] = dice.randrange(256)
            assert len(find_keys(bytes(bad[: dice.choice((len(bad), dice.randrange(len(bad) + 1)))]))) <= 1


def test_a_file_of_nothing_but_beginnings_ends() -> None:
    assert find_keys(b"-----BEGIN RSA PRIVATE KEY-----" * 200_000) == []
    assert find_keys(b"-----BEGIN RSA PRIVATE KEY-----\n-----END RSA PRIVATE KEY-----\n" * 100_000) == []
