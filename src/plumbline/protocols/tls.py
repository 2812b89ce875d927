"""TLS records and the handshake in the clear: what a server or client shows before it encrypts. Hellos are read by `tls_hello`.

| offset | size | field of a record | clause |
|---|---|---|---|
| 0 | 1 | type: 20 change_cipher_spec, 21 alert, 22 handshake, 23 application_data, 24 heartbeat | RFC 8446 5.1, RFC 6520 |
| 1 | 2 | version, 3.x; not to be trusted | same |
| 3 | 2 | length, at most 2^14 + 2048 | RFC 5246 6.2.3 |

| offset | size | field of a handshake message | clause |
|---|---|---|---|
| 0 | 1 | type: 1 client_hello, 2 server_hello, 11 certificate, 12 server_key_exchange, | RFC 5246 7.4 |
| | | 13 certificate_request, 14 server_hello_done | |
| 1 | 3 | length; a message may span records, a record may hold several | RFC 8446 5.1 |

| message | content | clause |
|---|---|---|
| Certificate | length (3), then certificates of length (3), DER; in the clear only up to TLS 1.2 | RFC 5246 7.4.2 |
| ServerKeyExchange, ECDHE | curve type (1) = 3 named, group (2), point, signature | RFC 8422 5.4 |
| ServerKeyExchange, DHE | p, g, Ys, each of length (2) | RFC 5246 7.4.3 |
| Alert | level (1): 1 warning, 2 fatal; description (1) | RFC 8446 6 |

What is encrypted (all after a ChangeCipherSpec, all after a TLS 1.3 ServerHello) is passed over by its length. A
HelloRetryRequest encrypts nothing. The same decoder reads either direction.
"""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.model.errors import ProtocolError
from plumbline.protocols.cursor import Cursor
from plumbline.protocols.streams import EventStream
from plumbline.protocols.tls_hello import ClientHello, ServerHello, TlsVersion, decode_client_hello, decode_server_hello
from plumbline.protocols.tls_suites import suite_name

