"""SNMP messages of all versions, byte for byte, and against another implementation."""

from __future__ import annotations

import pytest

from plumbline.model.errors import ProtocolError
from plumbline.protocols import ber
from plumbline.protocols.snmp import (
    MAX_BINDINGS,
    Absent,
    Binding,
    CommunityMessage,
    EngineId,
    Message,
    Pdu,
    PduKind,
    UsmMessage,
    Version,
    decode,
    decode_scoped_pdu,
    encode_discovery,
    encode_get,
    encode_pdu,
    encode_scoped_pdu,
    read_engine_id,
)
from tests.protocols.fuzzing import FuzzTarget

SYS_DESCR = "1.3.6.1.2.1.1.1.0"
UNKNOWN_ENGINE_IDS = "1.3.6.1.6.3.15.1.1.4.0"
ENGINE = bytes.fromhex("80001f8803 24a43c100001")


def h(text: str) -> bytes:
    return bytes.fromhex(text)


def t(tag: int, *parts: bytes) -> bytes:
    """One tag with a short length, by hand."""
    body = b"".join(parts)
    assert len(body) < 128
    return bytes([tag, len(body)]) + body


GET_V2C = h("30 26 02 01 01 04 06") + b"public" + h("a0 19 02 01 01 02 01 00 02 01 00 30 0e 30 0c 06 08 2b06010201010100 05 00")
GET_V1 = GET_V2C.replace(h("02 01 01 04"), h("02 01 00 04"))
DISCOVERY = h(
    "30 38 02 01 03"
    "30 0e 02 01 01 02 03 00ffe3 04 01 04 02 01 03"  # msgID 1, 65,507 bytes, reportable, USM
    "04 10 30 0e 04 00 02 01 00 02 01 00 04 00 04 00 04 00"  # no engine, no user
    "30 11 04 00 04 00 a0 0b 02 01 01 02 01 00 02 01 00 30 00"
)


def report(counter: str = UNKNOWN_ENGINE_IDS, flags: str = "00") -> bytes:
    """A Report as RFC 3414 section 4 has it: engine id, 5 boots, 1,000 s, the counter at 7."""
    header = t(0x30, h("02 01 01 02 02 05c0"), t(0x04, h(flags)), h("02 01 03"))
    usm = t(0x30, t(0x04, ENGINE), h("02 01 05 02 02 03e8 04 00 04 00 04 00"))
    bindings = t(0x30, t(0x30, ber.encode_oid(counter), h("41 01 07")))
    pdu = t(0xA8, h("02 01 01 02 01 00 02 01 00"), bindings)
    return t(0x30, h("02 01 03"), header, t(0x04, usm), t(0x30, t(0x04, ENGINE), h("04 00"), pdu))


ENCRYPTED = t(
    0x30,
    h("02 01 03"),
    t(0x30, h("02 01 09 02 02 05c0 04 01 03 02 01 03")),
    t(0x04, t(0x30, t(0x04, ENGINE), h("02 01 05 02 02 03e8"), t(0x04, b"ops"), t(0x04, bytes(12)), t(0x04, bytes(8)))),
    t(0x04, bytes(16)),
)


def response(*bindings: bytes, version: int = 1, status: int = 0, index: int = 0) -> bytes:
    pdu = t(0xA2, h("02 01 01"), bytes([2, 1, status, 2, 1, index]), t(0x30, *bindings))
    return t(0x30, bytes([2, 1, version]), t(0x04, b"public"), pdu)


def binding(value: bytes, oid: str = "1.3.1") -> bytes:
    return t(0x30, ber.encode_oid(oid), value)


def answered(*bindings: Binding, version: Version = Version.V2C, status: int = 0, index: int = 0) -> CommunityMessage:
    return CommunityMessage(version, Pdu(PduKind.RESPONSE, 1, status, index, bindings), b"public")


VALUES: list[tuple[str, str, int | str | bytes | Absent]] = [
    ("INTEGER", "02 01 ff", -1),
    ("OCTET STRING", "04 03 414243", b"ABC"),
    ("NULL", "05 00", Absent.NULL),
    ("OBJECT IDENTIFIER", "06 03 2b0601", "1.3.6.1"),
    ("IpAddress", "40 04 0a140101", "10.20.1.1"),
    ("Counter32", "41 05 00ffffffff", 0xFFFFFFFF),
    ("Counter32 without its sign byte", "41 04 ffffffff", 0xFFFFFFFF),
    ("Counter32 without its sign byte, padded length", "41 81 04 ffffffff", 0xFFFFFFFF),
    ("Gauge32", "42 01 64", 100),
    ("TimeTicks", "43 03 015180", 86_400),
    ("Opaque", "44 02 0102", b"\x01\x02"),
    ("Counter64", "46 09 00ffffffffffffffff", 0xFFFFFFFFFFFFFFFF),
    ("noSuchObject", "80 00", Absent.NO_SUCH_OBJECT),
    ("noSuchInstance", "81 00", Absent.NO_SUCH_INSTANCE),
    ("endOfMibView", "82 00", Absent.END_OF_MIB_VIEW),
]

