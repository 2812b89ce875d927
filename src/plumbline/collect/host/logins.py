"""Logins that the customer gave, used on the assets that they are for, one after the other; each visit fills the tables of a system.

Not how a system is asked (`ssh_session`, `snmp_session`) nor what its answers mean (`readings`, `snmp_rows`). Runs after the networks were
probed, so that host keys and industrial devices are known by then.

Rules (laws 5 and 6):
- One device at a time: what the first refuses is never tried on the second. The door remembers a refusal, for later runs too.
- A device of class `ot` is not logged into: it is asked for its own protocol's identification alone; hostkit's file serves instead.
- A device is looked for before and after; where it fell silent the breaker may stop the whole run. No secret goes to a closed port.
- Each asset gets coverage for every table, whatever happened.
"""

from __future__ import annotations

import traceback
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

import pyarrow.parquet as pq

from plumbline.collect.attempt import Attempt
from plumbline.collect.context import Context
from plumbline.collect.host import snmp_session, ssh_session
from plumbline.collect.host.attempting import TABLES, read_outputs, system_entity
from plumbline.collect.host.given import Given, assets_of
from plumbline.collect.host.outputs import Report
from plumbline.collect.host.snmp_rows import write_shown
from plumbline.evidence.bundle import Bundle
from plumbline.model.entities import Entity
from plumbline.model.errors import (
    DeviceError,
    EnvironmentFault,
    NotPermittedError,
    ProtocolError,
    RefusedError,
    SilentError,
    StoppedError,
    UnreachableError,
)
from plumbline.model.words import DeviceClass, Outcome, Transport
from plumbline.net.breaker import Breaker
from plumbline.net.budget import LoginResult
from plumbline.net.door import Door
from plumbline.net.redaction import redact
from plumbline.net.sweep import PortState
from plumbline.rig.models import Asset
from plumbline.rig.permits import Refusal

_OUTCOMES: tuple[tuple[type[DeviceError], Outcome], ...] = (
    (RefusedError, Outcome.REFUSED),
    (SilentError, Outcome.TIMEOUT),
    (UnreachableError, Outcome.UNREACHABLE),
    (ProtocolError, Outcome.PROTOCOL_ERROR),
)
_SHUT = {
    PortState.CLOSED: Outcome.REFUSED,
    PortState.TIMEOUT: Outcome.TIMEOUT,
    PortState.UNREACHABLE: Outcome.UNREACHABLE,
    PortState.REFUSED_BY_LAW: Outcome.NOT_PERMITTED,
}
_OVER = (Refusal.EXPIRED, Refusal.OUTSIDE_WINDOW)  # the authorised time is over, for every asset
KEYS = "ssh_host_key"


async def use_logins(context: Context, door: Door, logins: Sequence[Given]) -> str | None:
    """Use every login; gives why the run ended early, if it did. Raises EnvironmentFault when the machine fails us."""
    if not logins:
        return None
    work = _Run(context, door)
    try:
        for given in logins:
            for asset in assets_of(context.rig, given.login):
                await work.visit(given, asset)
    except (StoppedError, NotPermittedError) as ended:
        return str(ended)
    return None


