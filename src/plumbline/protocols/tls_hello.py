"""TLS hellos: the ClientHello that an audit sends or a capture shows, and the ServerHello that answers. No keys are derived.

ClientHello (RFC 8446 4.1.2; the same fields in RFC 5246 7.4.1.2; SSL 3.0: RFC 6101 5.6.1.2), after the header of 4 bytes:

| size | field |
|---|---|
| 2 | legacy_version: the highest below TLS 1.3, which names itself in supported_versions (4.2.1) |
| 32 | random, the caller's |
| 1 + n | session_id, at most 32 bytes |
| 2 + n | cipher suites, 2 bytes each |
| 1 + n | compression methods: only null (0) is offered |
| 2 + n | extensions: type (2), length (2), content; none in SSL 3.0 |

ServerHello (RFC 8446 4.1.3): version (2), random (32), session_id (1 + n), suite (2), compression (1), extensions (2 + n, optional
below TLS 1.3). A random equal to SHA-256("HelloRetryRequest") marks a request to try again.

| extension | number | clause |
|---|---|---|
| server_name | 0 | RFC 6066 3 |
| supported_groups, ec_point_formats | 10, 11 | RFC 8422 5.1 |
| signature_algorithms | 13 | RFC 8446 4.2.3; RFC 5246 7.4.1.4.1 |
| application_layer_protocol_negotiation | 16 | RFC 7301 3.1 |
| supported_versions, key_share | 43, 51 | RFC 8446 4.2.1, 4.2.8 |
| renegotiation_info | 65281 | RFC 5746 3.2 |

GREASE numbers (RFC 8701) are left out of every list that a decoder gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from plumbline.model.errors import ProtocolError
from plumbline.protocols.cursor import Cursor
from plumbline.protocols.tls_suites import is_grease

HELLO_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
X25519 = 29
_GROUPS = (X25519, 23, 24, 25, 30, 256, 257)  # x25519, P-256, P-384, P-521, x448, ffdhe2048, ffdhe3072
# Everything that a server might sign with, old hashes too: a hello that offers less is refused before it shows its suite.
_SIGNATURES = (0x0807, 0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0603, 0x0806, 0x0601, 0x0203, 0x0201, 0x0402, 0x0202, 0x0101)
_SERVER_NAME, _GROUPS_OFFERED, _POINT_FORMATS, _SIGNATURE_ALGORITHMS, _ALPN = 0, 10, 11, 13, 16
_SUPPORTED_VERSIONS, _KEY_SHARE, _RENEGOTIATION_INFO = 43, 51, 65281


class TlsVersion(IntEnum):
    """Version numbers on the wire (RFC 6101 to RFC 8446)."""

    SSL3_0 = 0x0300
    TLS1_0 = 0x0301
    TLS1_1 = 0x0302
    TLS1_2 = 0x0303
    TLS1_3 = 0x0304


@dataclass(frozen=True, slots=True)
class ClientHello:
    """What a client offers; `versions` are all that it names, highest first as it sent them."""

    legacy_version: int
    versions: tuple[int, ...]
    suites: tuple[int, ...]
    server_name: str | None
    alpn: tuple[str, ...] | None
    compressions: tuple[int, ...]
    extensions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ServerHello:
    """What a server chose; `group` is the key share's, TLS 1.3 only."""

    version: int
    suite: int
    is_hello_retry: bool
    compression: int
    extensions: tuple[int, ...]
    alpn: str | None
    group: int | None


def version_word(number: int) -> str:
    """Name a version as the tables do: `ssl3`, `tls1.0` ... `tls1.3`, or its number when unknown."""
    words = {0x0300: "ssl3", 0x0301: "tls1.0", 0x0302: "tls1.1", 0x0303: "tls1.2", 0x0304: "tls1.3"}
    return words.get(number, f"0x{number:04x}")


def _vector(width: int, content: bytes) -> bytes:
    return len(content).to_bytes(width, "big") + content


def _numbers(values: Iterable[int]) -> bytes:
    return b"".join(value.to_bytes(2, "big") for value in values)


def encode_client_hello(
    versions: Sequence[TlsVersion],
    suites: Sequence[int],
    *,
    random: bytes,
    session_id: bytes = b"",
    server_name: str | None = None,
    key_share: bytes | None = None,
    alpn: Sequence[str] | None = None,
) -> bytes:
    """Encode one ClientHello in one plaintext record.

    `random` is 32 bytes, `session_id` up to 32, `key_share` an x25519 public key of 32 bytes (None offers none, which asks a
    TLS 1.3 server for a retry). A server may choose any version up to the highest: below TLS 1.3 "alone" is for the caller
    to see in the answer. `server_name` is a host name, never an address (RFC 6066 3). Raises ValueError for a bad size.
    """
    if not versions or not suites or len(random) != 32 or len(session_id) > 32 or (key_share is not None and len(key_share) != 32):
        raise ValueError("a ClientHello needs versions, suites, a random of 32 bytes, a session id of at most 32 and a key share of 32")
    highest = max(versions)
    body = min(highest, TlsVersion.TLS1_2).to_bytes(2, "big") + random + _vector(1, session_id)
    body += _vector(2, _numbers(suites)) + b"\x01\x00"
    if highest > TlsVersion.SSL3_0:
        body += _vector(2, _extensions(versions, server_name, key_share, alpn))
    record_version = min(highest, TlsVersion.TLS1_0)  # RFC 8446 5.1: 0x0301, for servers that check it
    return b"\x16" + record_version.to_bytes(2, "big") + _vector(2, b"\x01" + _vector(3, body))


