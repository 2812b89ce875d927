"""What every conversation is: it hears both sides of one recognised connection and notes what an auditor needs.

A conversation knows messages, by the codecs of `plumbline.protocols`, and no packets. Each protocol's stands in its own
module of `conversations`; the registry finds it there.

Rules: it may raise ProtocolError (the connection then counts as not read to its end); it keeps no payload; what it holds is bounded
by its codecs' caps.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from plumbline.collect.traffic.facts import Ends, Notes
from plumbline.collect.traffic.tcp import Place
from plumbline.model.words import Transport


@dataclass(frozen=True, slots=True)
class Opening:
    """The first bytes of both sides of a connection, or one datagram of one side; ports are for what cannot be told by content alone."""

    transport: Transport
    client: bytes
    server: bytes
    client_port: int
    server_port: int
    whole: bool = True  # seen from its very start


class Conversation(ABC):
    """Base: `encrypted` says what the bytes from now on are; `done` that nothing more is worth reading."""

    protocol: ClassVar[str]
    transports: ClassVar[frozenset[Transport]]
    opens: ClassVar[bool] = False  # what it is recognised by stands only at the start of a connection
    uncertain: ClassVar[bool] = False  # its signature is weak, so it is asked after all others

    def __init__(self, ends: Ends, notes: Notes) -> None:
        self.ends = ends
        self.notes = notes
        self.encrypted = False
        self.done = False
        self.credentials: frozenset[str] = frozenset()
        self.place = Place(0, 0, 0)  # where what is heard now was completed

    @classmethod
    @abstractmethod
    def recognises(cls, opening: Opening) -> bool:
        """Say whether this is how the protocol starts; may raise ProtocolError for no."""

    @abstractmethod
    def from_client(self, data: bytes) -> None:
        """Hear the client: bytes in order, or one datagram; raises ProtocolError."""

    @abstractmethod
    def from_server(self, data: bytes) -> None:
        """Hear the server; raises ProtocolError."""

    def end(self) -> None:  # noqa: B027 - most have nothing to add
        """Take the end of the connection."""

    def credential(self, kind: str, user: bytes | None, secret: bytes, *, secret_kind: str = "password") -> None:
        """Note a credential that travelled in clear."""
        self.credentials |= {kind}
        self.notes.credential(self.ends, kind, self.protocol, user, secret, secret_kind, self.place)


@cache
def conversations() -> Sequence[type[Conversation]]:
    """All conversations, the certain ones first; found by their place in `conversations`."""
    package = importlib.import_module("plumbline.collect.traffic.conversations")
    found: list[type[Conversation]] = []
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        own = (value for value in vars(module).values() if isinstance(value, type) and value.__module__ == module.__name__)
        found.extend(value for value in own if issubclass(value, Conversation) and hasattr(value, "protocol"))
    return sorted(found, key=lambda one: (one.uncertain, one.protocol))
