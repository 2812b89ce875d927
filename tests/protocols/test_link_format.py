"""CoRE Link Format documents: those of RFC 6690 section 5, those of real devices, and broken ones."""

from __future__ import annotations

import pytest

from plumbline.model.errors import ProtocolError
from plumbline.protocols.link_format import MAX_LINKS, MAX_PARAMETERS, Link, decode
from tests.protocols.fuzzing import FuzzTarget

VECTORS: list[tuple[str, str, tuple[Link, ...]]] = [
    ("no links", "", ()),
    (
        "section 5, first example",
        '</sensors/temp>;if="sensor",</sensors/light>;if="sensor"',
        (Link("/sensors/temp", (("if", "sensor"),)), Link("/sensors/light", (("if", "sensor"),))),
    ),
    (
        "section 5, with types and an anchor",
        '</sensors>;ct=40;title="Sensor Index",</t>;anchor="/sensors/temp";rel="alternate"',
        (Link("/sensors", (("ct", "40"), ("title", "Sensor Index"))), Link("/t", (("anchor", "/sensors/temp"), ("rel", "alternate")))),
    ),
    ("section 4.1, an absolute target", "<coap://[fe80::1]/x>;sz=18", (Link("coap://[fe80::1]/x", (("sz", "18"),)),)),
    ("a parameter without a value", "</obs>;obs;rt=a", (Link("/obs", (("obs", None), ("rt", "a"))),)),
    ("commas and semicolons in quotes", '</a>;title="x, y; <z>"', (Link("/a", (("title", "x, y; <z>"),)),)),
    ("a quote in quotes", '</a>;title="say \\"hi\\" \\\\"', (Link("/a", (("title", 'say "hi" \\'),)),)),
    ("white space around separators", '</a> ; rt = "x" ,\r\n</b>', (Link("/a", (("rt", "x"),)), Link("/b"))),
    ("empty values", '</a>;x=;y=""', (Link("/a", (("x", ""), ("y", ""))),)),
    ("UTF-8", '</ü>;title="Küche"', (Link("/ü", (("title", "Küche"),)),)),
    ("the root", "<>", (Link(""),)),
]


@pytest.mark.parametrize(("name", "text", "links"), VECTORS, ids=[case[0] for case in VECTORS])
def test_vectors(name: str, text: str, links: tuple[Link, ...]) -> None:
    assert decode(text.encode()) == links


BROKEN = [
    ("no target", ";rt=a"),
    ("an open target", "</a"),
    ("text before it", "x</a>"),
    ("text after it", "</a>x"),
    ("a comma and nothing", "</a>,"),
    ("only a comma", ","),
    ("a parameter without a name", "</a>;"),
    ("a value without a name", "</a>;=x"),
    ("an open quote", '</a>;rt="x'),
    ("a quote that ends in a backslash", '</a>;rt="x\\'),
    ("something behind a quote", '</a>;rt="x"y'),
]


@pytest.mark.parametrize(("name", "text"), BROKEN, ids=[case[0] for case in BROKEN])
def test_broken_rules(name: str, text: str) -> None:
    with pytest.raises(ProtocolError):
        decode(text.encode())


def test_bytes_that_are_not_utf_8() -> None:
    with pytest.raises(ProtocolError, match="not UTF-8 at byte 2"):
        decode(b"</\xff>")


@pytest.mark.parametrize(("name", "text", "links"), VECTORS, ids=[case[0] for case in VECTORS])
def test_every_truncation_is_an_error_or_fewer_links(name: str, text: str, links: tuple[Link, ...]) -> None:
    data = text.encode()
    for size in range(len(data)):
        try:
            assert len(decode(data[:size])) <= len(links)
        except ProtocolError:
            continue


def test_numbers_are_limited() -> None:
    assert len(decode(b",".join([b"</a>"] * MAX_LINKS))) == MAX_LINKS
    with pytest.raises(ProtocolError, match="links"):
        decode(b",".join([b"</a>"] * (MAX_LINKS + 1)))
    assert len(decode(b"</a>" + b";x" * MAX_PARAMETERS)[0].parameters) == MAX_PARAMETERS
    with pytest.raises(ProtocolError, match="parameters"):
        decode(b"</a>" + b";x" * (MAX_PARAMETERS + 1))


def test_lookups() -> None:
    [link] = decode(b'</a>;obs;rt="x";rt="y"')
    assert (link.get("rt"), link.get("obs"), link.get("if")) == ("x", None, None)
    assert (link.has("obs"), link.has("if")) == (True, False)


def test_another_reader_agrees() -> None:
    linkformat = pytest.importorskip("aiocoap.util.linkformat")
    text = '</sensors/temp>;rt="temperature-c";if="sensor";obs,</fw>;ct=0;sz=4711,</x>;title="a, b"'
    theirs = [(link.href, tuple((key, value) for key, value in link.attr_pairs)) for link in linkformat.parse(text).links]
    assert [(link.target, link.parameters) for link in decode(text.encode())] == theirs


FUZZ = [FuzzTarget("link_format", decode, [text.encode() for _, text, _ in VECTORS])]