def _extensions(versions: Sequence[TlsVersion], server_name: str | None, key_share: bytes | None, alpn: Sequence[str] | None) -> bytes:
    given: list[tuple[int, bytes]] = []
    if server_name is not None:
        given.append((_SERVER_NAME, _vector(2, b"\x00" + _vector(2, server_name.encode("ascii")))))
    given.append((_GROUPS_OFFERED, _vector(2, _numbers(_GROUPS))))
    given.append((_POINT_FORMATS, b"\x01\x00"))
    if max(versions) >= TlsVersion.TLS1_2:  # RFC 5246 7.4.1.4.1: not to be offered below
        given.append((_SIGNATURE_ALGORITHMS, _vector(2, _numbers(_SIGNATURES))))
    if alpn is not None:
        given.append((_ALPN, _vector(2, b"".join(_vector(1, name.encode("ascii")) for name in alpn))))
    if min(versions) <= TlsVersion.TLS1_2:
        given.append((_RENEGOTIATION_INFO, b"\x00"))
    if TlsVersion.TLS1_3 in versions:
        given.append((_SUPPORTED_VERSIONS, _vector(1, _numbers(sorted(versions, reverse=True)))))
        share = b"" if key_share is None else X25519.to_bytes(2, "big") + _vector(2, key_share)
        given.append((_KEY_SHARE, _vector(2, share)))
    return b"".join(number.to_bytes(2, "big") + _vector(2, content) for number, content in given)


def _read_extensions(cursor: Cursor) -> dict[int, bytes]:
    """Read the extensions that end a hello; none at all is allowed (RFC 5246 7.4.1.2), the same twice is not (RFC 8446 4.2)."""
    found: dict[int, bytes] = {}
    if cursor.left:
        block = Cursor(cursor.vector(2), "TLS extensions")
        cursor.expect_end()
        while block.left:
            number = block.number(2)
            if number in found:
                raise ProtocolError(f"the TLS extension {number} comes twice")
            found[number] = block.vector(2)
    return found


def _read_numbers(data: bytes, what: str) -> tuple[int, ...]:
    """Read numbers of two bytes, GREASE left out."""
    if len(data) % 2:
        raise ProtocolError(f"{what}: an odd number of bytes")
    every = (int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))
    return tuple(number for number in every if not is_grease(number))


def _ascii(data: bytes, what: str) -> str:
    text = data.decode("latin-1")
    if not text or not text.isascii() or not text.isprintable():
        raise ProtocolError(f"{what} is not printable ASCII")
    return text


def decode_client_hello(body: bytes) -> ClientHello:
    """Decode the body of a ClientHello, after the handshake header; raises ProtocolError."""
    cursor = Cursor(body, "ClientHello")
    legacy_version = cursor.number(2)
    cursor.take(32)
    cursor.vector(1, at_most=32)
    suites = _read_numbers(cursor.vector(2), "ClientHello cipher suites")
    compressions = tuple(cursor.vector(1))
    extensions = _read_extensions(cursor)
    versions: tuple[int, ...] = (legacy_version,)
    if (content := extensions.get(_SUPPORTED_VERSIONS)) is not None:
        inner = Cursor(content, "supported_versions")
        versions = _read_numbers(inner.vector(1), "supported_versions")
        inner.expect_end()
    return ClientHello(
        legacy_version=legacy_version,
        versions=versions,
        suites=suites,
        server_name=_server_name(extensions.get(_SERVER_NAME)),
        alpn=_alpn(extensions.get(_ALPN)),
        compressions=compressions,
        extensions=tuple(number for number in extensions if not is_grease(number)),
    )


def decode_server_hello(body: bytes) -> ServerHello:
    """Decode the body of a ServerHello or HelloRetryRequest, after the handshake header; raises ProtocolError."""
    cursor = Cursor(body, "ServerHello")
    version = cursor.number(2)
    random = cursor.take(32)
    cursor.vector(1, at_most=32)
    suite = cursor.number(2)
    compression = cursor.number(1)
    extensions = _read_extensions(cursor)
    if (content := extensions.get(_SUPPORTED_VERSIONS)) is not None:
        inner = Cursor(content, "supported_versions")
        version = inner.number(2)
        inner.expect_end()
    share = extensions.get(_KEY_SHARE)
    alpn = _alpn(extensions.get(_ALPN))
    return ServerHello(
        version=version,
        suite=suite,
        is_hello_retry=random == HELLO_RETRY,
        compression=compression,
        extensions=tuple(extensions),
        alpn=alpn[0] if alpn else None,
        group=None if share is None else Cursor(share, "key_share").number(2),
    )


def _server_name(content: bytes | None) -> str | None:
    if not content:
        return None
    names = Cursor(Cursor(content, "server_name").vector(2), "server_name")
    while names.left:
        kind, name = names.number(1), names.vector(2)
        if kind == 0:
            return _ascii(name, "a TLS server name")
    return None


def _alpn(content: bytes | None) -> tuple[str, ...] | None:
    if content is None:
        return None
    names = Cursor(Cursor(content, "ALPN").vector(2), "ALPN")
    found: list[str] = []
    while names.left:
        name = names.vector(1)
        if not (len(name) == 2 and is_grease(int.from_bytes(name, "big"))):  # RFC 8701 2: ALPN has GREASE of its own
            found.append(_ascii(name, "an ALPN protocol"))
    return tuple(found)
