"""Strict XML: the wanted elements, or a ProtocolError that says where."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from plumbline.model.errors import ProtocolError
from plumbline.protocols import strict_xml
from plumbline.protocols.strict_xml import DEPTH_MAX, HELD_MAX, NODES_MAX, TOKEN_MAX, elements
from tests.protocols.fuzzing import FuzzTarget

SCAN = b"""<?xml version="1.0"?><!DOCTYPE run>
<run tool="t"><!-- a comment --><x:host xmlns:x="urn:x" at="10.0.0.1"><port n="22"><name>ssh &amp; more</name></port><port n="80"/>
  up </x:host><host at="10.0.0.2"/><host><host at="inner"/></host></run>"""


def test_elements_as_they_end() -> None:
    first, second, third = elements([SCAN], {"host"})
    assert (first.tag, first.get("at"), first.text, [port.get("n") for port in first.all("port")]) == (
        "host",
        "10.0.0.1",
        "up",
        ["22", "80"],
    )
    assert (first.text_at("port/name"), first.text_at("port/other"), first.first("name"), first.get("none")) == (
        "ssh & more",
        None,
        None,
        None,
    )
    assert " ".join(first.whole_text().split()) == "ssh & more up"
    run = first.above("run")
    assert run is not None
    assert (run.get("tool"), run.children, first.above("nothing")) == ("t", [], None)
    assert (second.get("at"), second.children) == ("10.0.0.2", [])
    assert [inner.get("at") for inner in third.children] == ["inner"]


@pytest.mark.parametrize("size", [1, 2, 7, 64])
def test_any_cut_gives_the_same(size: int) -> None:
    whole = [seen(element) for element in elements([SCAN], {"port", "host"})]
    assert [seen(element) for element in elements((SCAN[at : at + size] for at in range(0, len(SCAN), size)), {"port", "host"})] == whole


def seen(element: strict_xml.Element) -> object:
    return element.tag, dict(element.attributes), element.text, [seen(child) for child in element.children]


BROKEN = {
    "cut": (b"<run><host>", "not XML: no element found"),
    "crossed": (b"<run><host></run></host>", "mismatched tag"),
    "nothing": (b"", "no element found"),
    "two roots": (b"<run/><run/>", "junk after document"),
    "no XML": (b"Starting Nmap 7.93", "line 1, column 0"),
    "a control character": (b"<run>\x01</run>", "not well-formed"),
    "no UTF-8": (b"<run>\xff</run>", "not well-formed"),
    "an encoding that nobody knows": (b'<?xml version="1.0" encoding="x-none"?><run/>', "not XML: unknown encoding"),
    "one attribute twice": (b'<run a="1" a="2"/>', "duplicate attribute"),
    "an own entity": (b'<!DOCTYPE run [<!ENTITY a "b">]><run>&a;</run>', "document type definition is not read"),
    "a billion laughs": (
        b'<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><r>&b;&b;&b;&b;</r>',
        "document type definition is not read",
    ),
    "a file of the machine": (b'<!DOCTYPE run SYSTEM "file:///etc/passwd"><run/>', "document type definition is not read"),
    "a public definition": (b'<!DOCTYPE run PUBLIC "-//X//EN" "http://10.0.0.1/x.dtd"><run/>', "document type definition is not read"),
    "an entity out of nowhere": (b"<run>&secret;</run>", "undefined entity"),
    "an entity after a bare definition": (b"<!DOCTYPE run><run>&secret;</run>", "undefined entity"),
    "nested deep": (b"<a>" * (DEPTH_MAX + 1), f"nested deeper than {DEPTH_MAX}"),
}


@pytest.mark.parametrize(("data", "says"), BROKEN.values(), ids=BROKEN)
def test_broken(data: bytes, says: str) -> None:
    with pytest.raises(ProtocolError, match=says):
        list(elements([data], {"host"}))


def test_another_document() -> None:
    assert len(list(elements([SCAN], {"port"}, {"run", "walk"}))) == 2
    with pytest.raises(ProtocolError, match="another document, for its outermost element is 'run', line 2"):
        list(elements([SCAN], {"port"}, {"walk"}))


def many(count: int, head: bytes, piece: bytes, tail: bytes) -> Iterator[bytes]:
    yield head
    for _ in range(count):
        yield piece
    yield tail


TOO_MUCH = {
    "characters": ((HELD_MAX >> 16) + 2, b"<host>", b"x" * 65_536, b"</host>", "million characters"),
    "elements": (NODES_MAX // 1000 + 1, b"<host>", b"<p/>" * 1000, b"</host>", "more than 500000 elements"),
    "one attribute": ((TOKEN_MAX >> 16) + 2, b'<host at="', b"x" * 65_536, b'"/>', "one piece of markup is longer than 4 MB"),
    "one comment": ((TOKEN_MAX >> 16) + 2, b"<host><!--", b"x" * 65_536, b"--></host>", "one piece of markup is longer than 4 MB"),
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_too_much_of_one_thing(name: str) -> None:
    count, head, piece, tail, says = TOO_MUCH[name]
    with pytest.raises(ProtocolError, match=says):
        list(elements(many(count, head, piece, tail), {"host"}))


def test_memory_does_not_grow_with_the_document() -> None:
    tracemalloc.start()
    chunks = many(300, b"<run>", (b'<host at="10.0.0.1"><port n="22"/></host>' + b"<other>" + b"y" * 2000 + b"</other>") * 20, b"</run>")
    assert sum(1 for _ in elements(chunks, {"host"})) == 6_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


def read(data: bytes) -> object:
    return [seen(element) for element in elements([data], {"host"})]


def ask(data: bytes) -> object:
    """What a reader of one kind of document asks of its elements."""
    return [
        (host.text_at("port/name"), host.first("none"), host.whole_text(), host.above("run"), host.above("none"))
        for host in elements([data], {"host"}, {"run", "walk"})
    ]


SEEDS = [SCAN, b"<host>&#x41;<![CDATA[<x>]]></host>", '<?xml version="1.0" encoding="utf-16"?><host/>'.encode("utf-16")]
FUZZ = [
    FuzzTarget("strict_xml", read, [*SEEDS, *(data for data, _ in BROKEN.values())]),
    FuzzTarget("strict_xml/asked", ask, [SCAN, b"<walk><a><host><port/>x</host></a></walk>", b"<run/>", *SEEDS[1:]]),
]