MAX_RECORD = 2**14 + 2048
MAX_MESSAGE = 128 * 1024  # a chain of ten RSA-4096 certificates is under 20 KiB; OpenSSL's own cap is 100 KiB
MAX_CHAIN = 32
ALERTS = {
    0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 21: "decryption_failed", 22: "record_overflow",
    30: "decompression_failure", 40: "handshake_failure", 41: "no_certificate", 42: "bad_certificate", 43: "unsupported_certificate",
    44: "certificate_revoked", 45: "certificate_expired", 46: "certificate_unknown", 47: "illegal_parameter", 48: "unknown_ca",
    49: "access_denied", 50: "decode_error", 51: "decrypt_error", 60: "export_restriction", 70: "protocol_version",
    71: "insufficient_security", 80: "internal_error", 86: "inappropriate_fallback", 90: "user_canceled", 100: "no_renegotiation",
    109: "missing_extension", 110: "unsupported_extension", 111: "certificate_unobtainable", 112: "unrecognized_name",
    113: "bad_certificate_status_response", 114: "bad_certificate_hash_value", 115: "unknown_psk_identity",
    116: "certificate_required", 120: "no_application_protocol",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Certificate:
    """A chain as sent, leaf first, each in DER; empty when the peer has none."""

    chain: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ServerKeyExchange:
    """The server's parameters: the named group of ECDHE, or the size of p of DHE; both None when the suite does not tell."""

    group: int | None
    dh_bits: int | None


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """The server asks for a client certificate (RFC 5246 7.4.4)."""


@dataclass(frozen=True, slots=True)
class ServerHelloDone:
    """The server's part up to TLS 1.2 is complete."""


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert in the clear."""

    level: int
    description: int

    @property
    def fatal(self) -> bool:
        """Whether the level says so."""
        return self.level == 2

    @property
    def name(self) -> str:
        """The description's name in the IANA registry, or its number."""
        return ALERTS.get(self.description, str(self.description))


Event = ClientHello | ServerHello | Certificate | ServerKeyExchange | CertificateRequest | ServerHelloDone | Alert


class RecordDecoder(EventStream[Event]):
    """Stream decoder of one direction; `sealed` when all that follows is encrypted.

    ProtocolError: no TLS record, a length over its cap, a message that breaks its format, an end inside a record or message.
    """

    __slots__ = ("_buffer", "_hello", "_message", "_skip", "sealed")

    def __init__(self) -> None:
        super().__init__()
        self._buffer = bytearray()
        self._message = bytearray()
        self._skip = 0
        self._hello: ServerHello | None = None
        self.sealed = False

    def _take(self, data: bytes) -> None:
        self._buffer += data
        while self._record():
            pass

    def _finish(self) -> None:
        if self._buffer or self._message or self._skip:
            raise ProtocolError("the stream ended inside a TLS record or message")

    def _record(self) -> bool:
        passed = min(self._skip, len(self._buffer))
        del self._buffer[:passed]
        self._skip -= passed
        if self._skip or not self._buffer:
            return False
        if not 20 <= self._buffer[0] <= 24:
            raise ProtocolError(f"a TLS record has no type {self._buffer[0]}")
        if len(self._buffer) < 5:
            return False
        kind, size = self._buffer[0], int.from_bytes(self._buffer[3:5], "big")
        if self._buffer[1] != 3:
            raise ProtocolError(f"the TLS record version is {self._buffer[1]}.{self._buffer[2]}, not 3.x")
        if size > MAX_RECORD:
            raise ProtocolError(f"a TLS record of {size} bytes is over {MAX_RECORD}")
        if self.sealed or kind in (23, 24):
            del self._buffer[:5]
            self._skip = size
            return True
        if len(self._buffer) < 5 + size:
            return False
        content = bytes(self._buffer[5 : 5 + size])
        del self._buffer[: 5 + size]
        self._content(kind, content)
        return True

    def _content(self, kind: int, content: bytes) -> None:
        if kind == 21:
            if len(content) != 2:
                raise ProtocolError(f"a TLS alert has {len(content)} bytes, not 2")
            self._events.append(Alert(content[0], content[1]))
        elif kind == 20:
            if self._message:
                raise ProtocolError("a ChangeCipherSpec stands inside a handshake message")
            # RFC 8446 D.4: after a HelloRetryRequest it only pretends, for middleboxes
            self.sealed = not (self._hello is not None and self._hello.is_hello_retry)
        elif not content:
            raise ProtocolError("a handshake record is empty")  # RFC 8446 5.1
        else:
            self._message += content
            while self._handshake():
                pass

    def _handshake(self) -> bool:
        if len(self._message) < 4:
            return False
        size = int.from_bytes(self._message[1:4], "big")
        if size > MAX_MESSAGE:
            raise ProtocolError(f"a TLS handshake message of {size} bytes is over {MAX_MESSAGE}")
        if len(self._message) < 4 + size:
            return False
        kind, body = self._message[0], bytes(self._message[4 : 4 + size])
        del self._message[: 4 + size]
        event = self._decode(kind, body)
        if event is not None:
            self._events.append(event)
        if self.sealed and self._message:
            raise ProtocolError("a TLS 1.3 ServerHello is followed by plaintext in its record")  # RFC 8446 5.1
        return not self.sealed

    def _decode(self, kind: int, body: bytes) -> Event | None:
        match kind:
            case 1:
                return decode_client_hello(body)
            case 2:
                self._hello = decode_server_hello(body)
                self.sealed = self._hello.version >= TlsVersion.TLS1_3 and not self._hello.is_hello_retry
                return self._hello
            case 11:
                return decode_certificate(body)
            case 12:
                return decode_server_key_exchange(body, None if self._hello is None else self._hello.suite)
            case 13:
                return CertificateRequest()
            case 14:
                return ServerHelloDone()
            case _:  # key exchanges, tickets, OCSP staples: nothing that an audit reads
                return None


def decode_certificate(body: bytes) -> Certificate:
    """Decode the body of a Certificate message up to TLS 1.2; raises ProtocolError."""
    cursor = Cursor(body, "Certificate")
    entries = Cursor(cursor.vector(3), "Certificate")
    cursor.expect_end()
    chain: list[bytes] = []
    while entries.left:
        if len(chain) >= MAX_CHAIN:
            raise ProtocolError(f"a certificate chain is longer than {MAX_CHAIN}")
        chain.append(entries.vector(3))
        if not chain[-1]:
            raise ProtocolError("a certificate in a chain is empty")
    return Certificate(tuple(chain))


def decode_server_key_exchange(body: bytes, suite: int | None) -> ServerKeyExchange:
    """Decode the parameters that `suite` says stand in a ServerKeyExchange; raises ProtocolError. Suites with PSK are not read."""
    name = "" if suite is None else suite_name(suite)
    cursor = Cursor(body, "ServerKeyExchange")
    if "_PSK_" in name:
        return ServerKeyExchange(None, None)
    if name.startswith(("TLS_ECDHE_", "TLS_ECDH_anon_")):
        return ServerKeyExchange(cursor.number(2) if cursor.number(1) == 3 else None, None)
    if name.startswith(("TLS_DHE_", "TLS_DH_anon_")):
        return ServerKeyExchange(None, int.from_bytes(cursor.vector(2), "big").bit_length())
    return ServerKeyExchange(None, None)
