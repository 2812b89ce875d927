"""DNS messages: queries for resolvers and mDNS, answers of both, and what captures show.

Not here: resolving, caching, DNSSEC, zone transfer. A message is one datagram (or what follows the length over TCP).

    offset  size  field                                                              RFC 1035
    0       2     id (0 in mDNS, RFC 6762 18.1)                                      4.1.1
    2       2     QR, opcode (4 bits), AA, TC, RD, RA, Z (3 bits), RCODE (4 bits)    4.1.1
    4       8     number of questions, answers, authority, additional records        4.1.1
    12      ...   question: name, type, class (top bit in mDNS: unicast wanted, RFC 6762 5.4)      4.1.2
    ...     ...   record: name, type, class (top bit in mDNS: cache flush, RFC 6762 10.2), TTL (s),
                  length, data                                                       4.1.3
    name          labels of 1 to 63 bytes, 0 at the end; at most 255 bytes; 11xxxxxx xxxxxxxx points back    3.1, 4.1.4

Names read as in master files: labels joined by dots, a dot or backslash inside a label behind a backslash, other bytes
that do not print as \\DDD (5.1); UTF-8 as mDNS has it (RFC 6762 16). The root is ".". A pointer must point before the
name that it stands in, so names cannot loop; their number of pointers is limited, so that they cannot be slow.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from plumbline.model.errors import ProtocolError
from plumbline.protocols.reader import Reader

MAX_ENTRIES = 1024  # questions and records together; a full datagram of the shortest records of a real zone has fewer
MAX_POINTERS = 32  # writers use one or two for each name
_MAX_NAME = 255
_TOP_BIT = 0x8000
_BYTE = re.compile(r"[0-9]{3}")


class RecordType(IntEnum):
    """Types that are read, or worth a name in a capture."""

    A = 1
    NS = 2
    CNAME = 5
    SOA = 6
    PTR = 12
    TXT = 16
    AAAA = 28
    SRV = 33
    OPT = 41
    NSEC = 47
    HTTPS = 65
    ANY = 255


IN = 1  # class internet


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked; `unicast` is the mDNS wish for a direct answer."""

    name: str
    type: int
    class_: int = IN
    unicast: bool = False


@dataclass(frozen=True, slots=True)
class Address:
    """A or AAAA."""

    address: ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Target:
    """PTR, CNAME or NS."""

    name: str


@dataclass(frozen=True, slots=True)
class Service:
    """SRV (RFC 2782)."""

    priority: int
    weight: int
    port: int
    target: str


@dataclass(frozen=True, slots=True)
class Text:
    """TXT: its strings as they stand."""

    strings: tuple[bytes, ...]

    @property
    def attributes(self) -> dict[str, str | None]:
        """The key=value pairs of DNS-SD (RFC 6763 6.4): keys in lower case, the first of equal keys counts, None has no `=`."""
        found: dict[str, str | None] = {}
        for string in self.strings:
            key, equals, value = string.partition(b"=")
            if key:
                found.setdefault(key.decode("ascii", "replace").lower(), value.decode(errors="replace") if equals else None)
        return found


@dataclass(frozen=True, slots=True)
class Unread:
    """Data of any other type: only its length."""

    size_bytes: int


Data = Address | Target | Service | Text | Unread


@dataclass(frozen=True, slots=True)
class Record:
    """One resource record; `cache_flush` is the mDNS mark of a unique record set."""

    name: str
    type: int
    class_: int
    ttl_s: int
    data: Data
    cache_flush: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """One message."""

    id: int
    response: bool
    opcode: int
    authoritative: bool
    truncated: bool
    recursion_desired: bool
    recursion_available: bool
    rcode: int
    questions: tuple[Question, ...] = ()
    answers: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()

    @property
    def records(self) -> tuple[Record, ...]:
        """All records of the three sections; mDNS spreads what belongs together over them."""
        return self.answers + self.authority + self.additional


def encode_query(id_: int, questions: Iterable[Question], *, recursion_desired: bool) -> bytes:
    """Encode a query (RFC 1035 4.1; for mDNS id 0 and no recursion); raises ValueError for a name that DNS cannot hold."""
    asked = tuple(questions)
    header = (id_, recursion_desired << 8, len(asked), 0, 0, 0)
    encoded = bytearray(b"".join(number.to_bytes(2, "big") for number in header))
    for question in asked:
        encoded += _encode_name(question.name) + question.type.to_bytes(2, "big")
        encoded += (question.class_ | (_TOP_BIT if question.unicast else 0)).to_bytes(2, "big")
    return bytes(encoded)


