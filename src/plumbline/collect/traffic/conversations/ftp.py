"""FTP control connections: logins in clear, and whether TLS takes over before one (RFC 959 4.1.1; RFC 4217 4)."""

from __future__ import annotations

import re

from plumbline.collect.traffic.conversation import Conversation, Opening
from plumbline.collect.traffic.facts import Ends, Notes
from plumbline.model.words import Transport
from plumbline.protocols import ftp
from plumbline.protocols.banner import identify
from plumbline.protocols.lines import LineBuffer

_COMMAND = re.compile(rb"(?:USER [^\r\n]+|AUTH (?:TLS|SSL)(?:-[CP])?|FEAT|SYST|PASV|OPTS [^\r\n]+)\r?\n", re.IGNORECASE)


class Ftp(Conversation):
    """One control connection; done when TLS takes over."""

    protocol = "ftp"
    transports = frozenset({Transport.TCP})
    opens = True

    def __init__(self, ends: Ends, notes: Notes) -> None:
        super().__init__(ends, notes)
        # Not the codec's command decoder: that one drops the password, which is to be digested here.
        self._client = LineBuffer(ftp.MAX_LINE)
        self._server = ftp.ReplyDecoder()
        self._user: bytes | None = None
        self._wants_tls = False

    @classmethod
    def recognises(cls, opening: Opening) -> bool:
        """A greeting of 220 or 120 and then a command that mail does not have; or a greeting that names FTP."""
        greets = opening.server[:3] in (b"220", b"120")
        if not greets:
            return False
        if opening.client:
            return _COMMAND.match(opening.client) is not None
        return identify(opening.server).protocol == "ftp"

    def from_client(self, data: bytes) -> None:
        """Note each login."""
        self._client.append(data)
        while (line := self._client.line()) is not None:
            verb, _, argument = line.partition(b" ")
            match verb.upper():
                case b"USER":
                    self._user = argument
                case b"PASS":
                    self.credential("ftp", self._user, argument)
                case b"AUTH":
                    self._wants_tls = True

    def from_server(self, data: bytes) -> None:
        """See whether the server agrees to TLS."""
        for reply in self._server.feed(data):
            if self._wants_tls:
                self._wants_tls = False
                self.encrypted = self.done = reply.code == 234
