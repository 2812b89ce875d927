"""OPC UA over TCP: as much as asking a server for its endpoints takes (OPC 10000-6 "Part 6"; OPC 10000-4 "Part 4").

Not here: sessions, reading, writing, any security but policy None. Bodies on a channel with another policy are
encrypted or signed; they are named and counted, not read.

    offset  size  field                                                                        Part 6
    0       3     HEL, ACK, ERR, OPN, MSG or CLO                                               7.1.2.2, 6.7.2.2
    3       1     F final, C more chunks follow, A aborted (the last two in MSG only)
    4       4     size of the whole chunk, little-endian
    8       ...   HEL: version, receive and send buffer, message and chunk limits u32, URL     7.1.2.3
                  ACK: the same five numbers                                                   7.1.2.4
                  ERR: status code u32, reason String                                          7.1.2.5
                  OPN, MSG, CLO: secure channel id u32, then
                    OPN: policy URI, sender certificate, receiver thumbprint ByteStrings       6.7.2.3
                    MSG, CLO: token id u32                                                     6.7.2.3
                    sequence number u32, request id u32                                        6.7.2.4
                    body: NodeId of the type's binary encoding, then the type                  6.7.2
    request header   token NodeId, time, handle, diagnostics, audit id, timeout, ExtensionObject   Part 4 7.33
    response header  time, handle, result, DiagnosticInfo, String[], ExtensionObject               Part 4 7.34

Services: OpenSecureChannel (Part 4 5.6.2), CloseSecureChannel (5.6.3), GetEndpoints (5.5.4).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import IntEnum

from plumbline.model.errors import ProtocolError
from plumbline.protocols.framing import Extent, StreamDecoder
from plumbline.protocols.opcua_types import (
    NULL,
    encode_node_id,
    encode_string,
    encode_u32,
    read_array,
    read_bytes,
    read_localized_text,
    read_node_id,
    read_string,
    read_strings,
    skip_diagnostic_info,
    skip_extension_object,
)
from plumbline.protocols.reader import Reader

POLICY_NONE = "http://opcfoundation.org/UA/SecurityPolicy#None"
BUFFER = 64 * 1024  # what our Hello says that we accept in one chunk; the usual size of other clients
MAX_MESSAGE = 1024 * 1024  # of one chunk or many: certificates repeat in each endpoint; ten policies on ten addresses stay below 300 KiB
_HEADER = 8
_SEQUENCE_HEADER = 8
_SIGN_NONE = 1
_NO_TIME = bytes(8)


class TypeId(IntEnum):
    """Binary encodings of the types that are read or written (Part 6 annex A, NodeIds)."""

    SERVICE_FAULT = 397
    GET_ENDPOINTS_REQUEST = 428
    GET_ENDPOINTS_RESPONSE = 431
    OPEN_SECURE_CHANNEL_REQUEST = 446
    OPEN_SECURE_CHANNEL_RESPONSE = 449
    CLOSE_SECURE_CHANNEL_REQUEST = 452


class SecurityMode(IntEnum):
    """MessageSecurityMode (Part 4 7.20)."""

    INVALID = 0
    NONE = 1
    SIGN = 2
    SIGN_AND_ENCRYPT = 3

    @property
    def word(self) -> str:
        """The name in the standard, for example `SignAndEncrypt`."""
        return {0: "Invalid", 1: "None", 2: "Sign", 3: "SignAndEncrypt"}[self]


class TokenType(IntEnum):
    """UserTokenType (Part 4 7.43)."""

    ANONYMOUS = 0
    USER_NAME = 1
    CERTIFICATE = 2
    ISSUED_TOKEN = 3

    @property
    def word(self) -> str:
        """The name in the standard, for example `UserName`."""
        return {0: "Anonymous", 1: "UserName", 2: "Certificate", 3: "IssuedToken"}[self]


@dataclass(frozen=True, slots=True)
class Hello:
    """A client's first message."""

    endpoint_url: str | None


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """The server's answer to Hello; sizes in bytes, 0 is no limit."""

    version: int
    receive_buffer_bytes: int
    send_buffer_bytes: int
    max_message_bytes: int
    max_chunks: int


@dataclass(frozen=True, slots=True)
class Failure:
    """An ERR message, a ServiceFault or an aborted message: status code (Part 6 annex A) and, where given, a reason."""

    status: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ChannelOpened:
    """The answer to OpenSecureChannel with policy None."""

    channel_id: int
    token_id: int
    lifetime_ms: int


@dataclass(frozen=True, slots=True)
class SecuredOpen:
    """OPN of either side with a policy other than None; the body is not readable."""

    policy_uri: str
    sender_certificate_sha256: str | None


