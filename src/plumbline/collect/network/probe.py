"""What a probe is, and what it is given.

A probe holds one conversation with one service and writes what it saw. It opens nothing itself: `Visit.connect` and
`Visit.datagrams` go through the door. It raises what happens to it (SilentError, RefusedError, ProtocolError, ...) and the visit
turns that into coverage, so no probe decides how its failure is told.
"""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from plumbline.evidence.bundle import Batch, BundleWriter
from plumbline.model.entities import Entity, port_subject
from plumbline.model.errors import (
    DeviceError,
    HungUpError,
    NotPermittedError,
    ProtocolError,
    RefusedError,
    SilentError,
    UnreachableError,
)
from plumbline.model.words import Intrusion, Outcome, Transport
from plumbline.net.connection import Connection
from plumbline.net.datagram import DatagramLine
from plumbline.net.door import Door
from plumbline.net.redaction import redact

_LEGACY_SERVER_CONNECT = 0x4  # OpenSSL's SSL_OP_LEGACY_SERVER_CONNECT; the ssl module names it from Python 3.12 on


@dataclass(frozen=True, slots=True)
class Probe:
    """One protocol's probe, as its file declares it."""

    protocol: str
    tables: tuple[str, ...]
    transport: Transport
    ports: frozenset[int]
    intrusion: Intrusion  # the least at which it does anything
    exchanges: int  # at most, at the highest intrusion
    run: Callable[[Visit], Awaitable[None]]
    tls_ports: frozenset[int] = frozenset()
    industrial: bool = False

    def usual(self, port: int) -> bool:
        """Say whether a port is one of the protocol's usual ones, in clear or inside TLS."""
        return port in self.ports or port in self.tls_ports


@dataclass(frozen=True, slots=True)
class Opening:
    """A connection on which a service was identified, for its probe to go on with instead of asking the same thing again."""

    connection: Connection
    asked: bytes  # what was sent on it; b"": nothing
    heard: bytes  # what came


class TlsRefusedError(RefusedError):
    """The other side turned a TLS handshake down, by an alert or by leaving it: whatever is inside, the port speaks TLS."""


