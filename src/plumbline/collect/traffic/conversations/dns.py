"""DNS over UDP and TCP, and mDNS: what stations ask for, and what they call themselves on the segment.

mDNS questions are not queries to a resolver, so they give names and no rows of `dns_query`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from plumbline.collect.traffic.conversation import Conversation, Opening
from plumbline.collect.traffic.facts import CAPS, Ends, Notes, cut
from plumbline.model.errors import ProtocolError
from plumbline.model.words import Transport
from plumbline.protocols import dns

_MDNS = 5353  # RFC 6762 5.2
_LLMNR = 5355  # RFC 4795 2.1
MAX_UNCLEAR = 8  # messages of one connection that may be unreadable before it counts as not read


@lru_cache(maxsize=2)
def _decode(data: bytes) -> dns.Message:
    """Decode a message; the one that was just recognised is heard right after, and need not be decoded again."""
    return dns.decode(data)


def _plausible(message: dns.Message) -> bool:
    """Whether the header makes sense, so that other protocols' datagrams do not pass for DNS."""
    asks = len(message.questions) == 1 or (message.response and bool(message.answers))
    return message.opcode in (0, 4, 5) and message.rcode <= 11 and asks


class Dns(Conversation):
    """Queries to a resolver over UDP."""

    protocol = "dns"
    transports = frozenset({Transport.UDP})

    def __init__(self, ends: Ends, notes: Notes) -> None:
        super().__init__(ends, notes)
        self._unclear = 0

    @classmethod
    def recognises(cls, opening: Opening) -> bool:
        """A whole message that makes sense, of the direction that it says."""
        if {opening.client_port, opening.server_port} & {_MDNS, _LLMNR}:
            return False
        message = _decode(opening.client or opening.server)
        return _plausible(message) and message.response == (not opening.client)

    def from_client(self, data: bytes) -> None:
        """Note what is asked."""
        try:
            self._note(_decode(data), answer=False)
        except ProtocolError:
            self._unclear += 1
            if self._unclear > MAX_UNCLEAR:
                raise

    def from_server(self, data: bytes) -> None:
        """Note what is answered."""
        try:
            self._note(_decode(data), answer=True)
        except ProtocolError:
            self._unclear += 1
            if self._unclear > MAX_UNCLEAR:
                raise

    def _note(self, message: dns.Message, *, answer: bool) -> None:
        if message.response == answer and not self.ends.inbound:
            for question in message.questions:
                self.notes.query(self.ends, question.name, question.type, self.place, answered=answer)


class DnsOverTcp(Dns):
    """The same after a length of two bytes (RFC 1035 4.2.2)."""

    transports = frozenset({Transport.TCP})

    def __init__(self, ends: Ends, notes: Notes) -> None:
        super().__init__(ends, notes)
        self._client = bytearray()
        self._server = bytearray()

    @classmethod
    def recognises(cls, opening: Opening) -> bool:
        """A first message that is whole."""
        size = int.from_bytes(opening.client[:2], "big")
        if size < 17 or len(opening.client) < 2 + size:
            return False
        message = dns.decode(opening.client[2 : 2 + size])
        return not message.response and _plausible(message)

    def from_client(self, data: bytes) -> None:
        """Put messages together; a malformed one ends the reading, for no length after it can be trusted."""
        for message in _whole(self._client, data):
            self._note(dns.decode(message), answer=False)

    def from_server(self, data: bytes) -> None:
        """Put messages together."""
        for message in _whole(self._server, data):
            self._note(dns.decode(message), answer=True)


def _whole(held: bytearray, data: bytes) -> Iterator[bytes]:
    """Yield the messages that `data` completes; at most one of 64 KiB stays held."""
    held += data
    while len(held) >= 2 and len(held) >= (size := 2 + int.from_bytes(held[:2], "big")):
        message = bytes(held[2:size])
        del held[:size]
        yield message


class Mdns(Conversation):
    """Multicast DNS: the name that a station gives its own address (RFC 6762 6)."""

    protocol = "mdns"
    transports = frozenset({Transport.UDP})

    @classmethod
    def recognises(cls, opening: Opening) -> bool:
        """A whole message on mDNS's port; its form is that of DNS."""
        if _MDNS not in (opening.client_port, opening.server_port):
            return False
        message = _decode(opening.client or opening.server)
        return message.opcode == 0 and bool(message.questions or message.records)

    def from_client(self, data: bytes) -> None:
        """Take a name from the sender's own address record."""
        self._names(data, self.ends.server if self.ends.inbound else self.ends.station)

    def from_server(self, data: bytes) -> None:
        """Take a name from a direct answer."""
        self._names(data, self.ends.server)

    def _names(self, data: bytes, sender: bytes) -> None:
        try:
            message = _decode(data)
        except ProtocolError:
            return  # one bad announcement says nothing of the next
        if not message.response:
            return
        mine = {record.name for record in message.records if isinstance(record.data, dns.Address) and record.data.address.packed == sender}
        names = self.notes.names.host_by_address
        for record in message.records:
            if not isinstance(record.data, dns.Address) or record.name not in mine or record.data.address.is_loopback:
                continue
            if len(names) < CAPS["station"]:
                names.setdefault(record.data.address.packed, cut(record.name))


class Llmnr(Mdns):
    """Link-local name resolution: the same messages on another port (RFC 4795 2.1)."""

    protocol = "llmnr"

    @classmethod
    def recognises(cls, opening: Opening) -> bool:
        """A whole message on LLMNR's port."""
        if _LLMNR not in (opening.client_port, opening.server_port):
            return False
        return _plausible(dns.decode(opening.client or opening.server))
