"""SNMP: communities travel in clear with every message of versions 1 and 2c; version 3 shows whether it encrypts."""

from __future__ import annotations

from plumbline.collect.traffic.conversation import Conversation, Opening
from plumbline.collect.traffic.facts import Ends, Notes
from plumbline.model.errors import ProtocolError
from plumbline.model.words import Transport
from plumbline.protocols import snmp

MAX_UNCLEAR = 8
MAX_COMMUNITIES = 1024
_FROM_SERVER = frozenset({snmp.PduKind.RESPONSE, snmp.PduKind.REPORT})


class Snmp(Conversation):
    """Requests and answers, or traps, between two ports."""

    protocol = "snmp"
    transports = frozenset({Transport.UDP})

    def __init__(self, ends: Ends, notes: Notes) -> None:
        super().__init__(ends, notes)
        self._seen: set[bytes] = set()
        self._unclear = 0
        self._clear = self._sealed = False

    @classmethod
    def recognises(cls, opening: Opening) -> bool:
        """A whole message; an answer must come from the server."""
        message = snmp.decode(opening.client or opening.server)
        pdu = message.pdu
        return pdu is None or (pdu.kind in _FROM_SERVER) == (not opening.client)

    def from_client(self, data: bytes) -> None:
        """Note a community at its first use."""
        try:
            message = snmp.decode(data)
        except ProtocolError:
            self._unclear += 1
            if self._unclear > MAX_UNCLEAR:
                raise
            return
        if isinstance(message, snmp.UsmMessage):
            # The discovery of an engine is always in clear and carries nothing (RFC 3414 4).
            self._sealed |= message.encrypted
            self._clear |= not message.encrypted and bool(message.user_name)
            self.encrypted = self._sealed and not self._clear
            return
        self._clear, self.encrypted = True, False
        if message.community not in self._seen and len(self._seen) < MAX_COMMUNITIES:
            self._seen.add(message.community)
            self.credential("snmp_community", None, message.community, secret_kind="snmp_community")

    def from_server(self, data: bytes) -> None:
        """Read answers alike: a capture may hold only them."""
        self.from_client(data)
