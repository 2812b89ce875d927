"""SSH up to its host key: identification, algorithm lists, and as much of a key exchange as shows the key. No login, no encryption.

| part | layout | clause of RFC 4253 |
|---|---|---|
| identification | `SSH-protoversion-softwareversion SP comments CR LF`, at most 255 bytes; a server may send other lines first | 4.2 |
| packet | length (4), padding length (1), payload, padding of 4 to 255 bytes; in the clear a multiple of 8 bytes | 6 |
| KEXINIT (20) | cookie (16), ten name-lists, first_kex_packet_follows (1), 0 (4) | 7.1 |
| KEXDH_INIT, KEX_ECDH_INIT (30) | mpint e, or string Q_C: the same bytes on the wire | 8; RFC 5656 4 |
| KEXDH_REPLY, KEX_ECDH_REPLY (31) | string K_S, mpint f or string Q_S, string signature | 8; RFC 5656 4 |
| KEX_DH_GEX_GROUP (31), KEX_DH_GEX_REPLY (33), in captures | mpint p, mpint g; as KEXDH_REPLY | RFC 4419 3 |
| NEWKEYS (21) | nothing; all that follows is encrypted | 7.3 |
| DISCONNECT (1) | reason (4), description, language tag | 11.1 |
| string, name-list, mpint | length (4), bytes; RFC 4251 5 | |

The exchange is curve25519-sha256 (RFC 8731), or diffie-hellman-group14 (RFC 3526 3, RFC 8268) for old devices; keys come
from the caller, who also verifies the signature over `exchange_hash`: until then a host key is shown, not proven.
Host keys are read by `ssh_keys`. The same decoder reads either direction of a capture. Which algorithm is weak is not said here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from plumbline.model.errors import ProtocolError
from plumbline.protocols.cursor import Cursor
from plumbline.protocols.lines import LineBuffer
from plumbline.protocols.ssh_keys import HostKey, encode_string, parse_host_key
from plumbline.protocols.streams import EventStream

MAX_PACKET = 35_000  # RFC 4253 6.1: what every implementation must be able to take
MAX_LINE = 1024  # RFC 4253 4.2 says 255 for the identification; lines before it are the server's own affair
MAX_PREAMBLE = 64  # lines before the identification
MAX_NAMES = 256  # in one name-list; OpenSSH offers about thirty
_IDENTIFICATION = re.compile(r"SSH-(\d\.\d{1,2})-([^\s]{0,250})(?: (.*))?")
GROUP14_PRIME = int(
    "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404ddef9519b3cd3a431b"
    "302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7edee386bfb5a899fa5ae9f24117c4b1fe6"
    "49286651ece45b3dc2007cb8a163bf0598da48361c55d39a69163fa8fd24cf5f83655d23dca3ad961c62f356208552bb9ed529077096966d"
    "670c354e4abc9804f1746c08ca18217c32905e462e36ce3be39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf695581718"
    "3995497cea956ae515d2261898fa051015728e5a8aacaa68ffffffffffffffff",
    16,
)  # RFC 3526 3; generator 2


@dataclass(frozen=True, slots=True)
class Identification:
    """The first line of SSH; `preamble` are the lines before it, `line` the bytes that enter the exchange hash."""

    protocol_version: str
    software: str
    comments: str | None
    preamble: tuple[str, ...]
    line: bytes


@dataclass(frozen=True, slots=True)
class KexInit:
    """The algorithms that one side offers, in its order of preference; `payload` enters the exchange hash."""

    kex: tuple[str, ...]
    host_keys: tuple[str, ...]
    ciphers_to_server: tuple[str, ...]
    ciphers_to_client: tuple[str, ...]
    macs_to_server: tuple[str, ...]
    macs_to_client: tuple[str, ...]
    compression_to_server: tuple[str, ...]
    compression_to_client: tuple[str, ...]
    payload: bytes


@dataclass(frozen=True, slots=True)
class KexReply:
    """The server's host key, its part of the exchange, and its signature (string algorithm, string value) over the exchange hash."""

    host_key: HostKey
    server_public: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Disconnect:
    """The other side ends the connection; reasons are listed in RFC 4253 11.1."""

    reason: int
    description: str


