"""DNS and mDNS messages: the standards' examples, names that loop, and names that are odd."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest

from plumbline.model.errors import ProtocolError
from plumbline.protocols.dns import (
    IN,
    MAX_ENTRIES,
    MAX_POINTERS,
    Address,
    Message,
    Question,
    Record,
    RecordType,
    Service,
    Target,
    Text,
    Unread,
    decode,
    encode_query,
    split_name,
)
from tests.protocols.fuzzing import FuzzTarget


def h(text: str) -> bytes:
    return bytes.fromhex(text)


def header(*counts: int, id_: int = 0, flags: int = 0) -> bytes:
    numbers = (id_, flags, *counts, *(0,) * (4 - len(counts)))
    return b"".join(number.to_bytes(2, "big") for number in numbers)


def labels(*names: bytes) -> bytes:
    return b"".join(bytes([len(name)]) + name for name in names)


def answer_of(data: bytes, type_: int, name: bytes = b"\0", class_: int = IN) -> bytes:
    """A response with one record."""
    body = name + type_.to_bytes(2, "big") + class_.to_bytes(2, "big") + (120).to_bytes(4, "big") + len(data).to_bytes(2, "big") + data
    return header(0, 1, flags=0x8400) + body


def message(*, response: bool = True, **fields: object) -> Message:
    plain: dict[str, object] = {"id": 0, "opcode": 0, "authoritative": response, "truncated": False, "rcode": 0}
    plain |= {"recursion_desired": False, "recursion_available": False}
    return Message(response=response, **{**plain, **fields})  # type: ignore[arg-type]


QUERY = header(1, id_=0x1234, flags=0x0100) + labels(b"www", b"example", b"com") + h("00 0001 0001")
RESPONSE = header(1, 1, id_=0x1234, flags=0x8180) + QUERY[12:] + h("c00c 0001 0001 0000003c 0004 c0000201")
INSTANCE = labels(b"Dock cam. 1")


def mdns() -> bytes:
    """PTR -> SRV + TXT -> A + AAAA, compressed; offsets are counted here, not by the code under test."""
    out = bytearray(header(0, 1, 0, 4, flags=0x8400))
    service_at = len(out)
    out += labels(b"_rtsp", b"_tcp")
    local_at = len(out)
    out += labels(b"local") + b"\0" + h("000c 0001 00001194")
    out += (len(INSTANCE) + 2).to_bytes(2, "big")
    instance_at = len(out)
    out += INSTANCE + (0xC000 | service_at).to_bytes(2, "big")
    pointer = (0xC000 | instance_at).to_bytes(2, "big")
    host = labels(b"cam-1") + (0xC000 | local_at).to_bytes(2, "big")
    out += pointer + h("0021 8001 00000078") + (6 + len(host)).to_bytes(2, "big") + h("0000 0000 022a")
    host_at = len(out)
    out += host
    text = labels(b"model=cam-3", b"Model=other", b"auth", b"path=", b"=none", b"")
    out += pointer + h("0010 8001 00001194") + len(text).to_bytes(2, "big") + text
    host_pointer = (0xC000 | host_at).to_bytes(2, "big")
    out += host_pointer + h("0001 8001 00000078 0004 0a14010e")
    out += host_pointer + h("001c 8001 00000078 0010 fe80000000000000000000000000000e")
    return bytes(out)


MDNS = mdns()
NAME = "Dock cam\\. 1._rtsp._tcp.local"
MDNS_MESSAGE = message(
    answers=(Record("_rtsp._tcp.local", RecordType.PTR, IN, 4500, Target(NAME)),),
    additional=(
        Record(NAME, RecordType.SRV, IN, 120, Service(0, 0, 554, "cam-1.local"), True),
        Record(NAME, RecordType.TXT, IN, 4500, Text((b"model=cam-3", b"Model=other", b"auth", b"path=", b"=none", b"")), True),
        Record("cam-1.local", RecordType.A, IN, 120, Address(IPv4Address("10.20.1.14")), True),
        Record("cam-1.local", RecordType.AAAA, IN, 120, Address(IPv6Address("fe80::e")), True),
    ),
)

# RFC 1035 4.1.4: F.ISI.ARPA at 20, FOO.F.ISI.ARPA at 40, ARPA at 64, the root at 92. Here as questions one after another.
RFC_1035_NAMES = (
    header(4)
    + labels(b"F", b"ISI", b"ARPA") + h("00 0001 0001")  # at 12; ARPA at 18
    + labels(b"FOO") + h("c00c 0001 0001")
    + h("c012 0001 0001")
    + h("00 0001 0001")
)  # fmt: skip

VECTORS: list[tuple[str, bytes, Message]] = [
    (
        "a query",
        QUERY,
        message(response=False, id=0x1234, recursion_desired=True, questions=(Question("www.example.com", 1),)),
    ),
    (
        "its answer",
        RESPONSE,
        message(
            id=0x1234, authoritative=False, recursion_desired=True, recursion_available=True, questions=(Question("www.example.com", 1),),
            answers=(Record("www.example.com", 1, IN, 60, Address(IPv4Address("192.0.2.1"))),),
        ),
    ),
    ("no such name, truncated", header(id_=5, flags=0x8203), message(id=5, authoritative=False, truncated=True, rcode=3)),
    ("a notify", header(flags=0x2000), message(response=False, opcode=4)),
    ("mDNS: service, host, addresses", MDNS, MDNS_MESSAGE),
    (
        "mDNS: a question for a direct answer (RFC 6762 5.4)",
        header(1) + labels(b"x", b"local") + h("00 00ff 8001"),
        message(response=False, questions=(Question("x.local", RecordType.ANY, IN, True),)),
    ),
    (
        "RFC 1035 4.1.4",
        RFC_1035_NAMES,
        message(response=False, questions=tuple(Question(name, 1) for name in ("F.ISI.ARPA", "FOO.F.ISI.ARPA", "ARPA", "."))),
    ),
    (
        "EDNS (RFC 6891): class and TTL as they stand",
        answer_of(b"\0\0\0\0", RecordType.OPT, class_=0x9000),
        message(answers=(Record(".", RecordType.OPT, 0x9000, 120, Unread(4)),)),
    ),
    ("a type that is not read", answer_of(b"abc", 99), message(answers=(Record(".", 99, IN, 120, Unread(3)),))),
    ("an A without data (RFC 2136 2.4)", answer_of(b"", RecordType.A), message(answers=(Record(".", RecordType.A, IN, 120, Unread(0)),))),
    ("CNAME", answer_of(labels(b"a") + b"\0", RecordType.CNAME), message(answers=(Record(".", RecordType.CNAME, IN, 120, Target("a")),))),
]  # fmt: skip
NAMES = [case[0] for case in VECTORS]


@pytest.mark.parametrize(("name", "data", "read"), VECTORS, ids=NAMES)
def test_vectors(name: str, data: bytes, read: Message) -> None:
    assert decode(data) == read


@pytest.mark.parametrize(("name", "data", "read"), VECTORS, ids=NAMES)
def test_every_truncation(name: str, data: bytes, read: Message) -> None:
    for size in range(len(data)):
        with pytest.raises(ProtocolError):
            decode(data[:size])


@pytest.mark.parametrize(("name", "data", "read"), VECTORS, ids=NAMES)
def test_bytes_behind_the_message(name: str, data: bytes, read: Message) -> None:
    with pytest.raises(ProtocolError, match="left over"):
        decode(data + b"\0")


def test_all_records() -> None:
    assert decode(MDNS).records == MDNS_MESSAGE.answers + MDNS_MESSAGE.additional


def test_text_attributes() -> None:
    text = Text((b"model=cam-3", b"Model=other", b"auth", b"path=", b"=none", b"", b"q=a=b", b"raw=\xff"))
    assert text.attributes == {"model": "cam-3", "auth": None, "path": "", "q": "a=b", "raw": "\ufffd"}


def question(name: bytes) -> bytes:
    return header(1) + name + h("0001 0001")


ODD_NAMES = [
    ("a dot in a label", labels(b"a.b", b"c"), "a\\.b.c"),
    ("a backslash", labels(b"a\\b"), "a\\\\b"),
    ("UTF-8", labels("Küche".encode()), "Küche"),
    ("a byte that is not UTF-8", labels(b"a\xffb"), "a\\255b"),
    ("a control byte", labels(b"a\x00\x1b"), "a\\000\\027"),
    ("a character that does not print", labels("a\u200b".encode()), "a\\226\\128\\139"),
    ("a space", labels(b"Dock cam"), "Dock cam"),
]


@pytest.mark.parametrize(("name", "wire", "text"), ODD_NAMES, ids=[case[0] for case in ODD_NAMES])
def test_odd_names(name: str, wire: bytes, text: str) -> None:
    assert decode(question(wire + b"\0")).questions[0].name == text
    assert encode_query(0, [Question(text, 1)], recursion_desired=False) == question(wire + b"\0")


BROKEN = [
    ("nothing", b""),
    ("a pointer to itself", question(h("c00c"))),
    ("a pointer forward", question(h("c010"))),
    ("a pointer to the label before it, in the same name", question(labels(b"a") + h("c00c"))),
    ("two names that point at each other", header(2) + h("c012 0001 0001 c00c 0001 0001")),
    ("a pointer cut", header(1) + h("c0")),
    ("label type 01 (RFC 2673, given up)", question(h("41 00"))),
    ("label type 10", question(h("80 00"))),
    ("a name of 256 bytes", question(labels(*[b"x" * 63] * 4) + b"\0")),
    ("a label longer than the message", question(b"\x3fabc")),
    ("an A of five bytes", answer_of(bytes(5), RecordType.A)),
    ("an AAAA of four bytes", answer_of(bytes(4), RecordType.AAAA)),
    ("an SRV without its target", answer_of(bytes(6), RecordType.SRV)),
    ("a PTR with more behind its name", answer_of(b"\0\0", RecordType.PTR)),
    ("a PTR whose name runs past its data", answer_of(b"\x01", RecordType.PTR)),
    ("a TXT whose string runs past its data", answer_of(b"\x05ab", RecordType.TXT)),
    ("more counted than there is", header(0, MAX_ENTRIES)),
    ("more counted than is read", header(MAX_ENTRIES, 1) + bytes(5) * (MAX_ENTRIES + 10)),
]


@pytest.mark.parametrize(("name", "data"), BROKEN, ids=[case[0] for case in BROKEN])
def test_broken_rules(name: str, data: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(data)


def test_the_longest_name() -> None:
    longest = labels(b"x" * 63, b"x" * 63, b"x" * 63, b"x" * 61)
    name = decode(question(longest + b"\0")).questions[0].name
    assert len(name) == 253
    assert split_name(name) == (b"x" * 63,) * 3 + (b"x" * 61,)


def chain(length: int) -> bytes:
    """Questions, each a pointer to the one before it."""
    out = header(length + 1) + h("00 0001 0001")
    at = 12
    for _ in range(length):
        out += (0xC000 | at).to_bytes(2, "big") + h("0001 0001")
        at = len(out) - 6
    return out


def test_the_number_of_pointers_is_limited() -> None:
    assert decode(chain(MAX_POINTERS)).questions[-1].name == "."
    with pytest.raises(ProtocolError, match="pointer"):
        decode(chain(MAX_POINTERS + 1))


def test_our_queries() -> None:
    assert encode_query(0x1234, [Question("www.example.com", RecordType.A)], recursion_desired=True) == QUERY
    assert encode_query(0, [Question("www.example.com.", RecordType.A)], recursion_desired=False)[12:] == QUERY[12:]
    two = [Question("_services._dns-sd._udp.local", RecordType.PTR, unicast=True), Question(".", RecordType.ANY)]
    assert decode(encode_query(0, two, recursion_desired=False)).questions == tuple(two)


@pytest.mark.parametrize("name", ["", "..", "a..b", ".a", "x" * 64, ".".join(["x" * 63] * 4), "a\\256"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        split_name(name)


def round_trip(data: bytes) -> Message:
    """Questions that were read can be asked, and read the same."""
    read = decode(data)
    for record in read.records:
        if isinstance(record.data, Text):
            assert len(record.data.attributes) <= len(record.data.strings)
    again = encode_query(read.id, read.questions, recursion_desired=read.recursion_desired)
    assert decode(again).questions == read.questions
    return read


def any_name(data: bytes) -> bytes:
    """Any text is a name that can be asked for, or ValueError, which here means that our own caller was wrong."""
    try:
        return encode_query(0, [Question(data.decode(errors="replace"), 1)], recursion_desired=False)
    except ValueError as error:
        raise ProtocolError(str(error)) from error


SEEDS = [data for _, data, _ in VECTORS] + [question(wire + b"\0") for _, wire, _ in ODD_NAMES] + [chain(3)]
FUZZ = [
    FuzzTarget("dns", round_trip, SEEDS),
    FuzzTarget("dns/names", any_name, [text.encode() for _, _, text in ODD_NAMES] + [b".", b"a."]),
]
