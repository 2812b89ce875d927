"""SSDP messages: those of the architecture document, those of careless devices, and broken ones."""

from __future__ import annotations

import pytest

from plumbline.model.errors import ProtocolError
from plumbline.protocols.ssdp import MAX_HEADERS, MAX_SIZE, ROOT_DEVICE, Kind, Message, decode, encode_search
from tests.protocols.fuzzing import FuzzTarget

RESPONSE = (
    b"HTTP/1.1 200 OK\r\n"
    b"CACHE-CONTROL: max-age = 1800\r\n"
    b"EXT:\r\n"
    b"LOCATION: http://10.20.1.14:49152/description.xml\r\n"
    b"SERVER: Linux/3.10 UPnP/1.1 Cam/1.4\r\n"
    b"ST: upnp:rootdevice\r\n"
    b"USN: uuid:2fac1234-31f8-11b4-a222-08002b34c003::upnp:rootdevice\r\n"
    b"\r\n"
)
NOTIFY = (
    b"NOTIFY * HTTP/1.1\r\n"
    b"HOST: 239.255.255.250:1900\r\n"
    b"NT: urn:schemas-upnp-org:device:Basic:1\r\n"
    b"NTS: ssdp:alive\r\n"
    b"USN: uuid:2fac1234-31f8-11b4-a222-08002b34c003\r\n"
    b"\r\n"
)
SEARCH = b'M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: "ssdp:discover"\r\nMX: 1\r\nST: ssdp:all\r\n\r\n'


def test_a_response() -> None:
    message = decode(RESPONSE)
    assert (message.kind, message.status, message.target) == (Kind.RESPONSE, 200, "upnp:rootdevice")
    assert message.location == "http://10.20.1.14:49152/description.xml"
    assert message.server == "Linux/3.10 UPnP/1.1 Cam/1.4"
    assert message.usn == "uuid:2fac1234-31f8-11b4-a222-08002b34c003::upnp:rootdevice"
    assert message.udn == "uuid:2fac1234-31f8-11b4-a222-08002b34c003"
    assert message.max_age_s == 1800
    assert message.get("ext") == ""
    assert [name for name, _ in message.headers] == ["cache-control", "ext", "location", "server", "st", "usn"]


def test_an_announcement() -> None:
    message = decode(NOTIFY)
    assert (message.kind, message.status, message.target) == (Kind.NOTIFY, None, "urn:schemas-upnp-org:device:Basic:1")
    assert (message.get("nts"), message.location, message.max_age_s) == ("ssdp:alive", None, None)


def test_a_search() -> None:
    assert encode_search() == SEARCH
    assert decode(SEARCH).kind is Kind.SEARCH
    assert decode(encode_search(ROOT_DEVICE, max_wait_s=3)).headers[-2:] == (("mx", "3"), ("st", ROOT_DEVICE))
    assert decode(encode_search(host="[ff02::c]:1900")).get("host") == "[ff02::c]:1900"


@pytest.mark.parametrize(("target", "wait"), [("a\r\nX: y", 1), ("ü", 1), ("ssdp:all", 0), ("ssdp:all", 6)])
def test_what_cannot_be_searched(target: str, wait: int) -> None:
    with pytest.raises(ValueError, match="no such search"):
        encode_search(target, max_wait_s=wait)


ODD: list[tuple[str, bytes, Message]] = [
    ("lines that end with LF", b"HTTP/1.1 200 OK\nST: a\n\n", Message(Kind.RESPONSE, 200, (("st", "a"),))),
    ("no empty line", b"HTTP/1.1 200 OK\r\nST: a", Message(Kind.RESPONSE, 200, (("st", "a"),))),
    ("no reason phrase", b"HTTP/1.1 200\r\n\r\n", Message(Kind.RESPONSE, 200, ())),
    ("HTTP/1.0", b"HTTP/1.0 200 OK\r\n\r\n", Message(Kind.RESPONSE, 200, ())),
    ("a space before the colon", b"HTTP/1.1 200 OK\r\nST : a\r\n\r\n", Message(Kind.RESPONSE, 200, (("st", "a"),))),
    ("bytes behind the end", b"HTTP/1.1 200 OK\r\n\r\nbody", Message(Kind.RESPONSE, 200, ())),
    ("bytes that are not UTF-8", b"HTTP/1.1 200 OK\r\nSERVER: \xff\r\n\r\n", Message(Kind.RESPONSE, 200, (("server", "\ufffd"),))),
    ("an error", b"HTTP/1.1 404 Not Found\r\n\r\n", Message(Kind.RESPONSE, 404, ())),
    ("colons in values", b"NOTIFY * HTTP/1.1\r\nHOST:[::1]:1900\r\n\r\n", Message(Kind.NOTIFY, None, (("host", "[::1]:1900"),))),
]


@pytest.mark.parametrize(("name", "data", "message"), ODD, ids=[case[0] for case in ODD])
def test_odd_devices(name: str, data: bytes, message: Message) -> None:
    assert decode(data) == message


BROKEN = [
    ("nothing", b""),
    ("another method", b"GET / HTTP/1.1\r\n\r\n"),
    ("NOTIFY of a path", b"NOTIFY /x HTTP/1.1\r\n\r\n"),
    ("another protocol", b"SIP/2.0 200 OK\r\n\r\n"),
    ("no status", b"HTTP/1.1 OK\r\n\r\n"),
    ("a line without a colon", b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n"),
    ("a header without a name", b"HTTP/1.1 200 OK\r\n: x\r\n\r\n"),
    ("a name with a space", b"HTTP/1.1 200 OK\r\na b: x\r\n\r\n"),
    ("too many headers", b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * (MAX_HEADERS + 1) + b"\r\n"),
    ("too long", b"HTTP/1.1 200 OK\r\na: " + b"b" * MAX_SIZE),
]


@pytest.mark.parametrize(("name", "data"), BROKEN, ids=[case[0] for case in BROKEN])
def test_broken_rules(name: str, data: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(data)


@pytest.mark.parametrize("data", [RESPONSE, NOTIFY, SEARCH], ids=["response", "notify", "search"])
def test_every_truncation_is_an_error_or_has_fewer_headers(data: bytes) -> None:
    whole = decode(data)
    for size in range(len(data)):
        try:
            short = decode(data[:size])
        except ProtocolError:
            continue
        assert len(short.headers) <= len(whole.headers)
        assert short.headers[:-1] == whole.headers[: len(short.headers)][:-1]


def test_a_unique_service_name_of_another_form() -> None:
    assert decode(b"HTTP/1.1 200 OK\r\nUSN: cam-1\r\n\r\n").udn is None
    assert decode(b"HTTP/1.1 200 OK\r\n\r\n").udn is None


def read(data: bytes) -> Message:
    """Everything that a message tells, and a search for its target when that is a target."""
    message = decode(data)
    assert message.max_age_s is None or message.max_age_s >= 0
    assert message.udn is None or message.usn
    try:
        assert decode(encode_search(message.target or "")).kind is Kind.SEARCH
    except ValueError:
        return message
    return message


FUZZ = [FuzzTarget("ssdp", read, [RESPONSE, NOTIFY, SEARCH] + [data for _, data, _ in ODD])]
