"""Telnet commands (RFC 854), refusals and prompts."""

from __future__ import annotations

import pytest

from plumbline.model.errors import ProtocolError
from plumbline.protocols import telnet
from plumbline.protocols.telnet import Command, Decoder, Line, Negotiation, Prompt, Subnegotiation, Verb
from tests.protocols.fuzzing import FuzzTarget, assert_any_split, stream_entry

VECTORS: dict[str, tuple[bytes, list[telnet.Event]]] = {
    "DO TERMINAL-TYPE, WILL ECHO (RFC 854)": (b"\xff\xfd\x18\xff\xfb\x01", [Negotiation(Verb.DO, 24), Negotiation(Verb.WILL, 1)]),
    "WON'T and DON'T": (b"\xff\xfc\x03\xff\xfe\x22", [Negotiation(Verb.WONT, 3), Negotiation(Verb.DONT, 34)]),
    "doubled IAC is a data byte": (b"a\xff\xffb\r\n", [Line("a\ufffdb")]),
    "subnegotiation with a doubled IAC (RFC 855)": (b"\xff\xfa\x18\x01\xff\xff\x02\xff\xf0x\n", [Subnegotiation(24, 3), Line("x")]),
    "AYT and GA": (b"\xff\xf6\xff\xf9", [Command(246), Command(249)]),
    "CR NUL is a bare CR, LF ends a line": (b"one\r\x00two\r\nthree\n", [Line("onetwo"), Line("three")]),
    "text without an end comes with the end of the stream": (b"Welcome\r\n\r\nlogin: ", [Line("Welcome"), Line(""), Line("login: ")]),
}

BROKEN = {
    "unknown command": b"\xff\x10",
    "line over the cap": b"x" * (telnet.MAX_LINE + 1),
    "subnegotiation over the cap": b"\xff\xfa\x27" + b"x" * (telnet.MAX_SUBNEGOTIATION + 1),
    "end inside a negotiation": b"\xff\xfd",
    "end inside a subnegotiation": b"\xff\xfa\x18\x01",
}

PROMPTS = {
    "login": ("router login: ", Prompt.LOGIN),
    "Username in capitals": ("\r\nUSERNAME:", Prompt.LOGIN),
    "Login with a space": ("Log in: ", Prompt.LOGIN),
    "password": ("Password: ", Prompt.PASSWORD),
    "password of somebody": ("Password for admin: ", Prompt.PASSWORD),
    "German": ("Benutzer: ", Prompt.LOGIN),
    "coloured": ("\x1b[32mlogin:\x1b[0m ", Prompt.LOGIN),
    "root shell": ("/ # ", Prompt.SHELL),
    "user shell": ("user@cam:~$ ", Prompt.SHELL),
    "router command line": ("router>", Prompt.SHELL),
    "last login is no prompt": ("Last login: Mon Nov 2", None),
    "only the last line counts": ("login: admin\nWelcome to the device", None),
    "a price is no shell": ("It costs 5 $ more.", None),
    "nothing": ("", None),
}


@pytest.mark.parametrize(("data", "events"), VECTORS.values(), ids=VECTORS)
def test_vector(data: bytes, events: list[telnet.Event]) -> None:
    assert assert_any_split(Decoder, data) == events


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_broken(data: bytes) -> None:
    decoder = Decoder()
    with pytest.raises(ProtocolError):
        decoder.feed(data)
        decoder.end()


def test_what_came_before_the_fault_is_given_first() -> None:
    decoder = Decoder()
    assert decoder.feed(b"hello\n\xff\x10") == [Line("hello")]
    with pytest.raises(ProtocolError):
        decoder.feed(b"")


@pytest.mark.parametrize(("text", "prompt"), PROMPTS.values(), ids=PROMPTS)
def test_prompt(text: str, prompt: Prompt | None) -> None:
    assert telnet.prompt_of(text) is prompt


def test_the_pending_text_is_the_prompt() -> None:
    decoder = Decoder()
    assert decoder.feed(b"Camera\r\nlogin: ") == [Line("Camera")]
    assert decoder.pending == "login: "


def test_every_option_is_refused_once_and_refusals_are_not_answered() -> None:
    events = Decoder().feed(b"\xff\xfd\x18\xff\xfb\x01\xff\xfd\x18\xff\xfc\x03\xff\xfe\x03")
    assert telnet.encode_refusals(events) == b"\xff\xfc\x18\xff\xfe\x01"


def test_plain_text_leaves_negotiation_and_colours_out() -> None:
    assert telnet.plain_text(b"\xff\xfd\x18\x1b[2JCamera\r\n\x1b[1mlogin:\x1b[0m ") == "Camera\nlogin: "
    assert telnet.plain_text(b"\xff\x10") == ""


def pure(data: bytes) -> object:
    text = telnet.plain_text(data)
    return telnet.prompt_of(text), telnet.encode_refusals(Decoder().feed(data))


SEEDS = [case[0] for case in VECTORS.values()]
FUZZ = [
    FuzzTarget("telnet", stream_entry(Decoder), [*SEEDS, *BROKEN.values()], also=("streams",)),
    FuzzTarget("telnet/text", pure, [*SEEDS, *(text.encode() for text, _ in PROMPTS.values())]),
]
