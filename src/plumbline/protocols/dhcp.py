"""DHCP messages for IPv4 as captures show them: who a client says it is, and which address it was given.

Nothing is encoded: an audit asks for no address. Leases, timers and relaying are not read.

    offset  size  field                                                                  RFC 2131, figure 1
    0       1     op: 1 request (from a client), 2 reply
    1       3     hardware type (1: Ethernet), hardware address length, hops
    4       4     transaction id
    8       4     seconds, flags
    12      16    client address, your address, next server, relay (4 each)
    28      16    client hardware address, padded
    44      64    server name, or options when option 52 says so                         RFC 2132 9.3
    108     128   boot file, or options when option 52 says so
    236     4     magic cookie 63 82 53 63                                               RFC 2131 3
    240     ...   options: code, length, value; 0 pads, 255 ends                         RFC 2132 2

    options read: 12 host name (3.14), 50 requested address (9.1), 52 overload (9.3), 53 message type (9.6),
    54 server (9.7), 60 vendor class (9.13), 81 client's full name (RFC 4702 2); parts of one option join (RFC 3396 7)

Host name and vendor class have no charset: they read as UTF-8 with U+FFFD for what is none; a final NUL is dropped, as
clients send it against 3.14. The end mark may be missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address

from plumbline.model.errors import ProtocolError

_COOKIE = b"\x63\x82\x53\x63"
_SIZE = 240
_PAD, _END = 0, 255
_HOST_NAME, _REQUESTED, _OVERLOAD, _TYPE, _SERVER, _VENDOR_CLASS, _FULL_NAME = 12, 50, 52, 53, 54, 60, 81


class MessageType(IntEnum):
    """Option 53 (RFC 2132 9.6)."""

    DISCOVER = 1
    OFFER = 2
    REQUEST = 3
    DECLINE = 4
    ACK = 5
    NAK = 6
    RELEASE = 7
    INFORM = 8


@dataclass(frozen=True, slots=True)
class Message:
    """One message; addresses are None where the field is zero or absent. `type` is None for BOOTP and for types of later RFCs."""

    reply: bool
    transaction_id: int
    mac: str | None
    client_address: IPv4Address | None
    your_address: IPv4Address | None
    type: MessageType | None = None
    host_name: str | None = None
    vendor_class: str | None = None
    requested_address: IPv4Address | None = None
    server: IPv4Address | None = None
    options: tuple[int, ...] = ()


def decode(data: bytes) -> Message:
    """Decode one datagram; raises ProtocolError."""
    if len(data) < _SIZE:
        raise ProtocolError(f"a DHCP message of {len(data)} bytes; at least {_SIZE}", offset=len(data))
    if data[236:240] != _COOKIE:
        raise ProtocolError("no DHCP magic cookie", offset=236)
    if data[0] not in (1, 2):
        raise ProtocolError(f"op {data[0]}", offset=0)
    options: dict[int, bytes] = {}
    _read_options(data, _SIZE, len(data), options)
    overload = options.get(_OVERLOAD, b"\0")[:1]
    if overload in (b"\x01", b"\x03"):
        _read_options(data, 108, 236, options)
    if overload in (b"\x02", b"\x03"):
        _read_options(data, 44, 108, options)
    return Message(
        reply=data[0] == 2,
        transaction_id=int.from_bytes(data[4:8], "big"),
        mac=data[28:34].hex(":") if data[1:3] == b"\x01\x06" and any(data[28:34]) else None,
        client_address=_address(data[12:16]),
        your_address=_address(data[16:20]),
        type=_message_type(options.get(_TYPE)),
        host_name=_text(options.get(_HOST_NAME)) or _full_name(options.get(_FULL_NAME)),
        vendor_class=_text(options.get(_VENDOR_CLASS)),
        requested_address=_address(options.get(_REQUESTED)),
        server=_address(options.get(_SERVER)),
        options=tuple(options),
    )


def _read_options(data: bytes, at: int, end: int, options: dict[int, bytes]) -> None:
    while at < end:
        code = data[at]
        at += 1
        if code == _END:
            return
        if code == _PAD:
            continue
        if at == end or data[at] > end - at - 1:
            raise ProtocolError(f"option {code} is cut", offset=at)
        options[code] = options.get(code, b"") + data[at + 1 : at + 1 + data[at]]
        at += 1 + data[at]


def _address(value: bytes | None) -> IPv4Address | None:
    if value is None or not any(value):
        return None
    if len(value) != 4:
        raise ProtocolError(f"an address of {len(value)} bytes")
    return IPv4Address(value)


def _message_type(value: bytes | None) -> MessageType | None:
    if value is None:
        return None
    if len(value) != 1:
        raise ProtocolError(f"a message type of {len(value)} bytes")
    return MessageType(value[0]) if value[0] in frozenset(MessageType) else None


def _text(value: bytes | None) -> str | None:
    return (value or b"").rstrip(b"\0").decode("utf-8", errors="replace") or None


def _full_name(value: bytes | None) -> str | None:
    """Read option 81: flags, two result codes, then the name: with flag E (4) as in DNS, otherwise as text (RFC 4702 2.1, 2.3)."""
    if value is None or len(value) <= 3:
        return None
    if not value[0] & 4:
        return _text(value[3:])
    labels, at = [], 3
    while at < len(value) and (size := value[at]):
        label = value[at + 1 : at + 1 + size]
        if size > 63 or len(label) < size:
            raise ProtocolError("a full name that is cut", offset=at)
        labels.append(label.decode("utf-8", errors="replace"))
        at += 1 + size
    return ".".join(labels) or None