class _Run:
    def __init__(self, context: Context, door: Door) -> None:
        self.context, self.door = context, door
        models = {str(address): asset.model for asset in context.rig.assets for address in asset.addresses if asset.model}
        self.breaker = Breaker(door.stop, models=models)
        self.keys = _known_keys(context)
        self.after: dict[str, Callable[[str, int], Awaitable[None]]] = {}  # how to look again for a device that answered
        self.done, self.total = 0, sum(len(login.assets) for login in context.rig.logins)

    async def visit(self, given: Given, asset: Asset) -> None:
        """See one system, and say what became of it."""
        address = str(asset.addresses[0]) if asset.addresses else ""
        entity = system_entity(self.context, asset, f"{given.login.kind}/{given.login.user}@{address or asset.id}")
        if not self.context.writer.attempted(entity, "system"):
            attempt = Attempt(self.context, entity, TABLES)
            try:
                await self._look(attempt, given, asset, address)
            except (StoppedError, NotPermittedError):
                attempt.abandon()  # a resumed run begins it anew
                raise
            attempt.end()
            if address in self.after:
                await self.after.pop(address)(address, given.login.port)
        self.done += 1
        self.context.progress("looking into systems", self.done, self.total)

    async def _look(self, attempt: Attempt, given: Given, asset: Asset, address: str) -> None:
        if not address:
            attempt.short(Outcome.NOT_SUPPORTED, f"{asset.id}: the rig file names no address")
            return
        try:
            self._may(address)
            if given.login.kind == "ssh":
                await self._ssh(attempt, given, asset, address)
            else:
                await self._snmp(attempt, given, asset, address)
        except NotPermittedError as refusal:
            if refusal.reason in _OVER:
                raise
            attempt.short(Outcome.NOT_PERMITTED, str(refusal))
        except DeviceError as error:
            outcome = next((outcome for kind, outcome in _OUTCOMES if isinstance(error, kind)), Outcome.PROTOCOL_ERROR)
            attempt.short(outcome, str(error))
        except (StoppedError, EnvironmentFault):
            raise
        except Exception:  # noqa: BLE001 - the one boundary of a visit (STYLE 15): its tables stay unjudged, with the trace
            attempt.short(Outcome.INTERNAL_ERROR, traceback.format_exc(limit=-4))

    def _may(self, address: str) -> None:
        self.breaker.may(address)
        if self.door.device_class(address) is DeviceClass.OT:
            raise NotPermittedError(f"{address} is of class ot: nobody logs in there (law 5); run hostkit on it, and name its file")

    async def _ssh(self, attempt: Attempt, given: Given, asset: Asset, address: str) -> None:
        port, client = given.login.port, ssh_session.Client(given, self.keys.get((address, given.login.port), {}))
        ticket = await self.door.ask_given_login(address, port, Transport.TCP, login=given.digest, protocol="ssh", why=ssh_session.WHY)
        try:
            state = await self._port(address, port)
            if state is not PortState.OPEN:
                attempt.short(_SHUT[state], f"port {port} of {address} is not open: {state.value}")
                return
            self.breaker.before(address, alive=True)  # raises where a device of the same model fell silent
            self.after[address] = self._compare_port
            seen = await ssh_session.look(self.door, client, address, self._keep)
        finally:  # of a secret that was offered to nobody the try is taken back
            self.door.report_login(ticket, LoginResult.FAILED if client.refused else LoginResult.OK)
        attempt.permit = seen.permit
        report = Report(
            attempt,
            seen.outputs,
            source="ssh",
            key=self.context.key,
            declared_id=asset.id,
            seen_at=attempt.started_at,
            proved=seen.host_key,
        )
        read_outputs(attempt, seen.outputs, report)

    def _keep(self, data: bytes) -> str:
        return self.context.writer.raw(redact("login", data, self.context.key))

    async def _snmp(self, attempt: Attempt, given: Given, asset: Asset, address: str) -> None:
        port, offer = given.login.port, snmp_session.Offer()
        ticket = await self.door.ask_given_login(address, port, Transport.UDP, login=given.digest, protocol="snmp", why=snmp_session.WHY)
        try:
            shown = await snmp_session.look(self.door, given, address, offer)
        finally:
            self.door.report_login(ticket, LoginResult.FAILED if offer.refused else LoginResult.OK)
            if offer.made:
                self.breaker.before(address, alive=True)
                self.after[address] = self._compare_agent
        attempt.permit = shown.permit
        raw = {name: self._keep(data) for name, data in shown.texts().items()}
        write_shown(attempt, shown, declared_id=asset.id, seen_at=attempt.started_at, raw=raw)

    async def _port(self, address: str, port: int) -> PortState:
        [found] = [result async for result in self.door.sweep([(address, port)], why="liveness")]
        return found.state

    async def _compare_port(self, address: str, port: int) -> None:
        """Tell the breaker whether the port that was open still is; two tries, as one lost packet is not a lost device."""
        states = {await self._port(address, port)}
        if not states & {PortState.OPEN, PortState.REFUSED_BY_LAW}:
            states.add(await self._port(address, port))
        if PortState.REFUSED_BY_LAW not in states:
            self.breaker.after(address, alive=PortState.OPEN in states)

    async def _compare_agent(self, address: str, port: int) -> None:
        with suppress(NotPermittedError):  # where the window has closed meanwhile it cannot be known
            self.breaker.after(address, alive=await snmp_session.answers(self.door, address, port))


def _known_keys(context: Context) -> Mapping[tuple[str, int], Mapping[str, str]]:
    """Give the fingerprints of host keys that the probe saw, by address and port, then by kind of key."""
    context.writer.flush()
    found: dict[tuple[str, int], dict[str, str]] = defaultdict(dict)
    for part in Bundle(context.writer.path).parts(KEYS):
        for row in pq.read_table(part, columns=["entity", "port", "key_type", "fingerprint"]).to_pylist():
            found[Entity.parse(row["entity"]).key, row["port"]][row["key_type"]] = row["fingerprint"]
    return found
