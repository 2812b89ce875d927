"""Telnet: what a client answers to the prompts for a name and a password. The session behind the login is not kept."""

from __future__ import annotations

from plumbline.collect.traffic.conversation import Conversation, Opening
from plumbline.collect.traffic.facts import Ends, Notes
from plumbline.model.words import Transport
from plumbline.protocols.telnet import IAC, Decoder, Line, Prompt, Verb, prompt_of

MAX_SERVER_BYTES = 256 * 1024  # a login stands at the start of a session
_ERASE = ("\x08", "\x7f")


class Telnet(Conversation):
    """One session; prompts tell what the client's next line is."""

    protocol = "telnet"
    transports = frozenset({Transport.TCP})
    uncertain = True

    def __init__(self, ends: Ends, notes: Notes) -> None:
        super().__init__(ends, notes)
        self._client = Decoder()
        self._server = Decoder()
        self._expected: Prompt | None = None
        self._user: bytes | None = None
        self._server_bytes = 0

    @classmethod
    def recognises(cls, opening: Opening) -> bool:
        """Either side negotiates (RFC 854), or the server asks for a login before the client said anything."""
        if any(len(data) >= 3 and data[0] == IAC and data[1] in tuple(Verb) for data in (opening.server, opening.client)):
            return True
        text = opening.server[-256:].decode("utf-8", errors="replace")
        return not opening.client and prompt_of(text) in (Prompt.LOGIN, Prompt.PASSWORD)

    def from_client(self, data: bytes) -> None:
        """Take whole lines as answers; CR NUL ends one too, as terminals in character mode send it (RFC 854)."""
        plain = data.replace(b"\r\n", b"\n").replace(b"\r\0", b"\n").replace(b"\r", b"\n")
        for event in self._client.feed(plain):
            if isinstance(event, Line) and event.text:
                self._answer(_erased(event.text).encode())

    def from_server(self, data: bytes) -> None:
        """See what the server asks for."""
        self._server.feed(data)
        prompt = prompt_of(self._server.pending)
        if prompt is not None:
            self._expected = prompt
        self._server_bytes += len(data)
        self.done = self._server_bytes > MAX_SERVER_BYTES

    def _answer(self, text: bytes) -> None:
        if self._expected is Prompt.LOGIN:
            self._user = text
        elif self._expected is Prompt.PASSWORD:
            self.credential("telnet", self._user, text)
        self._expected = None


def _erased(text: str) -> str:
    """Apply the erase characters of a terminal."""
    kept: list[str] = []
    for character in text:
        if character not in _ERASE:
            kept.append(character)
        elif kept:
            kept.pop()
    return "".join(kept)
