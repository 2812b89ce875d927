"""The FTP probe against pyftpdlib and against servers that answer as pyftpdlib never does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyftpdlib
import pytest
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

from plumbline.model.errors import NotPermittedError
from plumbline.model.words import Intrusion, Outcome, Transport
from tests.collect.network.benches import scene
from tests.collect.network.conftest import OpenBench
from tests.net.rigs import lure


@contextmanager
def server(home: Path, *, anonymous: bool, **options: Any) -> Iterator[int]:
    authorizer = DummyAuthorizer()
    authorizer.add_user("operator", "not for you", str(home))
    if anonymous:
        authorizer.add_anonymous(str(home))
    handler = type("Handler", (FTPHandler,), {"authorizer": authorizer, "auth_failed_timeout": 0, "log_prefix": "", **options})
    loop = IOLoop()
    listening = FTPServer(("127.0.0.1", 0), handler, ioloop=loop)
    over = threading.Event()

    def turn() -> None:
        while not over.is_set():
            loop.loop(timeout=0.02, blocking=False)

    thread = threading.Thread(target=turn, daemon=True)
    thread.start()
    try:
        yield listening.address[1]
    finally:
        over.set()
        thread.join(10)
        listening.close_all()


@scene
async def test_anonymous_is_let_in(bench: OpenBench, tmp_path: Path) -> None:
    with server(tmp_path, anonymous=True, banner="Northwind FTP server 2.1 ready.") as port:
        async with bench(tcp=[port]) as rig:
            seen = await rig.visit("ftp", port)
    row = seen.row("ftp_service")
    assert (row["anonymous_accepted"], row["auth_tls"]) == (True, False)
    assert row["banner"] == "Northwind FTP server 2.1 ready."
    assert seen.covered("ftp_service") == (Outcome.OK, 1)


@scene
async def test_anonymous_is_turned_away(bench: OpenBench, tmp_path: Path) -> None:
    with server(tmp_path, anonymous=False) as port:
        async with bench(tcp=[port]) as rig:
            seen = await rig.visit("ftp", port)
    row = seen.row("ftp_service")
    assert (row["anonymous_accepted"], row["auth_tls"]) == (False, False)
    assert (row["product"], row["version"]) == ("pyftpdlib", pyftpdlib.__ver__)


@scene
async def test_without_leave_no_login_is_tried(bench: OpenBench, tmp_path: Path) -> None:
    with server(tmp_path, anonymous=True) as port:
        async with bench(tcp=[port]) as rig:
            seen = await rig.visit("ftp", port, intrusion=Intrusion.SESSION)
    assert seen.row("ftp_service")["anonymous_accepted"] is None
    assert seen.covered("ftp_service") == (Outcome.OK, 1)


@scene
async def test_the_budget_ends_after_two_failures(bench: OpenBench, tmp_path: Path) -> None:
    with server(tmp_path, anonymous=False) as port:
        async with bench(tcp=[port]) as rig:
            first, second, third = [await rig.visit("ftp", port) for _ in range(3)]
    assert [seen.row("ftp_service")["anonymous_accepted"] for seen in (first, second, third)] == [False, False, None]
    assert third.covered("ftp_service") == (Outcome.PARTIAL, 1)
    assert "failed 2 times" in third.detail("ftp_service")


def scripted(answers: Sequence[bytes], said: list[bytes]) -> Any:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for one in answers:
            writer.write(one)
            await writer.drain()
            line = await reader.readline()
            said.append(line)
            if not line:
                break
        writer.close()

    return answer


FEATURES = b"211-Features:\r\n AUTH TLS;SSL;\r\n SIZE\r\n211 End\r\n"
CASES: dict[str, tuple[list[bytes], dict[str, Any], Outcome]] = {
    "features not understood": (
        [b"220 ready\r\n", b"502 What?\r\n", b"530 no\r\n", b"221 bye\r\n"],
        {"auth_tls": None, "anonymous_accepted": False},
        Outcome.OK,
    ),
    "several mechanisms": ([b"220 ready\r\n", FEATURES, b"530 no\r\n", b"221 bye\r\n"], {"auth_tls": True}, Outcome.OK),
    "anonymous without a password": ([b"220 ready\r\n", FEATURES, b"230 in\r\n", b"221 bye\r\n"], {"anonymous_accepted": True}, Outcome.OK),
    "an account is wanted": (
        [b"220 ready\r\n", FEATURES, b"332 account?\r\n", b"221 bye\r\n"],
        {"anonymous_accepted": None},
        Outcome.PARTIAL,
    ),
    "encryption is wanted first": (
        [b"220 ready\r\n", FEATURES, b"530 Anonymous sessions must use encryption.\r\n", b"221 bye\r\n"],
        {"anonymous_accepted": None},
        Outcome.PARTIAL,
    ),
    "it hangs up at USER": (
        [b"220-Welcome\r\n to dock 1\r\n220 ready\r\n", FEATURES],
        {"anonymous_accepted": None, "banner": "Welcome\n to dock 1\nready"},
        Outcome.PARTIAL,
    ),
}


@pytest.mark.parametrize("name", CASES)
@scene
async def test_answers(bench: OpenBench, name: str) -> None:
    answers, expected, outcome = CASES[name]
    said: list[bytes] = []
    async with lure(scripted(answers, said)) as port, bench(tcp=[port]) as rig:
        seen = await rig.visit("ftp", port)
    row = seen.row("ftp_service")
    assert {column: row[column] for column in expected} == expected
    assert seen.covered("ftp_service") == (outcome, 1)
    verbs = [line.split()[0].decode() for line in said if line.strip()]
    assert set(verbs) <= {"FEAT", "USER", "PASS", "QUIT"}


@scene
async def test_a_sign_of_a_lock_out_ends_all_logins_on_the_device(bench: OpenBench) -> None:
    said: list[bytes] = []
    answers = [b"220 ready\r\n", FEATURES, b"331 password?\r\n", b"421 Too many attempts, go away\r\n"]
    async with lure(scripted(answers, said)) as port, bench(tcp=[port]) as rig:
        seen = await rig.visit("ftp", port)
        assert seen.row("ftp_service")["anonymous_accepted"] is None
        with pytest.raises(NotPermittedError, match="lock-out"):
            await rig.door.ask_login("127.0.0.1", port, Transport.TCP, account="other", protocol="ftp", why="test")


@pytest.mark.parametrize("greeting", [b"421 Too many users\r\n", b"120 in ten minutes\r\n"])
@scene
async def test_a_server_that_greets_with_a_refusal_is_refused(bench: OpenBench, greeting: bytes) -> None:
    said: list[bytes] = []
    async with lure(scripted([greeting], said)) as port, bench(tcp=[port]) as rig:
        seen = await rig.visit("ftp", port)
    assert seen.covered("ftp_service") == (Outcome.REFUSED, 0)
    assert b"".join(said) == b""
