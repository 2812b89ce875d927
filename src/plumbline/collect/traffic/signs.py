"""Protocols that are only named: how to know each by its first bytes. Those whose messages are read stand in `conversations`.

A sign is as strict as its protocol allows, for a wrong name is worse than none. "Logins" says whether the protocol can carry one in
clear, so that "recognised" does not pass for "read and none was there".

    name         sign                                                                      source
    ssh          "SSH-" d "."                                                              RFC 4253 4.2
    sip          request line or status line with SIP/2.0                                  RFC 3261 7.1, 7.2
    amqp         "AMQP", protocol id 0 to 3, version                                       AMQP 1.0 2.2
    opcua        HEL, ACK, OPN, MSG, CLO, ERR + F or C, length                             OPC 10000-6 7.1.2
    dnp3         05 64, length from 5                                                      IEEE 1815 9.2
    enip         command, length, status 0 (little-endian), exact size                     CIP vol. 2, 2-3
    iec104       68, length 4 to 253, control field of four known forms                    IEC 60870-5-104 5
    s7/cotp      TPKT 03 00 length, then COTP connection request, confirm or data          RFC 1006 6; ISO 8073 13
    smb          NetBIOS length, FF or FE "SMB"                                            MS-SMB 2.2.3.1, MS-SMB2 2.2.1
    vnc          "RFB ddd.ddd" LF                                                          RFC 6143 7.1.1
    redis        "*" n CR LF "$" n CR LF                                                   Redis serialization protocol
    bacnet       81, function 0 to 0B, exact length                                        ASHRAE 135 J.2
    coap         version 1, a request with a path or query, or its form of an answer       RFC 7252 3
    ntp          port 123, version 1 to 4, mode 1 to 5, 48 bytes or more; mode 6, 7        RFC 5905 7.3
    ssdp         M-SEARCH, NOTIFY, or HTTP/1.1 200 over UDP                                UDA 1.2
    ws-discovery a SOAP envelope with the discovery namespace                              WS-Discovery 1.1
    nbns         port 137, header, one encoded name of 32 bytes                            RFC 1002 4.2
    dhcpv6       ports 546 and 547, message type 1 to 13                                   RFC 8415 7.3, 8
    syslog       "<" 0 to 191 ">"                                                          RFC 5424 6.2.1
    tftp         RRQ or WRQ, file name, mode                                               RFC 1350 5
    stun         magic cookie 2112A442, exact length                                       RFC 8489 5
    dtls         record type 20 to 23, version FEFF or FEFD, length that fits              RFC 6347 4.1
    quic         long header, fixed bit, version 1, 2 or a draft                           RFC 9000 17.2
    ike          version 1.0 or 2.0, exact length (after four zero bytes on 4500)          RFC 7296 3.1, RFC 3948 2.2
    wireguard    type 1 (148 bytes), 2 (92), 3 (64)                                        WireGuard protocol
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from plumbline.collect.traffic.conversation import Opening
from plumbline.model.words import Transport
from plumbline.protocols import coap


@dataclass(frozen=True, slots=True)
class Sign:
    """One protocol that is named: `encrypted` None where its first bytes do not tell, `logins` when it can carry one in clear."""

    protocol: str
    transport: Transport
    recognises: Callable[[Opening], bool]
    encrypted: bool | None = False
    logins: bool = False


_SIP = re.compile(rb"(?:[A-Z]{3,12} sips?:[^ \r\n]{1,256} SIP/2\.0|SIP/2\.0 \d{3} )")
_VNC = re.compile(rb"RFB \d{3}\.\d{3}\n")
_SSH = re.compile(rb"SSH-\d\.")
_REDIS = re.compile(rb"\*\d{1,4}\r\n\$\d{1,6}\r\n")
_SSDP = re.compile(rb"M-SEARCH \* HTTP/1\.|NOTIFY \* HTTP/1\.|HTTP/1\.[01] 200 ")
_SYSLOG = re.compile(rb"<(?:\d{1,2}|1[0-8]\d|19[01])>[\x20-\x7e]")
_TFTP = re.compile(rb"\0[\x01\x02][\x20-\x7e]{1,255}\0(?:netascii|octet|mail)\0", re.IGNORECASE)
_ENIP_COMMANDS = frozenset({0x0004, 0x0063, 0x0064, 0x0065, 0x0066, 0x006F, 0x0070})
_OPCUA = re.compile(rb"(?:HEL|ACK|OPN|MSG|CLO|ERR|RHE)[FCA]")
_COAP_CODES = frozenset({*range(1, 8), *range(0x41, 0x46), 0x5F, *range(0x80, 0x87), 0x88, 0x8C, 0x8D, 0x8F, *range(0xA0, 0xA6)})
_COAP_OPTIONS = frozenset({1, 3, 4, 5, 6, 7, 8, 9, 11, 12, 14, 15, 16, 17, 20, 23, 27, 28, 35, 39, 60, 252, 258, 292})


def _either(test: Callable[[bytes], bool]) -> Callable[[Opening], bool]:
    return lambda opening: test(opening.client) or test(opening.server)


def _u16(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "big")


def _amqp(data: bytes) -> bool:
    return data[:4] == b"AMQP" and len(data) >= 8 and data[4] <= 3


def _opcua(data: bytes) -> bool:
    return _OPCUA.match(data) is not None and 8 <= int.from_bytes(data[4:8], "little") <= 1 << 26


def _dnp3(data: bytes) -> bool:
    return data[:2] == b"\x05\x64" and len(data) >= 10 and data[2] >= 5


def _enip(data: bytes) -> bool:
    command, size = int.from_bytes(data[:2], "little"), int.from_bytes(data[2:4], "little")
    return len(data) >= 24 and command in _ENIP_COMMANDS and data[8:12] == b"\0\0\0\0" and size <= 1024 and len(data) >= 24 + size


def _iec104(data: bytes) -> bool:
    if len(data) < 6 or data[0] != 0x68 or not 4 <= data[1] <= 253:
        return False
    if data[1] == 4:  # U: one of six functions; S: an acknowledgement
        return data[2:6] in {bytes((one, 0, 0, 0)) for one in (0x07, 0x0B, 0x13, 0x23, 0x43, 0x83)} or data[2:4] == b"\x01\0"
    return data[1] >= 10 and not data[2] & 1 and not data[4] & 1 and len(data) >= 2 + data[1]


def _tpkt(data: bytes) -> bool:
    return data[:2] == b"\x03\0" and len(data) >= 7 and 7 <= _u16(data, 2) <= 8192 and data[5] & 0xF0 in (0xE0, 0xD0, 0xF0)


def _s7(opening: Opening) -> bool:
    """S7 communication is COTP data that starts with 32, or a connection to a TSAP of two bytes, which Siemens uses."""
    both = (opening.client, opening.server)
    return any(_tpkt(data) and (data[7:8] == b"\x32" or b"\xc1\x02" in data[7:40]) for data in both)


def _smb(data: bytes) -> bool:
    return data[:1] == b"\0" and data[4:8] in (b"\xffSMB", b"\xfeSMB")


def _bacnet(data: bytes) -> bool:
    return len(data) >= 6 and data[0] == 0x81 and data[1] <= 0x0B and _u16(data, 2) == len(data)


def _coap(data: bytes) -> bool:
    if len(data) < 5 or data[0] >> 6 != 1 or data[1] not in _COAP_CODES:
        return False
    message = coap.decode(data)
    if not all(option.number in _COAP_OPTIONS for option in message.options):
        return False
    if message.code_class is coap.CodeClass.REQUEST:
        return any(option.number in (11, 15, 6) for option in message.options)
    return bool(message.token) and (bool(message.options) or not message.payload)


def _ntp(opening: Opening) -> bool:
    data = opening.client or opening.server
    if 123 not in (opening.client_port, opening.server_port) or not data or not 1 <= data[0] >> 3 & 7 <= 4:
        return False
    mode = data[0] & 7
    return (1 <= mode <= 5 and len(data) >= 48) or (mode in (6, 7) and len(data) >= 8)


def _ws_discovery(data: bytes) -> bool:
    return data[:1] == b"<" and (b"ws/2005/04/discovery" in data[:1500] or b"ws-dd/ns/discovery" in data[:1500])


def _nbns(opening: Opening) -> bool:
    data = opening.client or opening.server
    named = len(data) >= 50 and data[12] == 0x20 and all(0x41 <= byte <= 0x50 for byte in data[13:45])
    return named and 137 in (opening.client_port, opening.server_port)


def _dhcpv6(opening: Opening) -> bool:
    data = opening.client or opening.server
    return bool({opening.client_port, opening.server_port} & {546, 547}) and len(data) >= 4 and 1 <= data[0] <= 13


def _stun(data: bytes) -> bool:
    return len(data) >= 20 and data[0] < 0x40 and data[4:8] == b"\x21\x12\xa4\x42" and _u16(data, 2) == len(data) - 20


def _dtls(data: bytes) -> bool:
    fits = len(data) >= 13 and 20 <= data[0] <= 23 and data[1] == 0xFE and data[2] in (0xFF, 0xFD, 0xFC)
    return fits and 13 + _u16(data, 11) <= len(data)


def _quic(data: bytes) -> bool:
    version = data[1:5]
    known = version in (b"\0\0\0\x01", b"\x6b\x33\x43\xcf") or version[:3] == b"\xff\0\0"
    return len(data) >= 21 and data[0] & 0xC0 == 0xC0 and known and data[5] <= 20


def _ike(opening: Opening) -> bool:
    data = opening.client or opening.server
    if data[:4] == b"\0\0\0\0" and 4500 in (opening.client_port, opening.server_port):
        data = data[4:]
    return len(data) >= 28 and any(data[:8]) and data[17] in (0x10, 0x20) and int.from_bytes(data[24:28], "big") == len(data)


def _wireguard(data: bytes) -> bool:
    return data[1:4] == b"\0\0\0" and (data[0], len(data)) in ((1, 148), (2, 92), (3, 64))


_TCP, _UDP = Transport.TCP, Transport.UDP
SIGNS: tuple[Sign, ...] = (
    Sign("ssh", _TCP, _either(lambda data: _SSH.match(data) is not None), encrypted=True),
    Sign("sip", _TCP, _either(lambda data: _SIP.match(data) is not None), logins=True),
    Sign("sip", _UDP, _either(lambda data: _SIP.match(data) is not None), logins=True),
    Sign("amqp", _TCP, _either(_amqp), logins=True),
    Sign("opcua", _TCP, _either(_opcua), encrypted=None, logins=True),
    Sign("dnp3", _TCP, _either(_dnp3)),
    Sign("dnp3", _UDP, _either(_dnp3)),
    Sign("enip", _TCP, _either(_enip)),
    Sign("enip", _UDP, _either(_enip)),
    Sign("iec104", _TCP, _either(_iec104)),
    Sign("s7", _TCP, _s7, logins=True),
    Sign("cotp", _TCP, _either(_tpkt), encrypted=None, logins=True),
    Sign("smb", _TCP, _either(_smb), encrypted=None, logins=True),
    Sign("vnc", _TCP, _either(lambda data: _VNC.match(data) is not None), logins=True),
    Sign("redis", _TCP, _either(lambda data: _REDIS.match(data) is not None), logins=True),
    Sign("ntp", _UDP, _ntp),
    Sign("dhcpv6", _UDP, _dhcpv6),
    Sign("nbns", _UDP, _nbns),
    Sign("ssdp", _UDP, _either(lambda data: _SSDP.match(data) is not None)),
    Sign("ws-discovery", _UDP, _either(_ws_discovery)),
    Sign("bacnet", _UDP, _either(_bacnet)),
    Sign("stun", _UDP, _either(_stun)),
    Sign("dtls", _UDP, _either(_dtls), encrypted=True),
    Sign("ike", _UDP, _ike, encrypted=True),
    Sign("wireguard", _UDP, _either(_wireguard), encrypted=True),
    Sign("quic", _UDP, _either(_quic), encrypted=True),
    Sign("tftp", _UDP, _either(lambda data: _TFTP.match(data) is not None)),
    Sign("syslog", _UDP, _either(lambda data: _SYSLOG.match(data) is not None)),
    Sign("coap", _UDP, _either(_coap)),
)