@dataclass(frozen=True, slots=True)
class UserToken:
    """One way in which a server takes users; `policy_uri` None means the endpoint's own."""

    policy_id: str | None
    token_type: TokenType
    policy_uri: str | None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """EndpointDescription (Part 4 7.14); `url` is what the server says and must be judged before anyone follows it."""

    url: str | None
    application_uri: str | None
    product_uri: str | None
    application_name: str | None
    security_mode: SecurityMode
    policy_uri: str | None
    user_tokens: tuple[UserToken, ...]
    security_level: int
    server_certificate: bytes | None  # DER, as sent; may hold the issuers' after it

    @property
    def policy(self) -> str | None:
        """The policy's short name, for example `Basic256Sha256`; the URI itself when it has none."""
        return self.policy_uri.rpartition("#")[2] if self.policy_uri else None

    @property
    def server_certificate_sha256(self) -> str | None:
        """Digest of the certificate bytes in hex, None when there are none."""
        return hashlib.sha256(self.server_certificate).hexdigest() if self.server_certificate else None


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The answer to GetEndpoints."""

    endpoints: tuple[Endpoint, ...]


@dataclass(frozen=True, slots=True)
class Other:
    """A message that is only named: its type, its size in bytes, the number of its body's type where that is readable."""

    message_type: str
    size_bytes: int
    type_id: int | None = None


Event = Hello | Acknowledge | Failure | ChannelOpened | SecuredOpen | Endpoints | Other


def _chunk(message_type: bytes, body: bytes) -> bytes:
    return message_type + b"F" + encode_u32(_HEADER + len(body)) + body


def _request(type_id: int, handle: int, timeout_ms: int) -> bytes:
    null_id, no_object = encode_node_id(0), encode_node_id(0) + b"\0"
    header = null_id + _NO_TIME + encode_u32(handle) + encode_u32(0) + NULL + encode_u32(timeout_ms) + no_object
    return encode_node_id(type_id) + header


def encode_hello(endpoint_url: str) -> bytes:
    """Encode Hello (Part 6 7.1.2.3); raises ValueError for a URL of 4,096 bytes or more, which servers must refuse."""
    if len(endpoint_url.encode()) >= 4096:
        raise ValueError("an endpoint URL of 4,096 bytes or more")
    numbers = (0, BUFFER, BUFFER, MAX_MESSAGE, 0)
    return _chunk(b"HEL", b"".join(map(encode_u32, numbers)) + encode_string(endpoint_url))


def encode_open_channel(*, request_id: int = 1, sequence: int = 1, lifetime_ms: int = 60_000, timeout_ms: int = 5000) -> bytes:
    """Encode OpenSecureChannel with policy None (Part 4 5.6.2)."""
    security = encode_string(POLICY_NONE) + NULL + NULL
    # protocol version, request type (0 issue), security mode, client nonce, lifetime
    issue = encode_u32(0) + encode_u32(0) + encode_u32(_SIGN_NONE) + NULL + encode_u32(lifetime_ms)
    body = _request(TypeId.OPEN_SECURE_CHANNEL_REQUEST, request_id, timeout_ms) + issue
    return _chunk(b"OPN", encode_u32(0) + security + encode_u32(sequence) + encode_u32(request_id) + body)


def encode_get_endpoints(
    channel: ChannelOpened, endpoint_url: str, *, request_id: int = 2, sequence: int = 2, timeout_ms: int = 5000
) -> bytes:
    """Encode GetEndpoints (Part 4 5.5.4) for all locales and transports."""
    body = _request(TypeId.GET_ENDPOINTS_REQUEST, request_id, timeout_ms) + encode_string(endpoint_url) + NULL + NULL
    return _chunk(b"MSG", b"".join(map(encode_u32, (channel.channel_id, channel.token_id, sequence, request_id))) + body)


def encode_close_channel(channel: ChannelOpened, *, request_id: int = 3, sequence: int = 3, timeout_ms: int = 5000) -> bytes:
    """Encode CloseSecureChannel (Part 4 5.6.3); the server closes the connection and does not answer."""
    body = _request(TypeId.CLOSE_SECURE_CHANNEL_REQUEST, request_id, timeout_ms)
    return _chunk(b"CLO", b"".join(map(encode_u32, (channel.channel_id, channel.token_id, sequence, request_id))) + body)


