"""The Telnet probe against terminals that differ in what they say first and how they cut it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from plumbline.model.words import Outcome
from tests.collect.network.benches import scene
from tests.collect.network.conftest import OpenBench
from tests.net.rigs import lure

IAC, DO, WILL, WONT, DONT = 255, 253, 251, 252, 254


@dataclass
class Terminal:
    """Says its parts, waiting for an answer where a part is None."""

    parts: tuple[bytes | None, ...]
    heard: bytearray = field(default_factory=bytearray)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in self.parts:
            if part is None:
                self.heard += await reader.read(4096)
            else:
                writer.write(part)
                await writer.drain()
        self.heard += await reader.read()
        writer.close()


NEGOTIATION = bytes([IAC, DO, 24, IAC, WILL, 1, IAC, WILL, 3])
CASES: dict[str, tuple[tuple[bytes | None, ...], tuple[bool | None, bool | None, str | None, list[str]]]] = {
    "options and a login": ((NEGOTIATION, b"\r\ncam login: "), (True, False, "cam login:", ["1", "3", "24"])),
    "a login only after our answer": ((NEGOTIATION, None, b"login: "), (True, False, "login:", ["1", "3", "24"])),
    "a password alone": ((b"Password: ",), (True, False, "Password:", [])),
    "a shell": (
        (NEGOTIATION, b"BusyBox v1.36.1 built-in shell (ash)\r\n# "),
        (False, True, "BusyBox v1.36.1 built-in shell (ash) #", ["1", "3", "24"]),
    ),
    "a banner that looks like a shell where it is cut": (
        (b"Welcome #", b"## maintenance ##\r\nlogin: "),
        (True, False, "Welcome ### maintenance ## login:", []),
    ),
    "options and silence": ((NEGOTIATION,), (None, None, None, ["1", "3", "24"])),
}


@scene
async def test_what_terminals_say(bench: OpenBench) -> None:
    async def ask(parts: tuple[bytes | None, ...]) -> tuple[object, ...]:
        terminal = Terminal(parts)
        async with lure(terminal.answer) as port:
            ports.append(port)
            await ready.wait()
            seen = await rig.visit("telnet", port)
            row = seen.row("telnet_service")
            assert seen.covered("telnet_service") == (Outcome.OK, 1)
            told = set(terminal.heard)
            return (row["login_prompt"], row["shell_prompt"], row["banner"], row["options"]), told

    ports: list[int] = []
    ready = asyncio.Event()
    asked = {name: asyncio.create_task(ask(parts)) for name, (parts, _) in CASES.items()}
    while len(ports) < len(CASES):
        await asyncio.sleep(0)
    async with bench(tcp=ports) as rig:
        ready.set()
        for name, (_, expected) in CASES.items():
            found, told = await asked[name]
            assert found == expected, name
            assert told <= {IAC, WONT, DONT, 1, 3, 24}, f"{name}: nothing is typed, every option is refused"


WRONG = {
    "text without a prompt": (b"Hello there\r\n", Outcome.PROTOCOL_ERROR),
    "a command that does not exist": (bytes([IAC, 12, IAC, 13]), Outcome.PROTOCOL_ERROR),
    "a line without an end": (b"x" * 9000, Outcome.PROTOCOL_ERROR),
}


@pytest.mark.parametrize("name", WRONG)
@scene
async def test_what_is_no_telnet(bench: OpenBench, name: str) -> None:
    said, outcome = WRONG[name]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        writer.close()

    async with lure(answer) as port, bench(tcp=[port]) as rig:
        seen = await rig.visit("telnet", port)
    assert seen.outcome is outcome
    assert seen.rows("telnet_service") == []