Event = Identification | KexInit | KexReply | Disconnect


def encode_identification(software: str = "plumbline") -> bytes:
    """Encode our first line; raises ValueError for a software version with a hyphen, a space or nothing printable (RFC 4253 4.2)."""
    if not re.fullmatch(r"[!-,.-~]{1,240}", software):
        raise ValueError("a software version holds printable ASCII without spaces and hyphens")
    return f"SSH-2.0-{software}\r\n".encode("ascii")


def encode_packet(payload: bytes) -> bytes:
    """Wrap a payload in an unencrypted packet, padded with zeros to a multiple of 8 (RFC 4253 6)."""
    padding = 8 - (5 + len(payload)) % 8
    padding += 8 if padding < 4 else 0
    return (1 + len(payload) + padding).to_bytes(4, "big") + bytes((padding,)) + payload + bytes(padding)


def encode_kexinit(
    cookie: bytes,
    *,
    kex: Sequence[str],
    host_keys: Sequence[str],
    ciphers: Sequence[str],
    macs: Sequence[str],
    compression: Sequence[str] = ("none",),
) -> bytes:
    """Encode the payload of a KEXINIT that offers the same both ways; `cookie` is 16 bytes, the caller's. Raises ValueError otherwise."""
    if len(cookie) != 16:
        raise ValueError("a KEXINIT cookie has 16 bytes")
    lists = (kex, host_keys, ciphers, ciphers, macs, macs, compression, compression, (), ())
    return b"\x14" + cookie + b"".join(encode_string(",".join(names).encode("ascii")) for names in lists) + bytes(5)


def encode_kex_ecdh_init(client_public: bytes) -> bytes:
    """Encode the payload of KEX_ECDH_INIT; for curve25519-sha256 the public key is 32 bytes (RFC 8731 3.1)."""
    return b"\x1e" + encode_string(client_public)


def encode_kexdh_init(client_public: int) -> bytes:
    """Encode the payload of KEXDH_INIT; `client_public` is e = 2^x mod p (RFC 4253 8)."""
    return b"\x1e" + encode_mpint(client_public)


