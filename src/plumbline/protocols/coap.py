"""CoAP messages over UDP, and bodies that come in blocks (RFC 7252, RFC 7959).

Not here: retransmission (the conversation's), observation, DTLS. Methods other than GET are decoded and never encoded.

    offset  bits  field                                                     RFC 7252
    0       2     version, 1                                                3
    0       2     type: CON, NON, ACK, RST                                  3, 4.2, 4.3
    0       4     token length, 0 to 8; 9 to 15 are a format error          3
    1       8     code: class (3 bits) . detail (5 bits)                    3, 12.1
    2       16    message id, big-endian                                    3
    4       ...   token
    ...     ...   options: delta (4 bits), length (4 bits), extensions      3.1
                  (13: one more byte + 13; 14: two more bytes + 269; 15: only as the payload marker 0xFF)
    ...     8     payload marker 0xFF, then a payload of at least one byte  3

    Block option value (0 to 3 bytes): number, more (1 bit), size exponent (3 bits, 7 reserved)   RFC 7959, 2.2

Text options are strict UTF-8 (3.2). An empty message (code 0.00) is four bytes and no more (4.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from plumbline.model.errors import ProtocolError
from plumbline.protocols.reader import Reader

MAX_OPTIONS = 128  # a path of 255-byte segments that fills a datagram has fewer; bounds the events
MAX_OPTION_NUMBER = 0xFFFF  # the registry's last number (12.2)
MAX_BODY = 64 * 1024  # /.well-known/core of a large gateway is a few KiB


class Type(IntEnum):
    """Message types (section 3)."""

    CON = 0
    NON = 1
    ACK = 2
    RST = 3


class OptionNumber(IntEnum):
    """Options that an auditor reads (section 12.2; Block and Size2: RFC 7959; OSCORE: RFC 8613; Observe: RFC 7641)."""

    URI_HOST = 3
    ETAG = 4
    OBSERVE = 6
    URI_PORT = 7
    LOCATION_PATH = 8
    OSCORE = 9
    URI_PATH = 11
    CONTENT_FORMAT = 12
    MAX_AGE = 14
    URI_QUERY = 15
    ACCEPT = 17
    BLOCK2 = 23
    BLOCK1 = 27
    SIZE2 = 28
    PROXY_URI = 35


class CodeClass(IntEnum):
    """The code's first three bits (section 3, 12.1; 7 is signalling over TCP, RFC 8323)."""

    REQUEST = 0
    RESERVED_1 = 1
    SUCCESS = 2
    RESERVED_3 = 3
    CLIENT_ERROR = 4
    SERVER_ERROR = 5
    RESERVED_6 = 6
    SIGNALLING = 7


EMPTY = 0x00
GET = 0x01
CONTENT = 0x45
LINK_FORMAT = 40  # content format of RFC 6690


@dataclass(frozen=True, slots=True)
class Option:
    """One option with its value as it stands on the wire."""

    number: int
    value: bytes

    @property
    def uint(self) -> int:
        """The value as a number (3.2)."""
        return int.from_bytes(self.value, "big")


@dataclass(frozen=True, slots=True)
class Block:
    """A Block1 or Block2 option: block `number` of `size` bytes each, and whether `more` follow."""

    number: int
    more: bool
    size: int

    def encode(self) -> bytes:
        """Encode in the fewest bytes; raises ValueError for a size that is no power of two from 16 to 1024."""
        exponent = self.size.bit_length() - 5
        if self.size != 1 << exponent + 4 or not 0 <= exponent <= 6 or not 0 <= self.number < 1 << 20:
            raise ValueError(f"no such block: {self}")
        return _uint(self.number << 4 | self.more << 3 | exponent)


@dataclass(frozen=True, slots=True)
class Message:
    """One datagram; options in the order of their numbers."""

    type: Type
    code: int
    message_id: int
    token: bytes = b""
    options: tuple[Option, ...] = ()
    payload: bytes = b""

    @property
    def code_class(self) -> CodeClass:
        """What kind of code it is."""
        return CodeClass(self.code >> 5)

    @property
    def code_text(self) -> str:
        """The code as the standard writes it, for example `2.05`."""
        return f"{self.code >> 5}.{self.code & 0x1F:02}"

    def values(self, number: int) -> tuple[bytes, ...]:
        """All values of one option."""
        return tuple(option.value for option in self.options if option.number == number)

    def number(self, number: int) -> int | None:
        """The first value of one option as a number, None when absent."""
        return next((option.uint for option in self.options if option.number == number), None)

    @property
    def uri_path(self) -> str:
        """The request's path with its leading slash; bytes that are not UTF-8 read as U+FFFD."""
        return "/" + "/".join(value.decode(errors="replace") for value in self.values(OptionNumber.URI_PATH))

    @property
    def block2(self) -> Block | None:
        """The Block2 option; `decode` has checked it."""
        values = self.values(OptionNumber.BLOCK2)
        return _read_block(values[0]) if values else None


def encode(message: Message) -> bytes:
    """Encode an empty message, a GET, or a response; raises ValueError for other methods and for what does not fit."""
    if message.code not in (EMPTY, GET) and message.code >> 5 == CodeClass.REQUEST:
        raise ValueError(f"method {message.code_text} is not ours to send")
    if len(message.token) > 8:
        raise ValueError(f"a token of {len(message.token)} bytes")
    head = bytes([1 << 6 | message.type << 4 | len(message.token), message.code]) + message.message_id.to_bytes(2, "big")
    encoded = bytearray(head + message.token)
    previous = 0
    for option in sorted(message.options, key=lambda option: option.number):
        delta, delta_more = _nibble(option.number - previous)
        length, length_more = _nibble(len(option.value))
        encoded += bytes([delta << 4 | length]) + delta_more + length_more + option.value
        previous = option.number
    return bytes(encoded) + (b"\xff" + message.payload if message.payload else b"")


