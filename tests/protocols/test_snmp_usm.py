"""The user-based security model: RFC 3414's own keys, messages there and back, and what is not believed."""

from __future__ import annotations

import hmac
from dataclasses import replace

import pytest

from plumbline.model.errors import ProtocolError
from plumbline.protocols import ber
from plumbline.protocols.snmp import Binding, Pdu, PduKind, UsmMessage, decode, encode_pdu
from plumbline.protocols.snmp_usm import (
    FIELD_BYTES,
    KEY_BYTES,
    Keys,
    User,
    decrypted,
    encode_message,
    localised,
    open_message,
    password_key,
)
from tests.protocols.fuzzing import FuzzTarget, assert_any_cut

ENGINE = bytes.fromhex("000000000000000000000002")
OWN = bytes.fromhex("80001f8803 24a43c100001")
NAME = "1.3.6.1.2.1.1.5.0"

# RFC 3414 A.3.1, A.3.2: the password "maplesyrup", its key, and that key at ENGINE.
VECTORS = {
    "md5": ("9faf3283884e92834ebc9847d8edd963", "526f5eed9fcce26f8964c2930787d82b"),
    "sha1": ("9fb5cc0381497b3793528939ff788d5d79145211", "6695febc9288e36282235fc7151f128497b38f3f"),
}
LEVELS = [(auth, None) for auth in FIELD_BYTES] + [(auth, privacy) for auth in ("md5", "sha1", "sha512") for privacy in KEY_BYTES]


@pytest.mark.parametrize("authentication", VECTORS)
def test_keys_of_rfc_3414(authentication: str) -> None:
    ku, kul = VECTORS[authentication]
    key = password_key(authentication, b"maplesyrup")
    assert key.hex() == ku
    assert localised(authentication, key, ENGINE).hex() == kul
    assert User.make(b"bert", authentication, b"maplesyrup").at(ENGINE).key.hex() == kul


def test_the_privacy_key_has_its_own_password_and_is_prolonged() -> None:
    keys = User.make(b"bert", "sha1", b"another password", "aes256", b"maplesyrup").at(ENGINE)
    assert keys.sealing.hex().startswith(VECTORS["sha1"][1]) and len(keys.sealing) == KEY_BYTES["aes256"]
    assert keys.sealing[20:] == localised("sha1", b"", bytes.fromhex(VECTORS["sha1"][1]))[:12]  # the hash of the key before it
    assert len(User.make(b"bert", "sha1", b"maplesyrup", "des", b"maplesyrup").at(ENGINE).sealing) == 16


def test_a_short_password_is_no_key() -> None:
    with pytest.raises(ValueError, match="at least 8 bytes"):
        User.make(b"bert", "md5", b"maple12")


def keys_of(authentication: str = "sha1", privacy: str | None = "aes128") -> Keys:
    return User.make(b"bert", authentication, b"maplesyrup", privacy, b"sugarbush").at(OWN)


def request(keys: Keys, *, boots: int = 3, time_s: int = 1000) -> bytes:
    pdu = encode_pdu(PduKind.GET_BULK, 77, [NAME], repetitions=10)
    return encode_message(keys, message_id=9, boots=boots, time_s=time_s, salt=1 << 40 | 5, pdu=pdu)


@pytest.mark.parametrize(("authentication", "privacy"), LEVELS)
def test_there_and_back(authentication: str, privacy: str | None) -> None:
    keys = keys_of(authentication, privacy)
    data = request(keys)
    message = open_message(keys, data)
    assert (message.message_id, message.engine_id, message.engine_boots, message.engine_time_s) == (9, OWN, 3, 1000)
    assert (message.authenticated, message.encrypted, message.reportable) == (True, privacy is not None, True)
    assert message.pdu is not None and (message.pdu.request_id, [one.oid for one in message.pdu.bindings]) == (77, [NAME])
    assert (decode(data).pdu is None) == (privacy is not None)
    assert b"maplesyrup" not in data + repr(keys).encode() and b"bert" not in repr(message).encode()


def test_the_layout_of_an_authenticated_get() -> None:
    keys = keys_of("md5", None)
    data = encode_message(keys, message_id=1, boots=2, time_s=3, salt=0, pdu=encode_pdu(PduKind.GET, 4, [NAME]))
    usm = bytes.fromhex("04 0b") + OWN + bytes.fromhex("02 01 02 02 01 03 04 04") + b"bert" + bytes.fromhex("04 0c")
    assert usm in data and data.count(bytes.fromhex("02 01 03 30 0e 02 01 01 02 03 00ffe3 04 01 05 02 01 03")) == 1


def answer(keys: Keys, pdu: bytes, *, flags: int, user: bytes = b"bert", engine: bytes = OWN) -> bytes:
    """A message as an engine would write it, authenticated by hand."""
    scoped = ber.encode_sequence(ber.encode(4, engine), ber.encode(4, b""), pdu)
    header = ber.encode_sequence(ber.encode_integer(9), ber.encode_integer(1472), ber.encode(4, bytes([flags])), ber.encode_integer(3))

    def whole(mac: bytes) -> bytes:
        texts = (ber.encode(4, text) for text in (user, mac, b""))
        usm = ber.encode_sequence(ber.encode(4, engine), ber.encode_integer(3), ber.encode_integer(1000), *texts)
        return ber.encode_sequence(ber.encode_integer(3), header, ber.encode(4, usm), scoped)

    size = FIELD_BYTES[keys.authentication]
    return whole(hmac.digest(keys.key, whole(bytes(size)), keys.authentication)[:size]) if flags & 1 else whole(b"")


