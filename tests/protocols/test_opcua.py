"""OPC UA: Hello to endpoints, byte for byte, in chunks, and against asyncua's encoder and decoder."""

from __future__ import annotations

import hashlib

import pytest

from plumbline.model.errors import ProtocolError
from plumbline.protocols.opcua import (
    MAX_MESSAGE,
    POLICY_NONE,
    Acknowledge,
    ChannelOpened,
    Endpoint,
    Endpoints,
    Event,
    Failure,
    Hello,
    OpcUaDecoder,
    Other,
    SecuredOpen,
    SecurityMode,
    TokenType,
    UserToken,
    encode_close_channel,
    encode_get_endpoints,
    encode_hello,
    encode_open_channel,
)
from plumbline.protocols.opcua_types import encode_string as s
from plumbline.protocols.opcua_types import encode_u32 as u32
from tests.protocols.fuzzing import FuzzTarget, one_by_one, stream_entry

URL = "opc.tcp://10.20.1.30:4840/"
POLICY_256 = "http://opcfoundation.org/UA/SecurityPolicy#Basic256Sha256"
CHANNEL = ChannelOpened(7, 9, 60_000)
CERTIFICATE = b"\x30\x82\x01\x00 certificate"


def h(text: str) -> bytes:
    return bytes.fromhex(text)