GET = Pdu(PduKind.GET, 1, 0, 0, (Binding(SYS_DESCR, Absent.NULL),))
VECTORS: list[tuple[str, bytes, Message]] = [
    ("v2c GET of sysDescr.0", GET_V2C, CommunityMessage(Version.V2C, GET, b"public")),
    ("v1 GET of sysDescr.0", GET_V1, CommunityMessage(Version.V1, GET, b"public")),
    ("response", response(binding(h("04 02 6869"), SYS_DESCR)), answered(Binding(SYS_DESCR, b"hi"))),
    ("v1 noSuchName", response(version=0, status=2, index=1), answered(version=Version.V1, status=2, index=1)),
    ("discovery", DISCOVERY, UsmMessage(1, False, False, True, b"", 0, 0, b"", Pdu(PduKind.GET, 1, 0, 0))),
    (
        "its Report",
        report(),
        UsmMessage(1, False, False, False, ENGINE, 5, 1000, b"", Pdu(PduKind.REPORT, 1, 0, 0, (Binding(UNKNOWN_ENGINE_IDS, 7),))),
    ),
    ("an encrypted message", ENCRYPTED, UsmMessage(9, True, True, False, ENGINE, 5, 1000, b"ops", None)),
    (
        "a v1 trap",
        t(0x30, h("02 01 00"), t(0x04, b"traps"), t(0xA4, h("06 03 2b0601 40 04 0a140101 02 01 06 02 01 01 43 01 00 30 00"))),
        CommunityMessage(Version.V1, Pdu(PduKind.TRAP_V1), b"traps"),
    ),
    (
        "a GetBulk",
        t(0x30, h("02 01 01"), t(0x04, b"x"), t(0xA5, h("02 01 01 02 01 00 02 01 0a 30 00"))),
        CommunityMessage(Version.V2C, Pdu(PduKind.GET_BULK, 1, 0, 0), b"x"),
    ),
    ("padded lengths, as net-snmp sends them", h("30 82 0026") + GET_V2C[2:], CommunityMessage(Version.V2C, GET, b"public")),
]
NAMES = [case[0] for case in VECTORS]


@pytest.mark.parametrize(("name", "data", "message"), VECTORS, ids=NAMES)
def test_vectors(name: str, data: bytes, message: Message) -> None:
    assert decode(data) == message


@pytest.mark.parametrize(("name", "data", "message"), VECTORS, ids=NAMES)
def test_every_truncation(name: str, data: bytes, message: Message) -> None:
    for size in range(len(data)):
        with pytest.raises(ProtocolError):
            decode(data[:size])


@pytest.mark.parametrize(("name", "data", "message"), VECTORS, ids=NAMES)
def test_bytes_behind_the_message(name: str, data: bytes, message: Message) -> None:
    with pytest.raises(ProtocolError, match="left over"):
        decode(data + b"\0")


@pytest.mark.parametrize(("name", "wire", "value"), VALUES, ids=[case[0] for case in VALUES])
def test_values(name: str, wire: str, value: int | str | bytes | Absent) -> None:
    message = decode(response(binding(h(wire))))
    assert message.pdu is not None
    [one] = message.pdu.bindings
    assert one == Binding("1.3.1", value)
    assert type(one.value) is type(value)


def test_our_requests() -> None:
    assert encode_get(Version.V2C, b"public", 1, [SYS_DESCR]) == GET_V2C
    assert encode_get(Version.V1, b"public", 1, [SYS_DESCR]) == GET_V1
    assert encode_discovery(1, 1) == DISCOVERY
    with pytest.raises(ValueError, match="no community"):
        encode_get(Version.V3, b"public", 1, [SYS_DESCR])