def report(counter: int) -> bytes:
    binding = ber.encode_sequence(ber.encode_oid(f"1.3.6.1.6.3.15.1.1.{counter}.0"), ber.encode_integer(1, 0x41))
    return ber.encode_sequence(*(ber.encode_integer(0) for _ in range(3)), ber.encode_sequence(binding), tag=PduKind.REPORT)


RESPONSE = ber.encode_sequence(
    *(ber.encode_integer(number) for number in (77, 0, 0)),
    ber.encode_sequence(ber.encode_sequence(ber.encode_oid(NAME), ber.encode(4, b"gateway"))),
    tag=PduKind.RESPONSE,
)
OLD = b"\x30\x0b\x02\x01\x01\x04\x00\xa4\x04\x30\x02\x05\x00"  # SNMPv2c
REPORTS = {3: "unknown_user_names", 5: "wrong_digests", 2: "not_in_time_windows", 6: "decryption_errors"}


@pytest.mark.parametrize("flags", [0, 1], ids=["without authentication", "authenticated"])
@pytest.mark.parametrize("counter", REPORTS)
def test_reports_are_given(counter: int, flags: int) -> None:
    keys = keys_of()
    message = open_message(keys, answer(keys, report(counter), flags=flags))
    assert message.pdu is not None and message.pdu.usm_report == REPORTS[counter]


def test_an_answer_that_is_authenticated() -> None:
    keys = keys_of("sha256", None)
    message = open_message(keys, answer(keys, RESPONSE, flags=1))
    assert message.pdu == Pdu(PduKind.RESPONSE, 77, 0, 0, (Binding(NAME, b"gateway"),))


def refused(keys: Keys, data: bytes, match: str) -> None:
    with pytest.raises(ProtocolError, match=match):
        open_message(keys, data)


def test_what_is_not_believed() -> None:
    keys, plain = keys_of(), keys_of("sha1", None)
    good = request(keys)
    refused(keys, answer(keys, RESPONSE, flags=0), "without authentication")
    refused(keys, answer(keys, RESPONSE, flags=1), "in clear, where privacy was asked for")
    refused(plain, good, "no privacy was asked for")
    refused(plain, answer(plain, RESPONSE, flags=1, user=b"else"), "another user")
    refused(plain, answer(plain, RESPONSE, flags=1, engine=OWN[:-1]), "another engine")
    refused(keys, OLD, "another version")
    changed = bytearray(good)
    changed[-1] ^= 1
    refused(keys, bytes(changed), "digest is wrong")
    refused(keys_of("md5"), good, "digest is wrong")
    refused(replace(keys, key=bytes(20)), good, "digest is wrong")


def sealed(privacy: str, body: bytes, salt: bytes = bytes(8), boots: int = 3) -> tuple[Keys, UsmMessage]:
    keys = keys_of("sha1", privacy)
    return keys, UsmMessage(9, True, True, False, OWN, boots, 1000, b"bert", None, b"", 0, salt, body)


@pytest.mark.parametrize(
    ("privacy", "body", "salt", "boots", "match"),
    [
        ("des", bytes(15), bytes(8), 3, "no blocks of DES"),
        ("des", b"", bytes(8), 3, "no blocks of DES"),
        ("aes128", bytes(16), bytes(7), 3, "privacy parameters of 7 bytes"),
        ("aes128", bytes(16), bytes(8), -1, "outside 31 bits"),
        ("aes128", bytes(16), bytes(8), 1 << 40, "outside 31 bits"),
    ],
)
def test_what_cannot_be_decrypted(privacy: str, body: bytes, salt: bytes, boots: int, match: str) -> None:
    with pytest.raises(ProtocolError, match=match):
        decrypted(*sealed(privacy, body, salt, boots))


@pytest.mark.parametrize("privacy", [None, *KEY_BYTES])
def test_every_beginning(privacy: str | None) -> None:
    keys = keys_of("sha256", privacy)
    assert_any_cut(lambda data: open_message(keys, data), request(keys))


def open_as(authentication: str, privacy: str | None) -> FuzzTarget:
    keys = keys_of(authentication, privacy)
    seeds = [request(keys), request(keys, boots=0, time_s=0), answer(keys, report(3), flags=0), answer(keys, report(2), flags=1)]
    seeds.append(answer(keys, RESPONSE, flags=1))  # refused where there is privacy
    seeds.append(request(keys_of(authentication, "aes128" if privacy is None else None)))  # refused: of the other level
    seeds.append(OLD)
    return FuzzTarget(f"snmp_usm/{authentication}-{privacy}", lambda data: open_message(keys, data), seeds)


def decrypt_as(privacy: str) -> FuzzTarget:
    """A message whose digest is right: the first bytes are its salt and boots, the rest is encrypted."""
    keys, message = sealed(privacy, b"")

    def entry(data: bytes) -> bytes:
        cut = data[0] % 9 if data else 8
        boots = int.from_bytes(data[1:6], "big", signed=True)
        salt = data[:cut].ljust(cut, b"\0") if data else bytes(8)
        return decrypted(keys, replace(message, sealed=data[8:], privacy=salt, engine_boots=boots))

    return FuzzTarget(f"snmp_usm/{privacy}", entry, [bytes([8]) + bytes(7) + bytes(16), bytes([8, 0, 0, 0, 0, 3, 0, 0]) + bytes(40)])


FUZZ = [
    open_as("sha256", None),
    open_as("md5", "des"),
    open_as("sha1", "aes128"),
    decrypt_as("des"),
    decrypt_as("aes256"),
]
