"""Facts from pages, as devices write them."""

from __future__ import annotations

import gzip

import pytest

from plumbline.protocols.http import MAX_BODY, Response
from plumbline.protocols.http_page import LoginForm, PageFacts, page_facts
from tests.protocols.fuzzing import FuzzTarget


def answer(body: bytes, *fields: tuple[str, str]) -> Response:
    return Response("1.1", 200, "OK", (("content-type", "text/html"), *fields), body, False)


def facts(body: str, *fields: tuple[str, str]) -> PageFacts:
    found = page_facts(answer(body.encode(), *fields))
    assert found is not None
    return found


LOGIN = """<!DOCTYPE html><html><head><title> IP&nbsp;Camera
 login </title><meta name="generator" content="CamOS 3"></head><body><!-- <input type=password> in a comment -->
<form action="/goform/login?x=1" method=POST><input name=u><input type="password" name='p'></form>
<p>Model: CAM-3000 </p><p>Firmware Version: V1.4.2</p></body></html>"""

ADMIN = """<html><h1>Router</h1><a href="/sys/fw.asp">Firmware upgrade</a><button>Reboot</button>
<a href='users.htm'>Users</a><input type=submit value="Save settings"><form action="/factory.cgi"></form></html>"""


def test_login_page() -> None:
    assert facts(LOGIN) == PageFacts(
        title="IP Camera login",
        login_form=LoginForm("/goform/login", "post"),
        refresh=None,
        directory_listing=False,
        generator="CamOS 3",
        firmware_version="1.4.2",
        model="CAM-3000",
        administration=(),
    )


def test_administration_page() -> None:
    page = facts(ADMIN)
    assert page.login_form is None
    assert page.administration == ("firmware", "reboot", "reset", "users", "configuration")


def test_a_password_field_without_a_form() -> None:
    assert facts("<html><input type=PASSWORD></html>").login_form == LoginForm(None, None)


def test_a_closed_form_is_not_around_the_field() -> None:
    assert facts("<form action=/search></form><input type=password>").login_form == LoginForm(None, None)


def test_a_form_without_an_action_uses_get() -> None:
    assert facts("<form><input type=password></form>").login_form == LoginForm(None, "get")


@pytest.mark.parametrize(
    ("content", "target"),
    [
        ("0; url=/login.htm", "/login.htm"),
        ("0;URL='https://cam/x?sid=1'", "https://cam/x"),
        ("5", None),
        ("3; /next", "/next"),
        ("", None),
        (" " * 5000, None),
    ],
)
def test_refresh(content: str, target: str | None) -> None:
    assert facts(f'<meta HTTP-EQUIV=refresh content="{content}">').refresh == target


@pytest.mark.parametrize(
    "body",
    [
        "<html><head><title>Index of /</title></head>",
        "<html><h1>Index of /files/</h1>",
        "<title>Directory listing for /</title>",
    ],
)
def test_listing(body: str) -> None:
    assert facts(body).directory_listing


@pytest.mark.parametrize(
    ("body", "firmware", "model"),
    [
        ("<td>Firmware&nbsp;Version</td><td>:</td><td>2.04.11 build 55</td>", "2.04.11 build 55", None),
        ("<b>fw ver: v1.0.3_beta</b>", "1.0.3_beta", None),
        ("<p>System: 10.1</p>", "10.1", None),
        ("<p>Model Name: DCS-930L</p>", None, "DCS-930L"),
        ("<p>product model=&quot;X1/A&quot;</p>", None, "X1/A"),
        ("<p>firmware of the model railway</p>", None, None),
    ],
)
def test_hints(body: str, firmware: str | None, model: str | None) -> None:
    page = facts(body)
    assert (page.firmware_version, page.model) == (firmware, model)


@pytest.mark.parametrize(
    "body",
    [
        "<script>document.write('<input type=password>')",
        "<style><input type=password></style>",
        "<!-- <input type=password>",
        "<title>",
        "<a href='<input type=password>",
        "<input type=password",
        "<textarea><input type=password></textarea>",
        "< input type=password>",
        "<?php <input type=password> ?>"[:15],
    ],
)
def test_what_a_browser_would_not_show_as_a_field(body: str) -> None:
    found = page_facts(answer(body.encode()))
    assert found is not None
    assert found.login_form is None


def test_attributes_in_odd_shapes() -> None:
    assert facts("<form a= b /c action = '/x' =y method\n=\nPost / ><input/type='password'/>").login_form == LoginForm("/x", "post")


def test_nothing_but_html_is_a_page() -> None:
    assert page_facts(Response("1.1", 200, "OK", (("content-type", "application/json"),), b'{"a": "<title>x</title>"}', False)) is None
    assert page_facts(Response("1.1", 200, "OK", (), b"", False)) is None
    bare = page_facts(Response("1.1", 200, "OK", (), b"\n<HTML><TITLE>x</TITLE>", False))
    assert bare is not None
    assert bare.title == "x"


def test_compressed_although_not_asked_for() -> None:
    packed = gzip.compress(LOGIN.encode())
    found = page_facts(answer(packed, ("content-encoding", "gzip")))
    assert found is not None
    assert found.title == "IP Camera login"
    broken = page_facts(answer(b"no gzip", ("content-encoding", "gzip")))
    assert broken is not None
    assert broken.title is None


def test_a_small_body_does_not_unpack_into_a_large_one() -> None:
    bomb = gzip.compress(b"<title>x</title>" + b" " * 50_000_000)
    found = page_facts(answer(bomb, ("content-encoding", "gzip")))
    assert found is not None
    assert found.title == "x"


def test_charset() -> None:
    found = page_facts(Response("1.1", 200, "OK", (("content-type", "text/html; charset=ISO-8859-1"),), b"<title>Ger\xe4t</title>", False))
    assert found is not None
    assert found.title == "Ger\u00e4t"
    assert facts("<title>Ger\u00e4t</title>").title == "Ger\u00e4t"


def test_a_character_reference_longer_than_any_number() -> None:
    assert facts("<title>a&#" + "9" * 300 + ";b</title>").title == "a\ufffdb"
    assert facts("<p>Model: x1 &#" + "9" * 5000 + ";</p>").model == "x1"


@pytest.mark.parametrize(
    "part", ["<", "<a ", "<a x='", '<a x="', "<!--", "</title", "<title>", "<script>", "&#", "<a b=c ", "firmware ", "model:", " "]
)
def test_a_full_body_of_one_part_ends(part: str) -> None:
    facts(part * (MAX_BODY // len(part)))


def entry(data: bytes) -> object:
    return (
        page_facts(answer(data)),
        page_facts(answer(data, ("content-encoding", "gzip"))),
        page_facts(Response("1.1", 200, "", (), data, True)),
    )


FUZZ = [
    FuzzTarget("http_page", entry, [LOGIN.encode(), ADMIN.encode(), b'<meta http-equiv=refresh content="0; url=x"><h1>Index of /</h1>'])
]