BROKEN = [
    ("nothing", b""),
    ("version 2, which was given up", GET_V2C.replace(h("02 01 01 04"), h("02 01 02 04"))),
    ("no sequence", h("02 01 01")),
    ("an unknown PDU", GET_V2C.replace(h("a0 19"), h("a9 19"))),
    ("an unknown value", response(binding(h("45 01 00")))),
    ("an IpAddress of five bytes", response(binding(h("40 05 0a14010101")))),
    ("an IpAddress of three bytes", response(binding(h("40 03 0a1401")))),
    ("NULL with a value", response(binding(h("05 01 00")))),
    ("a binding of three parts", response(t(0x30, h("06 01 2b 05 00 05 00")))),
    (
        "flags of two bytes",
        DISCOVERY.replace(h("30 0e 02 01 01"), h("30 0f 02 01 01"))
        .replace(h("04 01 04"), h("04 02 04 00"))
        .replace(h("30 38"), h("30 39")),
    ),
    ("another security model", DISCOVERY.replace(h("04 01 04 02 01 03"), h("04 01 04 02 01 02"))),
]


@pytest.mark.parametrize(("name", "data"), BROKEN, ids=[case[0] for case in BROKEN])
def test_broken_rules(name: str, data: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(data)


def test_the_number_of_bindings_is_limited() -> None:
    def message(count: int) -> bytes:
        bindings = ber.encode_sequence(*[binding(h("05 00"))] * count)
        pdu = ber.encode_sequence(h("02 01 01 02 01 00 02 01 00"), bindings, tag=0xA2)
        return ber.encode_sequence(h("02 01 01 04 00"), pdu)

    decode(message(MAX_BINDINGS))
    with pytest.raises(ProtocolError, match="bindings"):
        decode(message(MAX_BINDINGS + 1))


REPORTS = [
    ("1.3.6.1.6.3.15.1.1.1.0", "unsupported_security_levels"),
    ("1.3.6.1.6.3.15.1.1.4.0", "unknown_engine_ids"),
    ("1.3.6.1.6.3.15.1.1.6.0", "decryption_errors"),
    ("1.3.6.1.6.3.15.1.1.9.0", None),
    ("1.3.6.1.2.1.11.1.0", None),
]


@pytest.mark.parametrize(("oid", "word"), REPORTS)
def test_which_counter_a_report_names(oid: str, word: str | None) -> None:
    message = decode(report(oid))
    assert message.pdu is not None
    assert message.pdu.usm_report == word


def test_only_reports_name_counters() -> None:
    assert Pdu(PduKind.RESPONSE, 1, 0, 0, (Binding(UNKNOWN_ENGINE_IDS, 1),)).usm_report is None


def test_secrets_do_not_show() -> None:
    assert "public" not in repr(decode(GET_V2C))
    assert "ops" not in repr(decode(ENCRYPTED))


ENGINES = [
    ("MAC", "80001f8803 24a43c100001", EngineId(8072, mac="24:a4:3c:10:00:01")),
    ("IPv4", "8000000901 0a140101", EngineId(9, address="10.20.1.1")),
    ("IPv6", "8000000902 fe800000000000000000000000000001", EngineId(9, address="fe80::1")),
    ("text", "8000000904 706c6331", EngineId(9, text="plc1")),
    ("bytes", "8000000905 01020304", EngineId(9)),
    ("the enterprise's own", "80001f8880 e95a", EngineId(8072)),
    ("a MAC of the wrong length", "8000000903 0102", EngineId(9)),
    ("before RFC 3411: twelve bytes of the enterprise's own", "000000090300d0bab1c50000", EngineId(9)),
]


@pytest.mark.parametrize(("name", "wire", "engine"), ENGINES, ids=[case[0] for case in ENGINES])
def test_engine_ids(name: str, wire: str, engine: EngineId) -> None:
    assert read_engine_id(h(wire)) == engine


@pytest.mark.parametrize("size", [0, 4, 33])
def test_engine_ids_of_a_wrong_length(size: int) -> None:
    with pytest.raises(ProtocolError):
        read_engine_id(bytes(size))


def test_another_decoder_reads_our_get() -> None:
    api = pytest.importorskip("pysnmp.proto.api")
    decoder = pytest.importorskip("pyasn1.codec.ber.decoder")
    v2c = api.PROTOCOL_MODULES[api.SNMP_VERSION_2C]
    message, rest = decoder.decode(encode_get(Version.V2C, b"public", 1234567, [SYS_DESCR, "1.3.6.1.2.1.1.2.0"]), asn1Spec=v2c.Message())
    pdu = v2c.apiMessage.get_pdu(message)
    assert (bytes(rest), bytes(v2c.apiMessage.get_community(message))) == (b"", b"public")
    assert int(v2c.apiPDU.get_request_id(pdu)) == 1234567
    assert [str(oid) for oid, _ in v2c.apiPDU.get_varbinds(pdu)] == [SYS_DESCR, "1.3.6.1.2.1.1.2.0"]


def test_we_read_the_answer_of_another_encoder() -> None:
    api = pytest.importorskip("pysnmp.proto.api")
    encoder = pytest.importorskip("pyasn1.codec.ber.encoder")
    v2c = api.PROTOCOL_MODULES[api.SNMP_VERSION_2C]
    pdu = v2c.GetResponsePDU()
    v2c.apiPDU.set_defaults(pdu)
    v2c.apiPDU.set_request_id(pdu, 99)
    v2c.apiPDU.set_varbinds(
        pdu, [((1, 3, 6, 1, 2, 1, 1, 1, 0), v2c.OctetString("Northwind PLC")), ((1, 3, 6, 1, 2, 1, 1, 3, 0), v2c.TimeTicks(4294967295))]
    )
    message = v2c.Message()
    v2c.apiMessage.set_defaults(message)
    v2c.apiMessage.set_community(message, "public")
    v2c.apiMessage.set_pdu(message, pdu)
    read = decode(encoder.encode(message))
    assert read.pdu == Pdu(PduKind.RESPONSE, 99, 0, 0, (Binding(SYS_DESCR, b"Northwind PLC"), Binding("1.3.6.1.2.1.1.3.0", 0xFFFFFFFF)))


def test_another_decoder_reads_our_discovery() -> None:
    rfc3412 = pytest.importorskip("pysnmp.proto.mpmod.rfc3412")
    rfc3414 = pytest.importorskip("pysnmp.proto.secmod.rfc3414.service")
    decoder = pytest.importorskip("pyasn1.codec.ber.decoder")
    message, rest = decoder.decode(encode_discovery(42, 43), asn1Spec=rfc3412.SNMPv3Message())
    assert (bytes(rest), int(message["msgVersion"])) == (b"", 3)
    header = message["msgGlobalData"]
    assert (int(header["msgID"]), bytes(header["msgFlags"]), int(header["msgSecurityModel"])) == (42, b"\x04", 3)
    usm, _ = decoder.decode(bytes(message["msgSecurityParameters"]), asn1Spec=rfc3414.UsmSecurityParameters())
    assert (bytes(usm["msgAuthoritativeEngineId"]), int(usm["msgAuthoritativeEngineBoots"]), bytes(usm["msgUserName"])) == (b"", 0, b"")


BULK = h("a5 19 02 01 07 02 01 00 02 01 14 30 0e 30 0c 06 08 2b06010201010100 05 00")  # RFC 3416 4.2.3: 20 repetitions


def test_a_scoped_pdu_by_itself() -> None:
    assert encode_pdu(PduKind.GET_BULK, 7, [SYS_DESCR], repetitions=20) == BULK
    data = encode_scoped_pdu(ENGINE, BULK)
    assert data == t(0x30, t(0x04, ENGINE), h("04 00"), BULK)
    wanted = Pdu(PduKind.GET_BULK, 7, 0, 0, (Binding(SYS_DESCR, Absent.NULL),))
    assert decode_scoped_pdu(data) == decode_scoped_pdu(data + bytes(5), padded=True) == wanted
    with pytest.raises(ProtocolError, match="left over"):
        decode_scoped_pdu(data + bytes(5))


@pytest.mark.parametrize("kind", [PduKind.SET, PduKind.INFORM, PduKind.TRAP_V2])
def test_only_reading_requests_are_made(kind: PduKind) -> None:
    with pytest.raises(ValueError, match="no reading request"):
        encode_pdu(kind, 1, [SYS_DESCR])


def read(data: bytes) -> Message:
    """Decode, and what a message asks for, ask again."""
    message = decode(data)
    if isinstance(message, UsmMessage):
        if message.pdu is not None:
            assert message.pdu.usm_report is None or message.pdu.kind is PduKind.REPORT
        try:
            read_engine_id(message.engine_id)
        except ProtocolError:
            return message
    else:
        again = encode_get(message.version, message.community, 1, [one.oid for one in message.pdu.bindings])
        other = decode(again)
        assert isinstance(other, CommunityMessage)
        assert [one.oid for one in other.pdu.bindings] == [one.oid for one in message.pdu.bindings]
    return message


VALUE_SEEDS = [response(binding(h(wire))) for _, wire, _ in VALUES]
ENGINE_SEEDS = [h(wire) for _, wire, _ in ENGINES]
FUZZ = [
    FuzzTarget("snmp", read, [data for _, data, _ in VECTORS] + VALUE_SEEDS + [encode_discovery(1, 1), report(REPORTS[-1][0])]),
    FuzzTarget("snmp/engine", read_engine_id, ENGINE_SEEDS),
    FuzzTarget("snmp/scoped", decode_scoped_pdu, [encode_scoped_pdu(ENGINE, BULK)]),
]
