"""TLS: what the client offered, what the server chose, and its certificate while that still travels in clear.

Everything after the hellos is encrypted and not read. Over TCP only; DTLS is named by `signs`.
"""

from __future__ import annotations

import hashlib

from plumbline.collect.traffic.conversation import Conversation, Opening
from plumbline.collect.traffic.facts import Ends, Notes, TlsFacts, counted, cut
from plumbline.model.words import Transport
from plumbline.protocols import tls
from plumbline.protocols.tls_hello import ClientHello, ServerHello
from plumbline.protocols.tls_suites import SUITES, Weak

# What the table counts as weak; CBC with SHA-1 and RSA key transport are old, and offered by nearly every client.
_COUNTED = frozenset({Weak.NULL, Weak.EXPORT, Weak.ANON, Weak.RC4, Weak.DES, Weak.TRIPLE_DES, Weak.MD5})


class Tls(Conversation):
    """One TLS connection; done once both sides encrypt."""

    protocol = "tls"
    transports = frozenset({Transport.TCP})

    def __init__(self, ends: Ends, notes: Notes) -> None:
        super().__init__(ends, notes)
        self.encrypted = True
        self._client = tls.RecordDecoder()
        self._server = tls.RecordDecoder()
        self._version: int | None = None

    @classmethod
    def recognises(cls, opening: Opening) -> bool:
        """A handshake starts with a ClientHello (RFC 8446 5.1, 4); joined later, either side shows a whole record."""
        client = opening.client
        if len(client) >= 6 and client[0] == 22 and client[1] == 3 and client[5] == 1 and client[2] <= 4:
            return True
        return not opening.whole and (_is_record(client) or _is_record(opening.server))

    def from_client(self, data: bytes) -> None:
        """Read hellos; anything else that a client says in clear tells nothing more."""
        for event in self._client.feed(data):
            if isinstance(event, ClientHello) and not self.ends.inbound and (facts := self.notes.tls_client(self.ends, self.place)):
                _note_hello(facts, event)
        self._judge_end()

    def from_server(self, data: bytes) -> None:
        """Read the choice and the certificate."""
        for event in self._server.feed(data):
            if self.ends.inbound or not (facts := self.notes.tls_client(self.ends, self.place)):
                continue
            if isinstance(event, ServerHello) and not event.is_hello_retry:
                self._version = event.version
                facts.chosen.add((event.version, event.suite))
            elif isinstance(event, tls.Certificate) and event.chain and self._version is not None:
                facts.certificate_sha256 = facts.certificate_sha256 or hashlib.sha256(event.chain[0]).hexdigest()
        self._judge_end()

    def _judge_end(self) -> None:
        # A client that resumes TLS 1.3 seals early, and the server's answer is still to come: both sides must have sealed.
        self.done = self._server.sealed


def _is_record(data: bytes) -> bool:
    """Whether bytes are whole records of application data or more, as in a connection joined in the middle."""
    at = 0
    while len(data) - at >= 5 and 20 <= data[at] <= 23 and data[at + 1] == 3 and data[at + 2] <= 4:
        size = int.from_bytes(data[at + 3 : at + 5], "big")
        if not 0 < size <= tls.MAX_RECORD:
            return False
        at += 5 + size
    return at > 0 and at >= len(data)


def _note_hello(facts: TlsFacts, hello: ClientHello) -> None:
    facts.hellos += 1
    facts.offered.add(max(hello.versions, default=hello.legacy_version))
    facts.weak.update(SUITES[number].name for number in hello.suites if number in SUITES and not _COUNTED.isdisjoint(SUITES[number].weak))
    if hello.server_name is not None:
        counted(facts.names, cut(hello.server_name))