def split_name(name: str) -> tuple[bytes, ...]:
    """Split a name in master-file form into its labels, most specific first; raises ValueError when it is none."""
    labels: list[bytes] = []
    label = bytearray()
    at = 0
    while at < len(name):
        if name[at] == ".":
            labels.append(bytes(label))
            label.clear()
        elif name[at] == "\\" and _BYTE.match(name, at + 1):
            number = int(name[at + 1 : at + 4])
            if number > 0xFF:
                raise ValueError(f"no such byte in a name: {name[at : at + 4]}")
            label.append(number)
            at += 3
        else:
            at += name[at] == "\\"
            label += name[at : at + 1].encode()
        at += 1
    if label:
        labels.append(bytes(label))
    if name == ".":
        return ()
    if not labels or any(not 1 <= len(one) <= 63 for one in labels) or sum(map(len, labels)) + len(labels) + 1 > _MAX_NAME:
        raise ValueError(f"not a name: {name!r}")
    return tuple(labels)


def _encode_name(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label for label in split_name(name)) + b"\0"


def decode(data: bytes) -> Message:
    """Decode one message; raises ProtocolError."""
    reader = Reader(data)
    id_, flags = reader.u16("id"), reader.u16("flags")
    counts = [reader.u16("count") for _ in range(4)]
    if sum(counts) > MAX_ENTRIES:
        raise ProtocolError(f"{sum(counts)} questions and records; at most {MAX_ENTRIES} are read", offset=4)
    questions = tuple(_read_question(reader) for _ in range(counts[0]))
    answers, authority, additional = (tuple(_read_record(reader) for _ in range(count)) for count in counts[1:])
    reader.finish("message")
    return Message(
        id_,
        response=bool(flags & 0x8000),
        opcode=flags >> 11 & 15,
        authoritative=bool(flags & 0x0400),
        truncated=bool(flags & 0x0200),
        recursion_desired=bool(flags & 0x0100),
        recursion_available=bool(flags & 0x0080),
        rcode=flags & 15,
        questions=questions,
        answers=answers,
        authority=authority,
        additional=additional,
    )


def _read_question(reader: Reader) -> Question:
    name, type_, class_ = _read_name(reader), reader.u16("type"), reader.u16("class")
    return Question(name, type_, class_ & ~_TOP_BIT, bool(class_ & _TOP_BIT))


def _read_record(reader: Reader) -> Record:
    name, type_, class_ = _read_name(reader), reader.u16("type"), reader.u16("class")
    ttl_s = reader.u32("TTL")
    body = reader.part(reader.u16("data length"), "record data")
    if type_ == RecordType.OPT:  # class and TTL mean other things there (RFC 6891 6.1.2), the class has no top bit to take
        return Record(name, type_, class_, ttl_s, Unread(body.remaining))
    data = _read_data(type_, body)
    return Record(name, type_, class_ & ~_TOP_BIT, ttl_s, data, bool(class_ & _TOP_BIT))


def _read_data(type_: int, body: Reader) -> Data:
    if not body.remaining:
        return Unread(0)  # updates and mDNS probes carry records without data (RFC 2136 2.4)
    data: Data
    match type_:
        case RecordType.A:
            data = Address(ipaddress.IPv4Address(body.take(4, "address")))
        case RecordType.AAAA:
            data = Address(ipaddress.IPv6Address(body.take(16, "address")))
        case RecordType.PTR | RecordType.CNAME | RecordType.NS:
            data = Target(_read_name(body))
        case RecordType.SRV:
            data = Service(body.u16("priority"), body.u16("weight"), body.u16("port"), _read_name(body))
        case RecordType.TXT:
            strings: list[bytes] = []
            while body.remaining:
                strings.append(body.take(body.u8("string length"), "string"))
            data = Text(tuple(strings))
        case _:
            data = Unread(len(body.rest()))
    body.finish(f"data of type {type_}")
    return data


def _read_name(reader: Reader) -> str:
    labels: list[str] = []
    size, pointers = 1, 0
    start = reader.offset
    walk = reader  # after a pointer: a reader of what stands before
    while True:
        length = walk.u8("name")
        if length & 0xC0 == 0xC0:
            target = (length & 0x3F) << 8 | walk.u8("pointer")
            pointers += 1
            if target >= start or pointers > MAX_POINTERS:
                raise ProtocolError(f"name pointer {pointers} to {target}, from a name at {start}", offset=walk.offset - 2)
            start = target
            walk = Reader(reader.data, target)
        elif length & 0xC0:
            raise ProtocolError(f"label type {length >> 6}", offset=walk.offset - 1)
        elif length == 0:
            return ".".join(labels) if labels else "."
        else:
            size += length + 1
            if size > _MAX_NAME:
                raise ProtocolError(f"a name of more than {_MAX_NAME} bytes", offset=walk.offset - 1)
            labels.append(_label_text(walk.take(length, "label")))


def _label_text(label: bytes) -> str:
    # Bytes that are not UTF-8 come back as lone surrogates, each of which still tells its byte.
    characters: list[str] = []
    for character in label.decode(errors="surrogateescape"):
        code = ord(character)
        if character in ".\\":
            characters.append("\\" + character)
        elif 0xDC80 <= code <= 0xDCFF:
            characters.append(f"\\{code - 0xDC00:03}")
        elif not character.isprintable():
            characters.append("".join(f"\\{byte:03}" for byte in character.encode()))
        else:
            characters.append(character)
    return "".join(characters)