def encode_mpint(value: int) -> bytes:
    """Encode a non-negative number as an mpint (RFC 4251 5)."""
    return encode_string(value.to_bytes(value.bit_length() // 8 + 1, "big") if value else b"")


def exchange_hash(
    algorithm: str,
    *,
    client_line: bytes,
    server: Identification,
    client_init: bytes,
    server_init: KexInit,
    client_public: bytes,
    reply: KexReply,
    secret: int,
) -> bytes:
    """Compute H (RFC 4253 8, RFC 5656 4) with the hash called `algorithm`, for example "sha256".

    `client_line` is our identification without CR LF, `client_init` our KEXINIT payload, `client_public` what stands in the
    string of our message 30, `secret` the shared secret K.
    """
    parts = (client_line, server.line, client_init, server_init.payload, reply.host_key.blob, client_public, reply.server_public)
    return hashlib.new(algorithm, b"".join(encode_string(part) for part in parts) + encode_mpint(secret)).digest()


class Decoder(EventStream[Event]):
    """Stream decoder of one direction; `sealed` when all that follows is encrypted, or is SSH 1.

    ProtocolError: no identification, a packet over its cap or badly padded, a message that breaks its format, a cut packet.
    """

    __slots__ = ("_buffer", "_identified", "_preamble", "sealed")

    def __init__(self) -> None:
        super().__init__()
        self._buffer = LineBuffer(MAX_LINE)
        self._preamble: list[str] = []
        self._identified = False
        self.sealed = False

    def _take(self, data: bytes) -> None:
        if not self.sealed:
            self._buffer.append(data)
        while not self.sealed and (self._packet() if self._identified else self._line()):
            pass

    def _finish(self) -> None:
        if not self.sealed and (len(self._buffer) or (self._preamble and not self._identified)):
            raise ProtocolError("the stream ended inside an SSH packet or before the identification")

    def _line(self) -> bool:
        line = self._buffer.line()
        if line is None:
            return False
        text = line.decode("utf-8", errors="replace")
        match = _IDENTIFICATION.fullmatch(text)
        if match is not None:
            self._identified = True
            self.sealed = match[1] not in ("2.0", "1.99")  # SSH 1 has other packets; its line says enough
            self._events.append(Identification(match[1], match[2], match[3], tuple(self._preamble), line))
        elif text.startswith("SSH-") or len(self._preamble) >= MAX_PREAMBLE:
            raise ProtocolError("there is no SSH identification")
        else:
            self._preamble.append(text)
        return True

    def _packet(self) -> bool:
        head = self._buffer.peek(5)
        if len(head) < 5:
            return False
        size, padding = int.from_bytes(head[:4], "big"), head[4]
        if not 12 <= size <= MAX_PACKET:  # RFC 4253 6: 16 bytes at least, with the length
            raise ProtocolError(f"an SSH packet of {size} bytes is not within 12 and {MAX_PACKET}")
        if padding < 4 or padding + 2 > size or (size + 4) % 8:
            raise ProtocolError(f"an SSH packet of {size} bytes is padded with {padding}")
        if len(self._buffer) < 4 + size:
            return False
        payload = self._buffer.take(4 + size)[5 : 4 + size - padding]
        event = self._message(payload)
        if event is not None:
            self._events.append(event)
        return True

    def _message(self, payload: bytes) -> Event | None:
        match payload[0]:
            case 1:
                return _disconnect(payload)
            case 20:
                return decode_kexinit(payload)
            case 21:
                self.sealed = True
                return None
            case 31 | 33:
                return None if _is_group(payload) else decode_kex_reply(payload)
            case _:  # IGNORE, DEBUG, UNIMPLEMENTED, a client's part of the exchange, other exchanges' messages
                return None


def _disconnect(payload: bytes) -> Disconnect:
    cursor = Cursor(payload[1:], "SSH DISCONNECT")
    reason = cursor.number(4)
    description = cursor.vector(4).decode("utf-8", errors="replace") if cursor.left else ""  # some servers end after the reason
    return Disconnect(reason, description[:256])


def _names(data: bytes) -> tuple[str, ...]:
    """Read a name-list (RFC 4251 5): printable ASCII without commas inside a name."""
    text = data.decode("latin-1")
    if not text:
        return ()
    names = tuple(text.split(","))
    if not text.isascii() or not text.isprintable() or "" in names or len(names) > MAX_NAMES:
        raise ProtocolError("an SSH name-list is not a list of names")
    return names


def decode_kexinit(payload: bytes) -> KexInit:
    """Decode the payload of a KEXINIT, message number included; raises ProtocolError."""
    cursor = Cursor(payload, "SSH KEXINIT")
    if cursor.number(1) != 20:
        raise ProtocolError("not an SSH KEXINIT")
    cursor.take(16)
    kex, host_keys, to_server, to_client, macs_to_server, macs_to_client, zip_to_server, zip_to_client, *_ = (
        _names(cursor.vector(4)) for _ in range(10)
    )
    cursor.take(5)
    cursor.expect_end()
    return KexInit(kex, host_keys, to_server, to_client, macs_to_server, macs_to_client, zip_to_server, zip_to_client, payload)


def _is_group(payload: bytes) -> bool:
    """Whether message 31 is KEX_DH_GEX_GROUP, two mpints, of an exchange that a capture shows (RFC 4419 3)."""
    cursor = Cursor(payload[1:], "SSH KEX group")
    for _ in range(2):
        cursor.vector(4)
    return not cursor.left


def decode_kex_reply(payload: bytes) -> KexReply:
    """Decode the payload of a KEXDH_REPLY, KEX_ECDH_REPLY or KEX_DH_GEX_REPLY, message number included; raises ProtocolError."""
    cursor = Cursor(payload, "SSH KEX reply")
    if cursor.number(1) not in (31, 33):
        raise ProtocolError("not an SSH KEX reply")
    key, public, signature = (cursor.vector(4) for _ in range(3))
    cursor.expect_end()
    return KexReply(parse_host_key(key), public, signature)
