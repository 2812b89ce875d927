"""FTP replies (RFC 959 4.2), features (RFC 2389) and what a capture shows of a client."""

from __future__ import annotations

import pytest

from plumbline.model.errors import ProtocolError
from plumbline.protocols import ftp
from plumbline.protocols.ftp import Command, CommandDecoder, Features, Reply, ReplyDecoder
from tests.protocols.fuzzing import FuzzTarget, assert_any_split, stream_entry

REPLIES: dict[str, tuple[bytes, list[Reply]]] = {
    "one line": (b"220 (vsFTPd 3.0.3)\r\n", [Reply(220, ("(vsFTPd 3.0.3)",))]),
    "RFC 959 4.2: the example of several lines": (
        b"123-First line\r\nSecond line\r\n  234 A line beginning with numbers\r\n123 The last line\r\n",
        [Reply(123, ("First line", "Second line", "  234 A line beginning with numbers", "The last line"))],
    ),
    "every line with the code, as many servers do": (b"220-one\r\n220-two\r\n220 three\r\n", [Reply(220, ("one", "two", "three"))]),
    "another code inside is text": (b"211-a\r\n500 no end\r\n211 b\r\n", [Reply(211, ("a", "500 no end", "b"))]),
    "two replies, bare LF, no text": (b"331 Please\n230\n", [Reply(331, ("Please",)), Reply(230, ("",))]),
    "bytes that are not UTF-8 are replaced": (b"220 caf\xe9\r\n", [Reply(220, ("caf\ufffd",))]),
}

BROKEN_REPLIES = {
    "no code": b"hello\r\n",
    "a code of two digits": b"22 x\r\n",
    "a class that RFC 959 lacks": b"720 x\r\n",
    "no mark after the code": b"2200 x\r\n",
    "line over the cap": b"220 " + b"x" * ftp.MAX_LINE,
    "reply over the cap": b"220-x\r\n" + b"y\r\n" * ftp.MAX_REPLY_LINES,
    "end inside a line": b"220 hel",
    "end inside a reply": b"220-hello\r\nmore\r\n",
}

COMMANDS: dict[str, tuple[bytes, list[Command]]] = {
    "login": (b"USER admin\r\nPASS secret\r\n", [Command("USER", "admin", 5), Command("PASS", None, 6)]),
    "lower case and an empty password": (b"user Eve\r\npass \r\n", [Command("USER", "Eve", 3), Command("PASS", None, 0)]),
    "without an argument": (b"FEAT\r\nQUIT\n", [Command("FEAT", None, None), Command("QUIT", None, None)]),
    "AUTH TLS": (b"AUTH TLS\r\n", [Command("AUTH", None, 3)]),
    "interrupt before ABOR (RFC 959 4.1.3)": (b"\xff\xf4\xff\xf2ABOR\r\n", [Command("ABOR", None, None)]),
}

BROKEN_COMMANDS = {
    "no verb": b"\r\n",
    "a number for a verb": b"220 hello\r\n",
    "end inside a command": b"USER adm",
    "line over the cap": b"PASS " + b"x" * ftp.MAX_LINE,
}


@pytest.mark.parametrize(("data", "replies"), REPLIES.values(), ids=REPLIES)
def test_reply(data: bytes, replies: list[Reply]) -> None:
    assert assert_any_split(ReplyDecoder, data) == replies


@pytest.mark.parametrize(("data", "commands"), COMMANDS.values(), ids=COMMANDS)
def test_command(data: bytes, commands: list[Command]) -> None:
    assert assert_any_split(CommandDecoder, data) == commands


@pytest.mark.parametrize("data", BROKEN_REPLIES.values(), ids=BROKEN_REPLIES)
def test_broken_reply(data: bytes) -> None:
    decoder = ReplyDecoder()
    with pytest.raises(ProtocolError):
        decoder.feed(data)
        decoder.end()


@pytest.mark.parametrize("data", BROKEN_COMMANDS.values(), ids=BROKEN_COMMANDS)
def test_broken_command(data: bytes) -> None:
    decoder = CommandDecoder()
    with pytest.raises(ProtocolError):
        decoder.feed(data)
        decoder.end()


def test_encoders() -> None:
    assert ftp.encode_feat() == b"FEAT\r\n"
    assert ftp.encode_auth_tls() == b"AUTH TLS\r\n"
    assert ftp.encode_user("anonymous") == b"USER anonymous\r\n"
    assert ftp.encode_pass("guest@") == b"PASS guest@\r\n"
    assert ftp.encode_quit() == b"QUIT\r\n"


@pytest.mark.parametrize("bad", ["a\r\nDELE x", "a\n", "a\x00"])
def test_an_argument_never_starts_another_command(bad: str) -> None:
    with pytest.raises(ValueError, match="control character"):
        ftp.encode_user(bad)
    with pytest.raises(ValueError, match="control character"):
        ftp.encode_pass(bad)


def test_features_of_rfc_2389_and_4217() -> None:
    (reply,) = ReplyDecoder().feed(
        b"211-Extensions supported:\r\n MLST size*;create\r\n AUTH TLS;SSL;\r\n AUTH TLS-C\r\n utf8\r\n\r\n211 END\r\n"
    )
    assert ftp.parse_features(reply) == Features(("MLST", "AUTH", "UTF8"), ("TLS", "SSL", "TLS-C"))


def test_no_features_told_from_not_said() -> None:
    assert ftp.parse_features(Reply(211, ("no-features",))) == Features((), ())
    assert ftp.parse_features(Reply(502, ("not implemented",))) is None


def features(data: bytes) -> object:
    return [(ftp.parse_features(reply), reply.text) for reply in ReplyDecoder().feed(data)]


SEEDS = [case[0] for case in REPLIES.values()] + list(BROKEN_REPLIES.values())
FUZZ = [
    FuzzTarget("ftp", stream_entry(ReplyDecoder), SEEDS, also=("lines", "streams")),
    FuzzTarget("ftp/features", features, [b"211-Extensions:\r\n MLST x\r\n AUTH TLS;SSL;\r\n\r\n211 END\r\n"]),
    FuzzTarget("ftp/commands", stream_entry(CommandDecoder), [case[0] for case in COMMANDS.values()]),
]
