"""From the first bytes of a connection to the conversation that reads it: protocols are known by content, not by port.

Rules:
- Both sides' first bytes are held, within caps, until a conversation or a sign knows them; then they are told in the order they came.
- Where no handshake showed who is client, both ways round are tried, and the connection is turned when the second fits.
- A gap, a cut packet or a broken rule ends the reading: what was found stands, and the connection counts as not read to its end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from plumbline.collect.traffic.conversation import Conversation, Opening, conversations
from plumbline.collect.traffic.facts import Ends, Notes
from plumbline.collect.traffic.signs import SIGNS, Sign
from plumbline.collect.traffic.tcp import Place
from plumbline.model.errors import ProtocolError
from plumbline.model.words import Transport
from plumbline.protocols.banner import identify

MAX_HELD_BYTES = 8192  # a long HTTP request line fits; every other sign stands in the first few hundred
MAX_HELD_PIECES = 12
MAX_HELD_DATAGRAMS = 4
MAX_SHOWN = 4200  # of one side, to those that look for their sign


class Sided(Protocol):
    """One side, as far as a reading needs it."""

    @property
    def port(self) -> int:
        """Its port."""
        ...


class Read(Protocol):
    """The connection that is read, as far as a reading needs it."""

    transport: Transport
    handshake: bool

    @property
    def client(self) -> Sided:
        """The side that asks."""
        ...

    @property
    def server(self) -> Sided:
        """The side that answers."""
        ...

    def swap(self) -> None:
        """Turn the connection round."""
        ...


class Reading:
    """Reads one connection; `idle` once nothing more is to be told."""

    __slots__ = ("_connection", "_ends_of", "_held", "_held_bytes", "_named", "_notes", "broken", "conversation", "idle", "sign")

    def __init__(self, connection: Read, ends_of: Callable[[], Ends], notes: Notes) -> None:
        self._connection = connection
        self._ends_of = ends_of
        self._notes = notes
        self._held: list[tuple[Sided, bytes, Place]] = []
        self._held_bytes = 0
        self._named: str | None = None
        self.conversation: Conversation | None = None
        self.sign: Sign | None = None
        self.broken = False
        self.idle = False

    @property
    def protocol(self) -> str | None:
        """The protocol's name, None when not recognised."""
        if self.conversation is not None:
            return self.conversation.protocol
        return self.sign.protocol if self.sign is not None else self._named

    @property
    def encrypted(self) -> bool | None:
        """Whether the content is encrypted, None when not known."""
        if self.conversation is not None:
            return self.conversation.encrypted
        return self.sign.encrypted if self.sign is not None else None

    @property
    def credentials(self) -> frozenset[str]:
        """Kinds of credentials seen in clear."""
        return self.conversation.credentials if self.conversation is not None else frozenset()

    @property
    def from_start(self) -> bool:
        """Whether what was recognised stands only at a connection's start, so that nothing before it can be missing."""
        return self.conversation is not None and self.conversation.opens

    @property
    def read(self) -> bool:
        """Whether "no credential" can be said: content was read to where it matters, is encrypted, or has no logins by its protocol."""
        if self.encrypted:
            return True
        if self.conversation is not None:
            return not self.broken
        return self.sign is not None and not self.sign.logins and self.sign.encrypted is False

    def take(self, side: Sided, data: bytes, place: Place) -> None:
        """Hear bytes in order, or a datagram, of one side."""
        if self.idle:
            return
        if self.conversation is not None:
            self._tell(self.conversation, side, data, place)
            return
        self._held.append((side, data, place))
        self._held_bytes += len(data)
        self._recognise()

    def lost(self) -> None:
        """Hear that bytes are missing here."""
        if not self.idle:
            self.broken = self.idle = True
            self._held = []

    def end(self) -> None:
        """Hear that the connection is over."""
        if self.conversation is not None and not self.idle:
            self.conversation.end()
        elif self.conversation is None and not self.idle and self._held:
            self._give_up()

    def _recognise(self) -> None:
        connection = self._connection
        if self._try(self._opening()):
            return
        if not connection.handshake:
            connection.swap()
            if self._try(self._opening()):
                return
            connection.swap()
        datagrams = connection.transport is Transport.UDP
        if self._held_bytes > MAX_HELD_BYTES or len(self._held) >= (MAX_HELD_DATAGRAMS if datagrams else MAX_HELD_PIECES):
            self._give_up()

    def _opening(self) -> Opening:
        connection = self._connection
        latest = connection.transport is Transport.UDP  # each datagram speaks for itself
        held = self._held[-1:] if latest else self._held
        shown = [b"".join(data for side, data, _ in held if side is one)[:MAX_SHOWN] for one in (connection.client, connection.server)]
        ports = connection.client.port, connection.server.port
        return Opening(connection.transport, shown[0], shown[1], *ports, connection.handshake)

    def _try(self, opening: Opening) -> bool:
        for kind in conversations():
            if opening.transport in kind.transports and not kind.uncertain and _fits(kind.recognises, opening):
                self._start(kind)
                return True
        for sign in SIGNS:
            if opening.transport is sign.transport and _fits(sign.recognises, opening):
                self.sign = sign
                self.idle, self._held = True, []
                return True
        for kind in conversations():
            if opening.transport in kind.transports and kind.uncertain and _fits(kind.recognises, opening):
                self._start(kind)
                return True
        return False

    def _start(self, kind: type[Conversation]) -> None:
        conversation = self.conversation = kind(self._ends_of(), self._notes)
        held, self._held = self._held, []
        for side, data, place in held:
            if not self.idle:
                self._tell(conversation, side, data, place)

    def _tell(self, conversation: Conversation, side: Sided, data: bytes, place: Place) -> None:
        conversation.place = place
        try:
            if side is self._connection.client:
                conversation.from_client(data)
            else:
                conversation.from_server(data)
        except ProtocolError:
            self.broken = self.idle = True
        else:
            self.idle = conversation.done

    def _give_up(self) -> None:
        """Name what only its greeting tells, and stop."""
        if self._connection.transport is Transport.TCP:
            greeting = b"".join(data for side, data, _ in self._held if side is self._connection.server)
            self._named = identify(greeting).protocol if greeting else None
        self.idle, self._held = True, []


def _fits(recognises: Callable[[Opening], bool], opening: Opening) -> bool:
    try:
        return recognises(opening)
    except ProtocolError:
        return False
