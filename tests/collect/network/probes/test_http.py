"""The HTTP probe against small servers of our own making: each fact by a page that has it and one that has not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from plumbline.model.words import Outcome
from tests.collect.network.benches import scene
from tests.collect.network.certificates import issue, server_context
from tests.collect.network.conftest import OpenBench


@dataclass
class Pages:
    """A web server that gives fixed answers by path and remembers what it was asked."""

    answers: Mapping[str, bytes]
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    connections: int = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            path = head[0].split(" ")[1]
            self.asked.append((path, {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}))
            port = str(writer.get_extra_info("sockname")[1]).encode().rjust(5, b"0")
            writer.write(self.answers.get(path, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").replace(b"<cam>", port))
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    @asynccontextmanager
    async def serve(self, context: Any = None) -> AsyncIterator[int]:
        listening = await asyncio.start_server(self.answer, "127.0.0.1", 0, ssl=context)
        try:
            yield listening.sockets[0].getsockname()[1]
        finally:
            listening.close()


def page(body: str = "", *fields: str, status: str = "200 OK", kind: str = "text/html") -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body.encode())}", *fields]
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()


LOGIN = "<title>Dock camera</title><form action='/login' method=post><input name=user><input type=password name=pw></form>"
NOTHING = {"login_form": False, "open_admin": False, "directory_listing": False, "hsts": False, "cookies": 0, "cors_any_origin": False}

CASES: dict[str, tuple[bytes, dict[str, Any]]] = {
    "a login form": (page(LOGIN), {"title": "Dock camera", "login_form": True, "login_form_in_clear": True, "open_admin": False}),
    "a form that posts to https": (
        page(LOGIN.replace("/login", "https://10.0.0.1/login")),
        {"login_form": True, "login_form_in_clear": False},
    ),
    "a page of facts alone": (page("<h1>Temperature</h1>4 C"), {**NOTHING, "status": 200, "login_form_in_clear": None}),
    "no page at all": (page("{}", kind="application/json"), {**NOTHING, "title": None, "login_form_in_clear": None, "open_admin": None}),
    "a page that a script fills": (
        page("<title>x</title><body><div id=app></div><script src=app.js></script>"),
        {"title": "x", "login_form": None, "open_admin": None, "directory_listing": False},
    ),
    "nothing found": (page("<h1>Not found</h1>", status="404 Not Found"), {"status": 404, "login_form": False, "open_admin": None}),
    "Digest before Basic": (
        page("", 'WWW-Authenticate: Digest realm="a", nonce="b"\r\nWWW-Authenticate: Basic realm="a"', status="401 Unauthorized"),
        {"auth_scheme": "basic", "open_admin": False},
    ),
    "basic authentication": (
        page("", 'WWW-Authenticate: Basic realm="Dock camera"', status="401 Unauthorized"),
        {"status": 401, "auth_scheme": "basic", "auth_realm": "Dock camera", "open_admin": False},
    ),
    "administration without a login": (
        page("<title>Setup</title><a href=/fw>Firmware upgrade</a> <a href=/reboot>Reboot</a>"),
        {"open_admin": True, "login_form": False},
    ),
    "administration behind a login": (page(LOGIN + "<a href=/fw>Firmware upgrade</a>"), {"open_admin": False, "login_form": True}),
    "a listing of files": (page("<title>Index of /</title><h1>Index of /</h1>"), {"directory_listing": True}),
    "a bare cookie": (page("", "Set-Cookie: sid=4711; Path=/"), {"cookies": 1, "cookies_without_flags": 1}),
    "a cookie with its flags": (page("", "Set-Cookie: sid=4711; HttpOnly; SameSite=Strict"), {"cookies": 1, "cookies_without_flags": 0}),
    "any origin": (
        page("", "Access-Control-Allow-Origin: https://origin.invalid", "Access-Control-Allow-Credentials: true"),
        {"cors_any_origin": True},
    ),
    "one origin": (page("", "Access-Control-Allow-Origin: https://a.example"), {"cors_any_origin": False}),
    "product, version, model, firmware": (
        page("<p>Model: NW-CAM-3</p><p>Firmware version: 1.4.2</p>", "Server: lighttpd/1.4.59"),
        {"server": "lighttpd/1.4.59", "product": "lighttpd", "version": "1.4.59", "model": "NW-CAM-3", "firmware_version": "1.4.2"},
    ),
    "to https on the same device": (
        page("", "Location: https://127.0.0.1/login?next=%2F", status="301 Moved"),
        {"status": 301, "location": "https://127.0.0.1/login", "redirects_to_https": True},
    ),
    "to https elsewhere": (page("", "Location: https://198.51.100.7/", status="301 Moved"), {"redirects_to_https": False}),
    "a location that is no URL": (page("", "Location: http://[::1", status="302 Found"), {"status": 302, "redirects_to_https": False}),
    "a location with a line end": (page("", "Location: /a b\tc\xe4", status="302 Found"), {"status": 302}),
    "a location of ten thousand letters": (page("", "Location: /" + "a" * 10_000, status="302 Found"), {"status": 302}),
    "a location with a bad port": (page("", "Location: http://127.0.0.1:99999/", status="302 Found"), {"status": 302}),
}


@pytest.mark.parametrize("name", CASES)
@scene
async def test_facts(bench: OpenBench, name: str) -> None:
    answer, expected = CASES[name]
    pages = Pages({"/": answer})
    async with pages.serve() as port, bench(tcp=[port]) as rig:
        seen = await rig.visit("http", port)
    row = seen.row("http_service")
    assert {column: row[column] for column in expected} == expected
    assert seen.covered("http_service") == (Outcome.OK, 1)
    assert pages.connections == 1, "nothing is followed"
    assert pages.asked[0][1]["host"] == f"127.0.0.1:{port}"


@scene
async def test_a_redirect_on_the_same_port_is_followed_twice_at_most(bench: OpenBench) -> None:
    pages = Pages(
        {
            "/": page("", "Location: /one", "Set-Cookie: a=1", status="302 Found"),
            "/one": page("<meta http-equiv=refresh content='0; url=http://127.0.0.1:<cam>/two'>"),
            "/two": page("<title>Two</title>", "Location: /three", status="302 Found"),
        }
    )
    async with pages.serve() as port, bench(tcp=[port]) as rig:
        seen = await rig.visit("http", port)
    assert [path for path, _ in pages.asked] == ["/", "/one", "/two"]
    row = seen.row("http_service")
    assert (row["status"], row["location"], row["title"], row["cookies"]) == (302, "/one", "Two", 1)


@scene
async def test_a_redirect_to_another_place_is_judged_logged_and_not_followed(bench: OpenBench, tmp_path: Path) -> None:
    target = Pages({"/": page("<title>Other</title>")})
    async with target.serve() as elsewhere:
        pages = Pages({"/": page("", f"Location: http://127.0.0.1:{elsewhere}/", status="302 Found")})
        async with pages.serve() as port, bench(tcp=[port]) as rig:
            seen = await rig.visit("http", port)
    assert target.connections == 0
    assert seen.row("http_service")["location"] == f"http://127.0.0.1:{elsewhere}/"
    lines = [json.loads(line) for line in (tmp_path / "bundle" / "contacts.jsonl").read_text().splitlines()]
    refused = [line for line in lines if line.get("event") == "refused"]
    assert [line["outcome"] for line in refused] == ["port_not_listed"]


@scene
async def test_https(bench: OpenBench, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pages = Pages({"/": page(LOGIN, "Set-Cookie: a=1; HttpOnly; SameSite=Lax", "Strict-Transport-Security: max-age=31536000")})
    async with pages.serve(server_context(tmp_path, key, [issue(key, "cam")])) as port, bench(tcp=[port]) as rig:
        seen = await rig.visit("http", port, tls=True)
    row = seen.row("http_service")
    assert (row["tls"], row["hsts"], row["login_form"], row["login_form_in_clear"]) == (True, True, True, False)
    assert row["cookies_without_flags"] == 1, "it lacks Secure"


@scene
async def test_a_body_without_an_end_leaves_unseen_what_it_may_have_held(bench: OpenBench) -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(b"HTTP/1.1 200 OK\r\nServer: cam/1\r\nContent-Type: text/html\r\n\r\n<title>Live</title>")
        try:
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()
        except ConnectionError:
            pass

    listening = await asyncio.start_server(endless, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with listening, bench(tcp=[port]) as rig:
        seen = await rig.visit("http", port)
        row = seen.row("http_service")
        assert (row["server"], row["title"]) == ("cam/1", "Live")
        assert row["login_form"] is row["open_admin"] is row["directory_listing"] is None


@scene
async def test_a_page_that_stops_in_the_middle_still_shows_its_head(bench: OpenBench) -> None:
    async def stuck(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(b"HTTP/1.1 200 OK\r\nServer: cam/1\r\nContent-Length: 900\r\n\r\n<title>Live</title>")
        await reader.read()

    listening = await asyncio.start_server(stuck, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with listening, bench(tcp=[port]) as rig:
        seen = await rig.visit("http", port)
        assert (seen.row("http_service")["server"], seen.row("http_service")["login_form"]) == ("cam/1", None)


@scene
async def test_no_secret_is_kept(bench: OpenBench) -> None:
    secret = "s3cr3t-4711-value"
    body = f'<title>Cam</title><input type=password value=\'{secret}\'><script>var cfg = {{"password": "{secret}"}}</script>'
    pages = Pages({"/": page(body, f"Set-Cookie: sid={secret}", f'WWW-Authenticate: Basic realm="x token={secret}"')})
    async with pages.serve() as port, bench(tcp=[port]) as rig:
        seen = await rig.visit("http", port)
        assert secret.encode() not in rig.raw()
    assert secret not in repr(seen.tables)