def chunk(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return kind + u32(8 + len(body)) + body


def response(status: int = 0) -> bytes:
    """A response header: time, handle 1, result, no diagnostics, no strings, no object (Part 4 7.34)."""
    return bytes(8) + u32(1) + u32(status) + h("00 ffffffff 00 00 00")


def opened(body: bytes) -> bytes:
    return chunk(b"OPNF", u32(7), s(POLICY_NONE), h("ffffffff ffffffff"), u32(1), u32(1), body)


def message(body: bytes, kind: bytes = b"MSGF", request: int = 2) -> bytes:
    return chunk(kind, u32(7), u32(9), u32(2), u32(request), body)


OPEN_RESPONSE = h("01 00 c101") + response() + u32(0) + u32(7) + u32(9) + bytes(8) + u32(60_000) + s(b"\x01")


def endpoint(policy: str, mode: int, certificate: bytes | None, tokens: list[bytes]) -> bytes:
    application = s("urn:plc") + s("urn:product") + h("02") + s("PLC 7") + u32(0) + s(None) + s(None) + u32(1) + s(URL)
    listed = u32(len(tokens)) + b"".join(tokens)
    transport = "http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary"
    return s(URL) + application + s(certificate) + u32(mode) + s(policy) + listed + s(transport) + bytes([mode])


ANONYMOUS = s("anon") + u32(0) + s(None) + s(None) + s(None)
USER = s("user") + u32(1) + s(None) + s(None) + s(POLICY_256)
ENDPOINTS = (
    h("01 00 af01")
    + response()
    + u32(2)
    + endpoint(POLICY_NONE, 1, None, [ANONYMOUS])
    + endpoint(POLICY_256, 3, CERTIFICATE, [USER, ANONYMOUS])
)
READ = Endpoints(
    (
        Endpoint(
            URL, "urn:plc", "urn:product", "PLC 7", SecurityMode.NONE, POLICY_NONE, (UserToken("anon", TokenType.ANONYMOUS, None),), 1, None
        ),
        Endpoint(
            URL, "urn:plc", "urn:product", "PLC 7", SecurityMode.SIGN_AND_ENCRYPT, POLICY_256,
            (UserToken("user", TokenType.USER_NAME, POLICY_256), UserToken("anon", TokenType.ANONYMOUS, None)), 3, CERTIFICATE,
        ),
    )
)  # fmt: skip

VECTORS: list[tuple[str, bytes, list[Event]]] = [
    ("Hello (7.1.2.3)", chunk(b"HELF", h("00000000 ffff0000 ffff0000 00000000 00000000"), s(URL)), [Hello(URL)]),
    (
        "Acknowledge (7.1.2.4)",
        h("41434b46 1c000000 00000000 00000100 ffff0000 00001000 05000000"),
        [Acknowledge(0, 65_536, 65_535, 1_048_576, 5)],
    ),
    ("Error (7.1.2.5)", chunk(b"ERRF", h("00007d80"), s("no such URL")), [Failure(0x807D0000, "no such URL")]),
    ("an error without a reason", chunk(b"ERRF", h("00007d80"), s(None)), [Failure(0x807D0000)]),
    ("a channel", opened(OPEN_RESPONSE), [CHANNEL]),
    ("a fault instead", opened(h("01 00 8d01") + response(0x80130000)), [Failure(0x80130000)]),
    ("endpoints", message(ENDPOINTS), [READ]),
    ("no endpoints", message(h("01 00 af01") + response() + h("ffffffff")), [Endpoints(())]),
    ("a fault instead of endpoints", message(h("01 00 8d01") + response(0x80830000)), [Failure(0x80830000)]),
    (
        "endpoints in three chunks",
        message(ENDPOINTS[:100], b"MSGC") + message(ENDPOINTS[100:101], b"MSGC") + message(ENDPOINTS[101:]),
        [READ],
    ),
    (
        "an aborted message (6.7.3)",
        message(ENDPOINTS[:50], b"MSGC") + message(u32(0x80B80000) + s("too big"), b"MSGA") + message(ENDPOINTS, request=3),
        [Failure(0x80B80000, "too big"), READ],
    ),
    (
        "a secured channel: named and counted",
        chunk(b"OPNF", u32(7), s(POLICY_256), s(CERTIFICATE), s(bytes(20)), bytes(256)) + message(bytes(64)) + message(bytes(9), b"MSGC"),
        [SecuredOpen(POLICY_256, hashlib.sha256(CERTIFICATE).hexdigest()), Other("MSG", 88), Other("MSG", 33)],
    ),
    ("a policy without a certificate", chunk(b"OPNF", u32(7), s("urn:x"), s(None), s(None)), [SecuredOpen("urn:x", None)]),
    ("another service (ReadRequest)", message(h("01 00 7702") + bytes(20)), [Other("MSG", 48, 631)]),
    ("a vendor's service", message(h("03 0100") + s("x")), [Other("MSG", 32, None)]),
    (
        "our own requests, as a capture shows them",
        encode_open_channel() + encode_get_endpoints(CHANNEL, URL) + encode_close_channel(CHANNEL),
        [Other("OPN", 132, 446), Other("MSG", 95, 428), Other("CLO", 57, 452)],
    ),
]  # fmt: skip
NAMES = [case[0] for case in VECTORS]


@pytest.mark.parametrize(("name", "data", "events"), VECTORS, ids=NAMES)
def test_vectors(name: str, data: bytes, events: list[Event]) -> None:
    decoder = OpcUaDecoder()
    assert decoder.feed(data) == events
    assert decoder.end() == []


@pytest.mark.parametrize(("name", "data", "events"), VECTORS, ids=NAMES)
def test_byte_at_a_time(name: str, data: bytes, events: list[Event]) -> None:
    decoder = OpcUaDecoder()
    assert [one for part in one_by_one(data) for one in decoder.feed(part)] == events


@pytest.mark.parametrize(("name", "data", "events"), VECTORS, ids=NAMES)
def test_every_truncation(name: str, data: bytes, events: list[Event]) -> None:
    for size in range(1, len(data)):
        decoder = OpcUaDecoder()
        seen = decoder.feed(data[:size])
        assert seen == events[: len(seen)]
        if len(seen) == len(events):
            raise AssertionError("all events before all bytes")
        try:
            decoder.end()
        except ProtocolError:
            continue
        assert seen, "an end without an error is right only between messages"


@pytest.mark.parametrize(("name", "body"), [("channel", OPEN_RESPONSE), ("endpoints", ENDPOINTS)])
def test_every_truncation_that_says_a_shorter_length(name: str, body: bytes) -> None:
    for size in range(len(body)):
        with pytest.raises(ProtocolError):
            OpcUaDecoder().feed(opened(body[:size]) if name == "channel" else message(body[:size]))


BROKEN = [
    ("an unknown type", b"XXXF" + u32(20) + bytes(12)),
    ("an intermediate Hello", b"HELC" + u32(20) + bytes(12)),
    ("a chunk type that is none", b"MSGX" + u32(30) + bytes(22)),
    ("an HTTP server", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    ("a size of 8", b"ACKF" + u32(8)),
    ("a size above the cap", b"MSGF" + u32(MAX_MESSAGE + 1)),
    ("an Acknowledge that is too long", h("41434b46 1d000000") + bytes(21)),
    ("an Acknowledge that is too short", h("41434b46 1b000000") + bytes(19)),
    ("an Error without a reason field", chunk(b"ERRF", u32(1))),
    ("a chunk of another request in between", message(b"\0", b"MSGC", 2) + message(b"\0", b"MSGF", 3)),
    ("security mode 4", message(h("01 00 af01") + response() + u32(1) + endpoint(POLICY_NONE, 4, None, []))),
    ("token type 4", message(h("01 00 af01") + response() + u32(1) + endpoint(POLICY_NONE, 1, None, [s(None) + u32(4) + s(None) * 3]))),
    ("more behind the endpoints", message(ENDPOINTS + b"\0")),
]


@pytest.mark.parametrize(("name", "data"), BROKEN, ids=[case[0] for case in BROKEN])
def test_broken_rules(name: str, data: bytes) -> None:
    with pytest.raises(ProtocolError):
        OpcUaDecoder().feed(data)


def test_chunks_without_end_are_limited() -> None:
    decoder = OpcUaDecoder()
    part = message(bytes(60_000), b"MSGC")
    for _ in range(MAX_MESSAGE // 60_000):
        assert decoder.feed(part) == []
    with pytest.raises(ProtocolError, match="more than"):
        decoder.feed(part)


def test_an_end_before_the_last_chunk() -> None:
    decoder = OpcUaDecoder()
    decoder.feed(message(ENDPOINTS[:100], b"MSGC"))
    with pytest.raises(ProtocolError, match="last chunk"):
        decoder.end()


def test_hello() -> None:
    assert encode_hello(URL) == chunk(b"HELF", h("00000000 00000100 00000100 00001000 00000000"), s(URL))
    with pytest.raises(ValueError, match="4,096"):
        encode_hello("x" * 4096)


def test_words() -> None:
    assert [mode.word for mode in SecurityMode] == ["Invalid", "None", "Sign", "SignAndEncrypt"]
    assert [token.word for token in TokenType] == ["Anonymous", "UserName", "Certificate", "IssuedToken"]
    assert [one.policy for one in READ.endpoints] == ["None", "Basic256Sha256"]
    assert [one.server_certificate_sha256 for one in READ.endpoints] == [None, hashlib.sha256(CERTIFICATE).hexdigest()]


def test_asyncua_reads_our_requests() -> None:
    ua = pytest.importorskip("asyncua.ua")
    binary = pytest.importorskip("asyncua.ua.ua_binary")
    utils = pytest.importorskip("asyncua.common.utils")

    def body(data: bytes, header: int) -> object:
        buffer = utils.Buffer(data[header:])
        binary.nodeid_from_binary(buffer)
        return buffer

    open_head = 8 + 4 + 4 + len(POLICY_NONE) + 4 + 4 + 8
    request = binary.struct_from_binary(ua.OpenSecureChannelRequest, utils.Buffer(encode_open_channel(lifetime_ms=5000)[open_head:]))
    assert request.TypeId == ua.NodeId(446)
    assert request.Parameters.RequestType == ua.SecurityTokenRequestType.Issue
    assert (request.Parameters.SecurityMode, request.Parameters.RequestedLifetime) == (ua.MessageSecurityMode.None_, 5000)
    asked = binary.struct_from_binary(ua.GetEndpointsRequest, utils.Buffer(encode_get_endpoints(CHANNEL, URL)[24:]))
    assert (asked.TypeId, asked.Parameters.EndpointUrl) == (ua.NodeId(428), URL)
    closed = binary.struct_from_binary(ua.CloseSecureChannelRequest, utils.Buffer(encode_close_channel(CHANNEL)[24:]))
    assert closed.TypeId == ua.NodeId(452)


def test_we_read_the_endpoints_of_asyncua() -> None:
    ua = pytest.importorskip("asyncua.ua")
    binary = pytest.importorskip("asyncua.ua.ua_binary")
    token = ua.UserTokenPolicy(PolicyId="c", TokenType=ua.UserTokenType.Certificate, SecurityPolicyUri=POLICY_256)
    application = ua.ApplicationDescription(ApplicationUri="urn:a", ProductUri="urn:p", ApplicationName=ua.LocalizedText("Plant", "en"))
    listed = ua.EndpointDescription(
        EndpointUrl=URL,
        Server=application,
        ServerCertificate=CERTIFICATE,
        SecurityMode=ua.MessageSecurityMode.Sign,
        SecurityPolicyUri=POLICY_256,
        UserIdentityTokens=[token],
        SecurityLevel=5,
    )
    answer = ua.GetEndpointsResponse(Endpoints=[listed])
    assert OpcUaDecoder().feed(message(binary.struct_to_binary(answer))) == [
        Endpoints(
            (
                Endpoint(
                    URL, "urn:a", "urn:p", "Plant", SecurityMode.SIGN, POLICY_256,
                    (UserToken("c", TokenType.CERTIFICATE, POLICY_256),), 5, CERTIFICATE,
                ),
            )
        )
    ]  # fmt: skip


def conversation(data: bytes) -> object:
    """Decode a server's stream and ask what its answers lead to."""
    events = OpcUaDecoder().feed(data)
    for event in events:
        if isinstance(event, ChannelOpened):
            encode_get_endpoints(event, URL)
            encode_close_channel(event)
        elif isinstance(event, Hello) and event.endpoint_url is not None and len(event.endpoint_url) < 1000:
            assert OpcUaDecoder().feed(encode_hello(event.endpoint_url)) == [event]
        elif isinstance(event, Endpoints):
            for one in event.endpoints:
                assert one.security_mode.word and (one.policy is None or one.policy_uri)
                assert one.server_certificate_sha256 is None or len(one.server_certificate_sha256) == 64
                assert all(token.token_type.word for token in one.user_tokens)
    return events


SEEDS = [data for _, data, _ in VECTORS]
FUZZ = [
    FuzzTarget("opcua", stream_entry(OpcUaDecoder), SEEDS),
    FuzzTarget("opcua/conversation", conversation, SEEDS, also=("opcua_types",)),
]
