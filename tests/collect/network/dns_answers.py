"""DNS answers as servers of the tests write them, byte by byte (RFC 1035 4.1), so that our decoder is not held against our encoder."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from ipaddress import ip_address

A, CNAME, PTR, TXT, AAAA = 1, 5, 12, 16, 28


def name(text: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in text.rstrip(".").split(".")) + b"\0"


def record(owner: str, kind: int, data: bytes) -> bytes:
    return name(owner) + struct.pack("!HHIH", kind, 1, 60, len(data)) + data


def address(owner: str, text: str) -> bytes:
    found = ip_address(text)
    return record(owner, A if found.version == 4 else AAAA, found.packed)


def alias(owner: str, target: str) -> bytes:
    return record(owner, CNAME, name(target))


def pointer(owner: str, target: str) -> bytes:
    return record(owner, PTR, name(target))


def text(owner: str, *strings: str) -> bytes:
    return record(owner, TXT, b"".join(bytes([len(one)]) + one.encode() for one in strings))


def reply(query: bytes, records: Sequence[bytes] = (), *, flags: int = 0x8180, id_: int | None = None) -> bytes:
    """Answer a query, its questions repeated; `flags` as they stand on the wire (0x8180: an answer, recursion available)."""
    number = int.from_bytes(query[:2], "big") if id_ is None else id_
    return struct.pack("!HH", number, flags) + query[4:6] + struct.pack("!HHH", len(records), 0, 0) + query[12:] + b"".join(records)


def asked(query: bytes) -> tuple[list[str], int]:
    """The names that a query asks for, and the type of the last one."""
    at, names, kind = 12, [], 0
    for _ in range(int.from_bytes(query[4:6], "big")):
        labels = []
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode())
            at += 1 + query[at]
        names.append(".".join(labels))
        kind = int.from_bytes(query[at + 1 : at + 3], "big")
        at += 5
    return names, kind


def resolver_of(addresses: Sequence[str]) -> object:
    """An `answer` of `datagrams.responder` that gives the same addresses for every name."""

    def answer(query: bytes) -> list[bytes]:
        [wanted], kind = asked(query)
        found = [each for each in addresses if (ip_address(each).version == 4) == (kind == A)]
        return [reply(query, [address(wanted, each) for each in found])]

    return answer