def encode_get(
    message_id: int, token: bytes, path: Sequence[str], *, query: Iterable[str] = (), accept: int | None = None, block: Block | None = None
) -> bytes:
    """Encode a confirmable GET of the path's segments, of one block when `block` is given."""
    options = [Option(OptionNumber.URI_PATH, segment.encode()) for segment in path]
    options += [Option(OptionNumber.URI_QUERY, part.encode()) for part in query]
    if accept is not None:
        options.append(Option(OptionNumber.ACCEPT, _uint(accept)))
    if block is not None:
        options.append(Option(OptionNumber.BLOCK2, block.encode()))
    return encode(Message(Type.CON, GET, message_id, token, tuple(options)))


def encode_ping(message_id: int) -> bytes:
    """Encode an empty confirmable message, which any endpoint answers with RST (4.3)."""
    return encode(Message(Type.CON, EMPTY, message_id))


def encode_ack(message_id: int) -> bytes:
    """Encode the acknowledgement of a response that came by itself (5.2.2)."""
    return encode(Message(Type.ACK, EMPTY, message_id))


def decode(data: bytes) -> Message:
    """Decode one datagram; raises ProtocolError."""
    reader = Reader(data)
    first, code, message_id = reader.u8("header"), reader.u8("code"), reader.u16("message id")
    if first >> 6 != 1:
        raise ProtocolError(f"version {first >> 6}", offset=0)
    token_length = first & 0x0F
    if token_length > 8:
        raise ProtocolError(f"token length {token_length}", offset=0)
    if code == EMPTY and len(data) != 4:
        raise ProtocolError(f"an empty message of {len(data)} bytes", offset=4)
    token = reader.take(token_length, "token")
    options: list[Option] = []
    number = 0
    payload = b""
    while reader.remaining:
        head = reader.u8("option")
        if head == 0xFF:
            payload = reader.rest()
            if not payload:
                raise ProtocolError("a payload marker without a payload", offset=reader.offset)
            break
        number += _extended(reader, head >> 4)
        value = reader.take(_extended(reader, head & 0x0F), f"option {number}")
        if len(options) == MAX_OPTIONS or number > MAX_OPTION_NUMBER:
            raise ProtocolError(f"option {len(options) + 1} is number {number}; too many or too high", offset=reader.offset)
        if number in (OptionNumber.BLOCK1, OptionNumber.BLOCK2):
            _read_block(value)
        options.append(Option(number, value))
    return Message(Type(first >> 4 & 3), code, message_id, token, tuple(options), payload)


class BlockwiseBody:
    """Puts a body together from the responses to one GET (RFC 7959, 2.4); holds at most `max_bytes` of it.

    Ask for `next_block` until it is None. A larger body is cut there and `complete` stays False.
    """

    def __init__(self, max_bytes: int = MAX_BODY) -> None:
        self.max_bytes = max_bytes
        self.complete = False
        self._parts: list[bytes] = []
        self._size = 0
        self._etag: tuple[bytes, ...] | None = None

    @property
    def data(self) -> bytes:
        """What was received so far."""
        return b"".join(self._parts)

    def add(self, message: Message) -> Block | None:
        """Take the next response and return the block to ask for, None when done; raises ProtocolError for a wrong block."""
        block = message.block2 or Block(0, False, 1024)
        # The server may answer with smaller blocks than asked for, so the place is counted in bytes, not in blocks.
        if block.number * block.size != self._size or self.complete:
            raise ProtocolError(f"block {block.number} of {block.size} bytes, after {self._size} bytes of the body")
        if block.more and len(message.payload) != block.size:
            raise ProtocolError(f"block {block.number} holds {len(message.payload)} bytes of {block.size} and more follow")
        etag = message.values(OptionNumber.ETAG)
        if self._etag is not None and etag != self._etag:
            raise ProtocolError("the resource changed between two blocks")
        self._etag = etag
        room = self.max_bytes - self._size
        self._parts.append(message.payload[:room])
        self._size += len(message.payload)
        self.complete = not block.more and self._size <= self.max_bytes
        if not block.more or self._size >= self.max_bytes:
            return None
        return Block(block.number + 1, False, block.size)


def _uint(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _nibble(value: int) -> tuple[int, bytes]:
    if value < 13:
        return value, b""
    if value < 269:
        return 13, bytes([value - 13])
    return 14, (value - 269).to_bytes(2, "big")


def _extended(reader: Reader, nibble: int) -> int:
    if nibble == 15:
        raise ProtocolError("option delta or length 15 is reserved", offset=reader.offset - 1)
    if nibble == 14:
        return reader.u16("option extension") + 269
    return reader.u8("option extension") + 13 if nibble == 13 else nibble


def _read_block(value: bytes) -> Block:
    number = int.from_bytes(value, "big")
    if len(value) > 3 or number & 7 == 7:
        raise ProtocolError(f"block option {value[:4].hex()}")
    return Block(number >> 4, bool(number & 8), 1 << (number & 7) + 4)