def unverified_context() -> ssl.SSLContext:
    """A TLS client that accepts any certificate: the audit records what a device shows and judges it later, from the record."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    # Old devices speak what OpenSSL refuses at its default level; refusing with it would leave them unjudged.
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.options |= _LEGACY_SERVER_CONNECT  # a server without RFC 5746 is judged, not refused
    return context


@dataclass
class Visit:
    """One probe's call on one port of one host; collects its rows and tells its outcome."""

    door: Door
    writer: BundleWriter
    batch: Batch
    key: bytes
    now: Callable[[], datetime]
    entity: Entity
    address: str
    port: int
    transport: Transport
    intrusion: Intrusion  # the authorised one; a probe compares before it presses harder
    why: str
    tls: bool = False
    inside: str | None = None  # for the tls probe: the protocol found inside
    greeting: bytes = b""  # what the service said by itself when it was identified
    permit: str | None = None
    name: str | None = None  # of the rig file's `hosts`, where the address was resolved from one
    opening: Opening | None = None  # what the first `connect` gives; it holds one of the device's places, so `drop` what is not used
    asked: bytes = b""  # what had been sent before on the connection that `connect` gave last
    session: ssl.SSLObject | None = None  # of the last TLS handshake, over or not: version, suite and certificate can be read from it
    recognised: bool = False  # the device has answered in the protocol, whatever became of the probe afterwards
    rows: dict[str, int] = field(default_factory=dict)
    _partial: dict[str, str] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """The service, for example `tcp/1883`."""
        return port_subject(self.transport.value, self.port)

    @property
    def host(self) -> str:
        """The name or address as it stands in a URL."""
        return self.name or (f"[{self.address}]" if ":" in self.address else self.address)

    @property
    def client_name(self) -> str:
        """A name of ours, for protocols whose clients name themselves; another each time: brokers drop the older of two equal ones."""
        return f"plumbline{secrets.token_hex(6)}"  # 21 characters; MQTT 3.1.1, 3.1.3.1: 23 are allowed anywhere

    def allows(self, intrusion: Intrusion) -> bool:
        """Say whether the authorisation goes as far as this."""
        return self.intrusion >= intrusion

    async def connect(self, intrusion: Intrusion = Intrusion.QUERY) -> Connection:
        """Open a connection, inside TLS where the service was found to be; or go on with the one on which it was found."""
        self.asked = b""
        if self.opening is not None and intrusion is Intrusion.QUERY:  # which it was opened under
            opening, self.opening = self.opening, None
            self.asked, self.permit = opening.asked, opening.connection.permit.id
            opening.connection.go_on(self.why, opening.heard)
            return opening.connection
        connection = await self.plain_connection(intrusion)
        if self.tls:
            try:
                await connection.start_tls(unverified_context(), self.name)
                self.session = connection.tls
            except (RefusedError, HungUpError) as refusal:
                await connection.close()
                if connection.received_total:  # it answered in TLS first; such servers want a client certificate, for example
                    raise TlsRefusedError(str(refusal)) from refusal
                raise
            except BaseException:
                await connection.close()
                raise
        return connection

    async def plain_connection(self, intrusion: Intrusion = Intrusion.QUERY) -> Connection:
        """Open a connection without TLS, whatever the service is."""
        await self.drop()
        connection = await self.door.connect(self.address, self.port, why=self.why, intrusion=intrusion, name=self.name)
        self.permit = connection.permit.id
        return connection

    async def drop(self) -> None:
        """Close the connection that nobody went on with, if there is one."""
        if self.opening is not None:
            opening, self.opening = self.opening, None
            await opening.connection.close()

    async def datagrams(self, intrusion: Intrusion = Intrusion.QUERY) -> DatagramLine:
        """Open a line for datagrams."""
        line = await self.door.datagrams(self.address, self.port, why=self.why, intrusion=intrusion)
        self.permit = line.permit.id
        return line

    def keep(self, data: bytes) -> str:
        """Store an answer, redacted (law 8); returns its reference for a row."""
        return self.writer.raw(redact(self.why, data, self.key))

    def redacted(self, text: str) -> str:
        """Take secrets out of a piece of text for a column; cut it afterwards, not before: a half secret is not recognised."""
        return redact(self.why, text.encode("utf-8", "replace"), self.key).decode("utf-8", "replace")

    def row(self, table: str, subject: str | None = None, *, raw: str | None = None, **columns: Any) -> None:
        """Add a row about this service, or about a part of it."""
        at = self.now()
        self.batch.row(
            table, self.entity, self.subject if subject is None else subject, raw=raw, permit=self.permit, observed_at=at, **columns
        )
        self.rows[table] = self.rows.get(table, 0) + 1
        self.recognised = True

    def partial(self, table: str, detail: str) -> None:
        """Say that a table could not be filled to the end, and why."""
        self._partial[table] = detail

    async def run(self, probe: Probe) -> Outcome:
        """Run a probe and write the coverage of each of its tables; returns the outcome."""
        started = self.now()
        outcome, detail = await self.attempt(probe)
        for table in probe.tables:
            self.cover(table, outcome, started, detail)
        return outcome

    async def attempt(self, probe: Probe) -> tuple[Outcome, str | None]:
        """Run a probe without writing coverage; returns what became of it and, where it failed, why."""
        if not self.allows(probe.intrusion):
            return Outcome.NOT_PERMITTED, f"needs intrusion {probe.intrusion.word}, authorised is {self.intrusion.word}"
        try:
            await probe.run(self)
        except (DeviceError, NotPermittedError) as error:
            return outcome_of(error), str(error)
        return Outcome.OK, None

    def cover(self, table: str, outcome: Outcome, started: datetime, detail: str | None) -> None:
        """Write the coverage of one table for this service: what failed half way with rows is partial."""
        rows = self.rows.get(table, 0)
        if rows and outcome is not Outcome.OK:
            outcome = Outcome.PARTIAL
        elif outcome is Outcome.OK and table in self._partial:
            outcome, detail = Outcome.PARTIAL, self._partial[table]
        self.batch.coverage(
            self.entity,
            table,
            self.subject,
            outcome=outcome,
            rows=rows,
            started_at=started,
            ended_at=self.now(),
            permit=self.permit,
            detail=detail,
        )


def outcome_of(error: BaseException) -> Outcome:
    """Translate what happened to an attempt into the word of its coverage row."""
    match error:
        case NotPermittedError():
            return Outcome.NOT_PERMITTED
        case RefusedError() | HungUpError():
            return Outcome.REFUSED
        case SilentError():
            return Outcome.TIMEOUT
        case UnreachableError():
            return Outcome.UNREACHABLE
        case ProtocolError():
            return Outcome.PROTOCOL_ERROR
        case _:
            return Outcome.INTERNAL_ERROR
