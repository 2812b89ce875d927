"""The codec of names: what counts as the answer to a question, and what stands in it."""

from __future__ import annotations

import pytest

from plumbline.collect.network.names import CODEC
from plumbline.model.errors import ProtocolError, RefusedError
from tests.collect.network import dns_answers as dns

HUB = "hub.azure-devices.example"
EDGE = "gateway-1.cloud.example"


def read(data: bytes, record: str = "A") -> list[str]:
    return list(CODEC.decode(data, 7, HUB, record))


def query(record: str = "A", *, of: str = HUB, id_: int = 7) -> bytes:
    return CODEC.encode(id_, of, record)


def test_the_question() -> None:
    data = query("AAAA")
    assert dns.asked(data) == ([HUB], dns.AAAA)
    assert data[:4] == bytes.fromhex("0007 0100")  # RD, one question


ANSWERS: dict[str, tuple[bytes, list[str]]] = {
    "an address": (dns.reply(query(), [dns.address(HUB, "192.0.2.1")]), ["192.0.2.1"]),
    "several": (dns.reply(query(), [dns.address(HUB, a) for a in ("192.0.2.2", "192.0.2.1")]), ["192.0.2.2", "192.0.2.1"]),
    "in other letters": (dns.reply(query(of=HUB.upper()), [dns.address(HUB.title(), "192.0.2.1")]), ["192.0.2.1"]),
    "by an alias": (dns.reply(query(), [dns.alias(HUB, EDGE), dns.address(EDGE, "192.0.2.3")]), ["192.0.2.3"]),
    "no such record": (dns.reply(query()), []),
    "no such name": (dns.reply(query(), flags=0x8183), []),
    "somebody else's address": (dns.reply(query(), [dns.address("evil.example", "192.0.2.9")]), []),
    "another kind of record": (dns.reply(query(), [dns.address(HUB, "2001:db8::1")]), []),
    "aliases in a circle": (dns.reply(query(), [dns.alias(HUB, EDGE), dns.alias(EDGE, HUB)]), []),
}


@pytest.mark.parametrize(("data", "addresses"), ANSWERS.values(), ids=ANSWERS.keys())
def test_answers(data: bytes, addresses: list[str]) -> None:
    assert read(data) == addresses


def test_ipv6() -> None:
    assert read(dns.reply(query("AAAA"), [dns.address(HUB, "2001:db8::1")]), "AAAA") == ["2001:db8::1"]


STRAYS = {
    "another id": dns.reply(query(id_=8), [dns.address(HUB, "192.0.2.1")]),
    "another name": dns.reply(query(of="evil.example"), [dns.address("evil.example", "192.0.2.1")]),
    "another type": dns.reply(query("AAAA"), [dns.address(HUB, "2001:db8::1")]),
    "a question": query(),
    "cut": dns.reply(query(), [dns.address(HUB, "192.0.2.1")], flags=0x8380),
    "nonsense": b"nonsense",
    "nothing": b"",
}


@pytest.mark.parametrize("data", STRAYS.values(), ids=STRAYS.keys())
def test_not_the_answer(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        read(data)


@pytest.mark.parametrize(("code", "word"), [(2, "has failed"), (5, "refuses"), (9, "code 9")])
def test_turned_down(code: int, word: str) -> None:
    with pytest.raises(RefusedError, match=word):
        read(dns.reply(query(), flags=0x8180 | code))