class OpcUaDecoder(StreamDecoder[Event]):
    """Decodes one direction of a connection, either side's; chunks of a message are put together first."""

    def __init__(self) -> None:
        super().__init__()
        self._secured = False
        self._chunks = bytearray()
        self._request_id: int | None = None

    def _measure(self, buffer: bytearray) -> Extent | None:
        if len(buffer) < _HEADER:
            return None
        kind, size = bytes(buffer[:4]), int.from_bytes(buffer[4:8], "little")
        final_only = kind[:3] in (b"HEL", b"ACK", b"ERR", b"OPN", b"CLO") and kind[3:] == b"F"
        if not final_only and kind not in (b"MSGF", b"MSGC", b"MSGA"):
            raise ProtocolError(f"message type {kind!r}", offset=0)
        if not _HEADER < size <= MAX_MESSAGE:
            raise ProtocolError(f"a chunk of {size} bytes; at most {MAX_MESSAGE} are read", offset=4)
        return Extent(size, size)

    def _decode(self, message: bytes, total: int) -> Event | None:
        reader = Reader(message, _HEADER)
        event: Event
        match message[:3]:
            case b"HEL":
                reader.take(20, "limits")
                event = Hello(read_string(reader, "endpoint URL"))
            case b"ACK":
                event = Acknowledge(*(reader.u32_le("limits") for _ in range(5)))
            case b"ERR":
                event = Failure(reader.u32_le("status"), read_string(reader, "reason"))
            case b"OPN":
                return self._open(reader, total)
            case kind:
                return self._message(kind, message[3:4], reader, total)
        reader.finish(message[:3].decode("ascii"))
        return event

    def _open(self, reader: Reader, total: int) -> Event:
        reader.u32_le("channel id")
        policy_uri = read_string(reader, "policy URI") or ""
        certificate = read_bytes(reader, "sender certificate")
        read_bytes(reader, "receiver thumbprint")
        self._secured = policy_uri != POLICY_NONE
        if self._secured:
            return SecuredOpen(policy_uri, hashlib.sha256(certificate).hexdigest() if certificate else None)
        reader.take(_SEQUENCE_HEADER, "sequence header")
        return _read_body("OPN", reader, total)

    def _message(self, kind: bytes, chunk: bytes, reader: Reader, total: int) -> Event | None:
        reader.take(8, "channel and token id")
        if self._secured:
            return Other(kind.decode("ascii"), total)
        reader.u32_le("sequence number")
        request_id = reader.u32_le("request id")
        if chunk == b"A":
            self._chunks.clear()
            self._request_id = None
            return Failure(reader.u32_le("status"), read_string(reader, "reason"))
        if self._request_id not in (None, request_id):
            raise ProtocolError(f"a chunk of request {request_id} inside request {self._request_id}")
        self._chunks += reader.rest()
        if len(self._chunks) > MAX_MESSAGE:
            raise ProtocolError(f"a message of more than {MAX_MESSAGE} bytes")
        self._request_id = request_id if chunk == b"C" else None
        if chunk == b"C":
            return None
        body = bytes(self._chunks)
        self._chunks.clear()
        return _read_body(kind.decode("ascii"), Reader(body), total)

    def end(self) -> list[Event]:
        """Say that the peer closed; raises ProtocolError when that cut a message or left one without its last chunk."""
        events = super().end()
        if self._request_id is not None:
            raise ProtocolError(f"the stream ends before the last chunk of request {self._request_id}")
        return events


def _read_body(kind: str, reader: Reader, total: int) -> Event:
    type_id = read_node_id(reader)
    event: Event
    match type_id:
        case TypeId.OPEN_SECURE_CHANNEL_RESPONSE if kind == "OPN":
            _read_response_header(reader)
            reader.u32_le("protocol version")
            opened_id, token_id = reader.u32_le("channel id"), reader.u32_le("token id")
            reader.take(8, "created at")
            event = ChannelOpened(opened_id, token_id, reader.u32_le("lifetime"))
            read_bytes(reader, "server nonce")
        case TypeId.GET_ENDPOINTS_RESPONSE:
            _read_response_header(reader)
            event = Endpoints(read_array(reader, _read_endpoint, "endpoints"))
        case TypeId.SERVICE_FAULT:
            event = Failure(_read_response_header(reader))
        case _:
            return Other(kind, total, type_id)
    reader.finish("body")
    return event


def _read_response_header(reader: Reader) -> int:
    """Step over a response header and return its service result."""
    reader.take(8 + 4, "time and handle")
    result = reader.u32_le("service result")
    skip_diagnostic_info(reader)
    read_strings(reader, "string table")
    skip_extension_object(reader)
    return result


def _read_endpoint(reader: Reader) -> Endpoint:
    url = read_string(reader, "endpoint URL")
    application_uri, product_uri = read_string(reader, "application URI"), read_string(reader, "product URI")
    application_name = read_localized_text(reader, "application name")
    reader.u32_le("application type")
    read_string(reader, "gateway server URI")
    read_string(reader, "discovery profile URI")
    read_strings(reader, "discovery URL")
    certificate = read_bytes(reader, "server certificate")
    mode = _security_mode(reader)
    policy_uri = read_string(reader, "policy URI")
    tokens = read_array(reader, _read_user_token, "user tokens")
    read_string(reader, "transport profile URI")
    level = reader.u8("security level")
    return Endpoint(url, application_uri, product_uri, application_name, mode, policy_uri, tokens, level, certificate)


def _read_user_token(reader: Reader) -> UserToken:
    policy_id, token_type = read_string(reader, "policy id"), _token_type(reader)
    read_string(reader, "issued token type")
    read_string(reader, "issuer URL")
    return UserToken(policy_id, token_type, read_string(reader, "policy URI"))


def _security_mode(reader: Reader) -> SecurityMode:
    number = reader.u32_le("security mode")
    try:
        return SecurityMode(number)
    except ValueError as error:
        raise ProtocolError(f"security mode {number}", offset=reader.offset - 4) from error


def _token_type(reader: Reader) -> TokenType:
    number = reader.u32_le("token type")
    try:
        return TokenType(number)
    except ValueError as error:
        raise ProtocolError(f"token type {number}", offset=reader.offset - 4) from error
