"""TLS connections as a capture shows them: hellos and certificates in clear, the rest as sealed records.

Nothing is encrypted: what is sealed is pseudorandom bytes of a likely length, which is all that a listener could tell.

| offset | size | field | clause of RFC 8446 |
|---|---|---|---|
| 0 | 1 | record type: 22 handshake, 20 change cipher spec, 23 application data | 5.1 |
| 1 | 2 | legacy version | 5.1 |
| 3 | 2 | length | 5.1 |
| 5 | 1 | handshake type: 1 ClientHello, 2 ServerHello, 11 Certificate, 14 ServerHelloDone, 16 ClientKeyExchange | 4 |
| 6 | 3 | length | 4 |
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence

from plumbline.lab.files.frames import Say

TLS_1_0, TLS_1_2, TLS_1_3 = 0x0301, 0x0303, 0x0304
CURRENT_13 = (0x1301, 0x1302, 0x1303)
CURRENT_12 = (0xC02B, 0xC02F, 0xC02C, 0xC030)  # ECDHE with AES-GCM
OLD = (0xC013, 0xC014, 0x002F, 0x0035)  # AES-CBC with SHA-1
WEAK = (0x0005, 0x000A)  # RC4 with SHA-1; 3DES


def connection(
    name: str, *, version: int = TLS_1_3, suites: Sequence[int] = (*CURRENT_13, *CURRENT_12), certificate: bytes = b""
) -> list[Say]:
    """Say what a client that offers `version` at most, and a server that takes it and the first suite, say.

    `name` is the server name asked for; `certificate` the server's DER, in clear below TLS 1.3.
    """
    if version == TLS_1_3:
        return _modern(name, suites)
    sealed = _bytes(f"{name} sealed", 96)
    server = _handshake(2, _server_hello(name, version, suites[0], b"")) + _certificate(certificate) + _handshake(14, b"")
    key = _bytes(f"{name} key", 128)
    finished = _record(20, version, b"\x01") + _record(22, version, sealed[:64])
    return [
        Say(True, _record(22, TLS_1_0, _handshake(1, _client_hello(name, version, suites)))),
        Say(False, _record(22, version, server)),
        Say(True, _record(22, version, _handshake(16, struct.pack(">H", len(key)) + key)) + finished),
        Say(False, finished),
        Say(True, _record(23, version, sealed)),
        Say(False, _record(23, version, sealed[::-1])),
    ]


def _modern(name: str, suites: Sequence[int]) -> list[Say]:
    chosen = _extension(43, struct.pack(">H", TLS_1_3)) + _extension(51, struct.pack(">HH", 29, 32) + _bytes(f"{name} share", 32))
    hello = _server_hello(name, TLS_1_2, suites[0], chosen)
    changed = _record(20, TLS_1_2, b"\x01")
    return [
        Say(True, _record(22, TLS_1_0, _handshake(1, _client_hello(name, TLS_1_3, suites)))),
        Say(False, _record(22, TLS_1_2, _handshake(2, hello)) + changed + _record(23, TLS_1_2, _bytes(f"{name} a", 900))),
        Say(True, changed + _record(23, TLS_1_2, _bytes(f"{name} b", 74)) + _record(23, TLS_1_2, _bytes(f"{name} c", 210))),
        Say(False, _record(23, TLS_1_2, _bytes(f"{name} d", 180))),
    ]


def _client_hello(name: str, version: int, suites: Sequence[int]) -> bytes:
    host = name.encode()
    extensions = _extension(0, struct.pack(">HBH", len(host) + 3, 0, len(host)) + host)  # RFC 6066, 3
    extensions += _extension(10, struct.pack(">HHH", 4, 29, 23)) + _extension(13, struct.pack(">HHHH", 6, 0x0403, 0x0804, 0x0401))
    if version == TLS_1_3:
        extensions += _extension(43, struct.pack(">BHH", 4, TLS_1_3, TLS_1_2))
        extensions += _extension(51, struct.pack(">HHH", 36, 29, 32) + _bytes(f"{name} client share", 32))
    listed = b"".join(struct.pack(">H", suite) for suite in suites)
    head = struct.pack(">H", min(version, TLS_1_2)) + _bytes(f"{name} client", 32) + b"\x20" + _bytes(f"{name} session", 32)
    return head + struct.pack(">H", len(listed)) + listed + b"\x01\x00" + struct.pack(">H", len(extensions)) + extensions


def _server_hello(name: str, version: int, suite: int, extensions: bytes) -> bytes:
    head = struct.pack(">H", version) + _bytes(f"{name} server", 32) + b"\x20" + _bytes(f"{name} session", 32)
    return head + struct.pack(">HB", suite, 0) + (struct.pack(">H", len(extensions)) + extensions if extensions else b"")


def _certificate(der: bytes) -> bytes:
    entry = len(der).to_bytes(3) + der if der else b""
    return _handshake(11, len(entry).to_bytes(3) + entry)  # RFC 5246, 7.4.2


def _handshake(kind: int, body: bytes) -> bytes:
    return bytes((kind,)) + len(body).to_bytes(3) + body


def _extension(number: int, body: bytes) -> bytes:
    return struct.pack(">HH", number, len(body)) + body


def _record(kind: int, version: int, body: bytes) -> bytes:
    return struct.pack(">BHH", kind, version, len(body)) + body


def _bytes(seed: str, size: int) -> bytes:
    return b"".join(hashlib.sha256(f"{seed} {n}".encode()).digest() for n in range(size // 32 + 1))[:size]
