"""DHCP: the message of RFC 2131 field by field, options in every place they may stand, and hostile ones."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from plumbline.model.errors import ProtocolError
from plumbline.protocols.dhcp import Message, MessageType, decode
from tests.protocols.fuzzing import FuzzTarget

MAC = bytes.fromhex("02005e001014")


def message(
    options: bytes,
    *,
    op: int = 1,
    client: bytes = bytes(4),
    your: bytes = bytes(4),
    sname: bytes = b"",
    file: bytes = b"",
    hardware: bytes = b"\x01\x06",
) -> bytes:
    """RFC 2131, figure 1."""
    head = bytes((op,)) + hardware + b"\0" + b"\x39\x03\xf3\x26" + b"\0\0\x80\0" + client + your + bytes(8)
    return head + MAC.ljust(16, b"\0") + sname.ljust(64, b"\0") + file.ljust(128, b"\0") + b"\x63\x82\x53\x63" + options


REQUEST = message(
    b"\x35\x01\x03" + b"\x32\x04\x0a\x14\x01\x0e" + b"\x36\x04\x0a\x14\x01\x01" + b"\x0c\x08dock-cam" + b"\x3c\x06cam-3 " + b"\xff"
)
ACK = message(b"\x35\x01\x05\x36\x04\x0a\x14\x01\x01\xff" + bytes(20), op=2, your=b"\x0a\x14\x01\x0e")
FULL_NAME_TEXT = message(b"\x51\x0b\0\0\0cam.home" + b"\xff")
FULL_NAME_DNS = message(b"\x51\x0d\x04\0\0\x03cam\x04home\0" + b"\xff")
OVERLOADED = message(b"\x34\x01\x03\xff", file=b"\x0c\x03cam\xff", sname=b"\x3c\x02v1\xff")

VECTORS = {
    "request": (
        REQUEST,
        Message(
            reply=False,
            transaction_id=0x3903F326,
            mac="02:00:5e:00:10:14",
            client_address=None,
            your_address=None,
            type=MessageType.REQUEST,
            host_name="dock-cam",
            vendor_class="cam-3 ",
            requested_address=IPv4Address("10.20.1.14"),
            server=IPv4Address("10.20.1.1"),
            options=(53, 50, 54, 12, 60),
        ),
    ),
    "acknowledgement": (
        ACK,
        Message(
            reply=True,
            transaction_id=0x3903F326,
            mac="02:00:5e:00:10:14",
            client_address=None,
            your_address=IPv4Address("10.20.1.14"),
            type=MessageType.ACK,
            server=IPv4Address("10.20.1.1"),
            options=(53, 54),
        ),
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_vectors(name: str) -> None:
    data, expected = VECTORS[name]
    assert decode(data) == expected


HOST_NAMES = {
    "with the NUL that RFC 2132 3.14 forbids": (message(b"\x0c\x04cam\0\xff"), "cam"),
    "in two parts (RFC 3396 7)": (message(b"\x0c\x03doc\0\0\x0c\x05k-cam\xff"), "dock-cam"),
    "a full name in text (RFC 4702 2.3)": (FULL_NAME_TEXT, "cam.home"),
    "a full name as in DNS": (FULL_NAME_DNS, "cam.home"),
    "in the file field (RFC 2132 9.3)": (OVERLOADED, "cam"),
    "of no charset": (message(b"\x0c\x02\xff\xfe\xff"), "\ufffd\ufffd"),
    "empty": (message(b"\x0c\0\xff"), None),
    "without the end mark": (message(b"\x0c\x03cam"), "cam"),
}


@pytest.mark.parametrize("name", HOST_NAMES)
def test_host_names(name: str) -> None:
    data, expected = HOST_NAMES[name]
    assert decode(data).host_name == expected


def test_overload_reads_the_server_name_too() -> None:
    assert decode(OVERLOADED).vendor_class == "v1"


def test_other_hardware_has_no_mac() -> None:
    assert decode(message(b"\xff", hardware=b"\x20\x14")).mac is None


def test_bootp_and_later_types() -> None:
    assert decode(message(b"\xff")).type is None
    assert decode(message(b"\x35\x01\x0d\xff")).type is None  # DHCPLEASEACTIVE, RFC 4388


BAD = {
    "short": REQUEST[:239],
    "another cookie": REQUEST[:236] + b"\x63\x82\x53\x64" + REQUEST[240:],
    "op 3": b"\x03" + REQUEST[1:],
    "an option without its length": message(b"\x0c"),
    "an option past the end": message(b"\x0c\x09cam"),
    "an address of three bytes": message(b"\x32\x03\x0a\x14\x01\xff"),
    "a type of two bytes": message(b"\x35\x02\x01\x01\xff"),
    "a full name past its end": message(b"\x51\x06\x04\0\0\x09ab\xff"),
}


@pytest.mark.parametrize("name", BAD)
def test_broken_messages(name: str) -> None:
    with pytest.raises(ProtocolError):
        decode(BAD[name])


@pytest.mark.parametrize("data", [REQUEST, ACK, FULL_NAME_DNS, OVERLOADED])
def test_every_cut(data: bytes) -> None:
    for size in range(len(data)):
        try:
            decode(data[:size])
        except ProtocolError:
            continue
        assert size >= 240


FUZZ = [FuzzTarget("dhcp", decode, [REQUEST, ACK, FULL_NAME_TEXT, FULL_NAME_DNS, OVERLOADED])]
