"""SMTP, POP3 and IMAP: logins in clear, for devices that mail their alarms. Messages themselves are not read.

SMTP   AUTH PLAIN [base64: id NUL user NUL password]; AUTH LOGIN, then user and password in base64     RFC 4954 4; RFC 4616 2
POP3   USER name, PASS secret; AUTH PLAIN as above                                                     RFC 1939 7; RFC 5034 4
IMAP   tag LOGIN user password, each bare or quoted; tag AUTHENTICATE PLAIN as above                   RFC 3501 6.2.2, 6.2.3
TLS    STARTTLS or STLS, then 220, +OK or "tag OK"                                                     RFC 3207 4; RFC 2595 3, 4
"""

from __future__ import annotations

import base64
import binascii
import re

from plumbline.collect.traffic.conversation import Conversation, Opening
from plumbline.collect.traffic.facts import Ends, Notes
from plumbline.model.words import Transport
from plumbline.protocols.lines import LineBuffer

MAX_LINE = 16 * 1024  # RFC 4954 4.3: 12288 for an authentication line
MAX_SERVER_BYTES = 256 * 1024  # logins stand at the start; what follows is mail
_STRING = rb'("(?:[^"\\]|\\.){0,512}"|[^ "\r\n]{1,512})'
_LOGIN = re.compile(rb"[^ ]{1,32} LOGIN " + _STRING + rb" " + _STRING + rb"\s*", re.IGNORECASE)
_AUTH = re.compile(rb"(?:[^ ]{1,32} )?AUTH(?:ENTICATE)? (PLAIN|LOGIN)(?: ([A-Za-z0-9+/=]+))?\s*", re.IGNORECASE)
_STARTTLS = re.compile(rb"(?:[^ ]{1,32} )?(?:STARTTLS|STLS)\s*", re.IGNORECASE)
_AGREES = re.compile(rb"220|\+OK|[^ *]{1,32} OK", re.IGNORECASE)


class _Mail(Conversation):
    """The login part that the three share."""

    transports = frozenset({Transport.TCP})
    opens = True

    def __init__(self, ends: Ends, notes: Notes) -> None:
        super().__init__(ends, notes)
        self._client = LineBuffer(MAX_LINE)
        self._user: bytes | None = None
        self._asks: list[str] = []  # what the next lines of the client are: plain, user, password
        self._wants_tls = False
        self._in_message = False
        self._server_bytes = 0

    def from_client(self, data: bytes) -> None:
        """Note each login."""
        self._client.append(data)
        while (line := self._client.line()) is not None:
            if self._in_message:
                self._in_message = line != b"."
            elif self._asks:
                self._answer(self._asks.pop(0), line)
            else:
                self._command(line)

    def from_server(self, data: bytes) -> None:
        """See whether the server agrees to TLS."""
        self._server_bytes += len(data)
        if self._wants_tls:
            self._wants_tls = False
            self.encrypted = self.done = _AGREES.match(data) is not None
        elif self._server_bytes > MAX_SERVER_BYTES:
            self.done = True

    def _command(self, line: bytes) -> None:
        verb, _, argument = line.partition(b" ")
        if match := _AUTH.fullmatch(line):
            if match[1].upper() == b"LOGIN":
                self._asks = ["user", "password"]
                if match[2]:
                    self._answer(self._asks.pop(0), match[2])
            elif match[2]:
                self._answer("plain", match[2])
            else:
                self._asks = ["plain"]
        elif match := _LOGIN.fullmatch(line):
            self.credential(self.protocol, _unquoted(match[1]), _unquoted(match[2]))
        elif _STARTTLS.fullmatch(line):
            self._wants_tls = True
        elif verb.upper() == b"USER":
            self._user = argument
        elif verb.upper() == b"PASS":
            self.credential(self.protocol, self._user, argument)
        elif line.strip().upper() == b"DATA" and self.protocol == "smtp":
            self._in_message = True

    def _answer(self, what: str, line: bytes) -> None:
        try:
            value = base64.b64decode(line.strip(), validate=True)
        except (binascii.Error, ValueError):
            self._asks = []  # "*" cancels: RFC 4954 4
            return
        if what == "user":
            self._user = value
        elif what == "password":
            self.credential(self.protocol, self._user, value)
        else:
            parts = value.split(b"\0")
            if len(parts) == 3:
                self.credential(self.protocol, parts[1], parts[2])


class Smtp(_Mail):
    """SMTP."""

    protocol = "smtp"

    @classmethod
    def recognises(cls, opening: Opening) -> bool:
        """A greeting of 220 and then EHLO or HELO (RFC 5321 4.1.1.1)."""
        return opening.server[:3] == b"220" and opening.client[:5].upper() in (b"EHLO ", b"HELO ", b"LHLO ")


class Pop3(_Mail):
    """POP3."""

    protocol = "pop3"

    @classmethod
    def recognises(cls, opening: Opening) -> bool:
        """A greeting of +OK and then a command (RFC 1939 4, RFC 2449 5)."""
        verb = opening.client[:4].upper()
        return opening.server[:3] == b"+OK" and verb in (b"USER", b"CAPA", b"AUTH", b"APOP", b"STLS", b"QUIT")


class Imap(_Mail):
    """IMAP."""

    protocol = "imap"

    @classmethod
    def recognises(cls, opening: Opening) -> bool:
        """An untagged greeting (RFC 3501 7.1)."""
        return opening.server[:5] in (b"* OK ", b"* PRE", b"* BYE")


def _unquoted(value: bytes) -> bytes:
    return re.sub(rb"\\(.)", rb"\1", value[1:-1]) if value[:1] == b'"' else value
