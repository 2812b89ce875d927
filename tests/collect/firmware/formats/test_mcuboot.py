"""MCUboot images: version with build, digests, signatures of each kind, and the anti-rollback counter."""

from __future__ import annotations

import hashlib
import struct

import pytest

from plumbline.model.errors import ProtocolError
from tests.collect.firmware.formats.making_headers import PAYLOAD, mcuboot, tlvs
from tests.collect.firmware.formats.making_keys import ec_key, ed_key, rsa_key, spki
from tests.collect.firmware.formats.trying import opened, whole

KINDS = {"rsa": ("rsa", 2048), "rsa3072": ("rsa", 3072), "ec": ("ecdsa", 256), "ed": ("ed25519", 256)}
PRIVATE = {"rsa": lambda: rsa_key(2048), "rsa3072": lambda: rsa_key(3072), "ec": ec_key, "ed": ed_key}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("full", [True, False], ids=["key inside", "digest of the key inside"])
def test_signatures(kind: str, full: bool) -> None:
    found = opened("mcuboot", mcuboot(kind, full=full))
    [signature] = found.signatures
    assert (signature.algorithm, signature.key_bits) == KINDS[kind]
    assert signature.digest == "sha256" and signature.key_sha256 == hashlib.sha256(spki(PRIVATE[kind]())).hexdigest()
    assert signature.verified is (True if full else None)
    assert ("checked with the key that the image brings itself" in signature.covers) is full


def test_what_the_header_says() -> None:
    found = opened("mcuboot", mcuboot())
    header = found.header
    assert (header.version, header.security_version, header.checksum, header.encrypted) == ("1.4.2+7", 5, True, False)
    assert header.facts == {
        "flags": "none",
        "sha256": "holds",
        "depends_on": "image 1 from 1.2.0+3",
        "security_counter": "protected",
    }
    [part] = found.parts
    assert (part.source.place, whole(part.source), part.role) == (32, PAYLOAD, "firmware")


def test_without_a_signature_there_is_none() -> None:
    found = opened("mcuboot", mcuboot(None))
    assert found.signatures == () and found.header.checksum is True


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_image_does_not_verify(kind: str) -> None:
    good = mcuboot(kind)
    found = opened("mcuboot", good[:40] + b"\xaa" + good[41:])
    assert found.header.checksum is False and found.problems == ("its sha256 does not hold",)
    assert found.signatures[0].verified is False


def test_a_changed_signature_does_not_verify() -> None:
    good = mcuboot("rsa")
    found = opened("mcuboot", good[:-1] + bytes([good[-1] ^ 1]))
    assert found.header.checksum is True and found.signatures[0].verified is False


def test_the_image_itself_may_be_signed() -> None:
    good = mcuboot("ed", pure=True)
    assert opened("mcuboot", good).signatures[0].verified is True
    assert opened("mcuboot", good[:40] + b"\xaa" + good[41:]).signatures[0].verified is False


def test_of_an_encrypted_image_nothing_can_be_tried() -> None:
    found = opened("mcuboot", mcuboot("rsa", flags=0x8))
    assert (found.header.encrypted, found.header.checksum, found.header.facts["flags"]) == (True, None, "encrypted-aes256")
    assert found.signatures[0].verified is None and "checked" not in found.signatures[0].covers


def test_what_follows_is_not_taken() -> None:
    good = mcuboot("ec")
    assert opened("mcuboot", good + bytes(5000)).size == len(good)


HEAD = struct.pack("<4sIHHIIBBHI4x", b"\x3d\xb8\xf3\x96", 0, 32, 0, 4, 0, 1, 0, 0, 0) + b"code"
BROKEN = {
    "a TLV that runs over its area": HEAD + struct.pack("<HHHH", 0x6907, 8, 0x10, 32),
    "an area that runs over the file": HEAD + struct.pack("<HHHH", 0x6907, 4000, 0x10, 0),
    "an area of no size": HEAD + struct.pack("<HH", 0x6907, 0),
    "too many TLVs": HEAD + tlvs(0x6907, *[(0xA0, b"")] * 300),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_cannot_be(case: str) -> None:
    with pytest.raises(ProtocolError):
        opened("mcuboot", BROKEN[case])


def test_a_key_that_is_none_is_passed_over() -> None:
    digest = hashlib.sha256(HEAD).digest()
    found = opened("mcuboot", HEAD + tlvs(0x6907, (0x10, digest), (0x02, b"no key"), (0x24, bytes(64))))
    assert found.header.checksum is True
    assert (found.signatures[0].verified, found.signatures[0].key_sha256) == (None, None)
