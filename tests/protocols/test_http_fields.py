"""Facts from response fields: Server, redirects, cookies, HSTS, challenges, CORS."""

from __future__ import annotations

import pytest

from plumbline.model.errors import ProtocolError
from plumbline.protocols.challenge import Challenge
from plumbline.protocols.http import Response, ResponseDecoder
from plumbline.protocols.http_fields import Cookie, Cors, Hsts, field_facts, parse_cookie, parse_hsts, redirect_url
from tests.protocols.fuzzing import FuzzTarget


def response(*fields: tuple[str, str], status: int = 200) -> Response:
    return Response("1.1", status, "", fields, b"", False)


def test_everything_at_once() -> None:
    facts = field_facts(
        response(
            ("server", "lighttpd/1.4.59 (OpenWrt)"),
            ("x-powered-by", "PHP/7.4.3"),
            ("location", "https://cam.local/login?session=abc#top"),
            ("set-cookie", "id=1; Path=/; HttpOnly"),
            ("strict-transport-security", "max-age=31536000; includeSubDomains"),
            ("www-authenticate", 'Basic realm="cam"'),
            ("access-control-allow-origin", "https://example.org"),
            ("access-control-allow-credentials", "true"),
        )
    )
    assert (facts.server, facts.product, facts.version) == ("lighttpd/1.4.59 (OpenWrt)", "lighttpd", "1.4.59")
    assert facts.powered_by == "PHP/7.4.3"
    assert facts.location == "https://cam.local/login"
    assert facts.cookies == (Cookie("id", False, True, None),)
    assert facts.hsts == Hsts(31536000, True)
    assert facts.challenges == (Challenge("basic", "cam"),)
    assert facts.cors == Cors("https://example.org", True)


def test_nothing_at_all() -> None:
    facts = field_facts(response())
    assert (facts.server, facts.product, facts.version, facts.powered_by, facts.location, facts.hsts, facts.cors) == (None,) * 7
    assert (facts.cookies, facts.challenges) == ((), ())


@pytest.mark.parametrize(
    ("value", "cookie"),
    [
        ("SID=31d4d96e407aad42; Path=/; Secure; HttpOnly", Cookie("SID", True, True, None)),  # RFC 6265 3.1
        ("lang=en-US; samesite=LAX;SECURE", Cookie("lang", True, False, "lax")),
        ("bare", Cookie("bare", False, False, None)),
        ("", Cookie("", False, False, None)),
    ],
)
def test_cookie(value: str, cookie: Cookie) -> None:
    assert parse_cookie(value) == cookie
    assert "31d4d96e407aad42" not in repr(parse_cookie(value))


@pytest.mark.parametrize(
    ("value", "hsts"),
    [
        ("max-age=15768000 ; includeSubDomains", Hsts(15768000, True)),  # RFC 6797 6.2
        ('max-age="31536000"', Hsts(31536000, False)),
        ("MAX-AGE=0", Hsts(0, False)),
        ("includeSubDomains", None),
        ("max-age=never", None),
        ("max-age=" + "9" * 5000, None),
        (None, None),
    ],
)
def test_hsts(value: str | None, hsts: Hsts | None) -> None:
    assert parse_hsts(value) == hsts


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/login.htm", "http://10.0.0.1/login.htm"),
        ("https://10.0.0.1/", "https://10.0.0.1/"),
        ("//other/x", "http://other/x"),
        ("?a=1", "http://10.0.0.1/index?a=1"),
        ("javascript:alert(1)", None),
        ("ftp://x/", None),
        ("http://[::1", None),
        ("http://x:99999/", None),
    ],
)
def test_redirect(location: str, url: str | None) -> None:
    assert redirect_url("http://10.0.0.1/index", location) == url


def entry(data: bytes) -> object:
    text = data.decode("latin-1")
    decoder = ResponseDecoder()
    try:
        events = [*decoder.feed(data), *decoder.end()]
    except ProtocolError:
        events = []
    return [field_facts(event) for event in events], parse_cookie(text), parse_hsts(text), redirect_url("http://10.0.0.1/", text)


SEEDS = [
    b"HTTP/1.1 302 Found\r\nServer: a/1.0\r\nX-Powered-By: b\r\nLocation: /x?y\r\nSet-Cookie: a=b; Secure\r\n"
    b"Strict-Transport-Security: max-age=1\r\n"
    b"Access-Control-Allow-Origin: *\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n",
    b"max-age=31536000; includeSubDomains",
    b"https://user@host:8443/a/../b?c#d",
    b"http://[::1]:80/",
]
FUZZ = [FuzzTarget("http_fields", entry, SEEDS)]
