"""One system seen over SNMPv3, by a login that the customer gave: a published list of objects, read and walked within bounds.

Not what the values mean (`snmp_rows`), nor where a login goes next (`logins`). Exchanges: one datagram to discover the engine, one that
shows whether the login holds, and one for each step of a walk, of up to 25 rows.

Rules (laws 5, 6, 7):
- The first request under the user's keys is sent once: a Report that names user, digest, encryption or level is a refusal, and so is
  silence, since nobody can tell it from one. Where the engine says that our clock is wrong it is set by the engine's own, once.
- Only GET and GETBULK leave. One request is outstanding at a time; a later one is repeated once.
- A walk ends where its table ends, where names no longer grow, or at its limit, which is said.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

from plumbline.collect.host.given import Given
from plumbline.collect.host.ssh_session import LoginRefusedError
from plumbline.model.errors import DeviceError, InternalError, ProtocolError, RefusedError, SilentError
from plumbline.model.words import Intrusion
from plumbline.net.datagram import DatagramLine
from plumbline.net.door import Door
from plumbline.protocols.snmp import Absent, Pdu, PduKind, UsmMessage, decode, encode_discovery, encode_pdu
from plumbline.protocols.snmp_usm import Keys, encode_message, open_message

WHY = "login snmp"
SCALARS = {
    "sysDescr": "1.3.6.1.2.1.1.1.0",
    "sysObjectID": "1.3.6.1.2.1.1.2.0",
    "sysName": "1.3.6.1.2.1.1.5.0",
    "hrSystemUptime": "1.3.6.1.2.1.25.1.1.0",
}
# One column each; rows of one table share what stands behind the column's name.
COLUMNS = {
    "ifDescr": "1.3.6.1.2.1.2.2.1.2",
    "ifPhysAddress": "1.3.6.1.2.1.2.2.1.6",
    "ifOperStatus": "1.3.6.1.2.1.2.2.1.8",
    "ipAddressIfIndex": "1.3.6.1.2.1.4.34.1.3",
    "ipAddressType": "1.3.6.1.2.1.4.34.1.4",
    "ipAddressPrefix": "1.3.6.1.2.1.4.34.1.5",
    "tcpListenerProcess": "1.3.6.1.2.1.6.20.1.4",
    "udpEndpointProcess": "1.3.6.1.2.1.7.7.1.8",
    "hrSWInstalledName": "1.3.6.1.2.1.25.6.3.1.2",
    "hrSWRunName": "1.3.6.1.2.1.25.4.2.1.2",
    "hrSWRunType": "1.3.6.1.2.1.25.4.2.1.6",
}
ROWS_MAX = 20_000
REPETITIONS = 25
ANSWER_S = 10.0  # an agent reads its package database when it is first asked
WALK_S = 600.0  # of one column, however slow its rows come
ANSWERS_MAX = 8  # datagrams passed over while one answer is awaited
_CLOCK_MAX = 1 << 31
_TOO_BIG, _NO_ACCESS = 1, {6, 16}  # error-status, RFC 3416 3

Value = int | str | bytes


@dataclass(frozen=True, slots=True)
class Walk:
    """One column: values by what stands behind its name; `problem` says why it is not whole."""

    values: dict[str, Value]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """What an agent showed: scalars by name, columns by name."""

    scalars: dict[str, Value]
    columns: dict[str, Walk]
    permit: str

    def texts(self) -> dict[str, bytes]:
        """Give what was shown as text, to be kept: the scalars ('') and each column, a line for each value."""
        every = {"": self.scalars, **{name: walk.values for name, walk in self.columns.items()}}
        return {
            name: "".join(f"{at} = {_shown(value)}\n" for at, value in values.items()).encode() for name, values in every.items() if values
        }


@dataclass
class Offer:
    """Whether the user's keys were used on one agent, and whether they held."""

    made: bool = False
    held: bool = False

    @property
    def refused(self) -> bool:
        """Whether they were used and nothing came of it."""
        return self.made and not self.held


@dataclass
class _Engine:
    keys: Keys
    boots: int
    time_s: int
    at: float  # the loop's clock, when the engine's was read
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(secrets.randbelow(1 << 20) + 1))
    salt: int = field(default_factory=lambda: secrets.randbits(63))

    def set(self, message: UsmMessage, at: float) -> None:
        """Take the engine's clock from a message of its own; raises ProtocolError for one that no engine has (RFC 3414 2.2)."""
        if not (0 <= message.engine_boots < _CLOCK_MAX and 0 <= message.engine_time_s < _CLOCK_MAX):
            raise ProtocolError("an engine whose boots or time have more than 31 bits")
        self.boots, self.time_s, self.at = message.engine_boots, message.engine_time_s, at

    def encode(self, number: int, pdu: bytes, now: float) -> bytes:
        self.salt = (self.salt + 1) & ((1 << 64) - 1)
        time_s = min(self.time_s + int(now - self.at), _CLOCK_MAX - 1)
        return encode_message(self.keys, message_id=number, boots=self.boots, time_s=time_s, salt=self.salt, pdu=pdu)


async def look(door: Door, given: Given, address: str, offer: Offer) -> Shown:
    """Discover the engine, use the login once, and read the list.

    Raises SilentError when no engine answers, LoginRefusedError, any other DeviceError, NotPermittedError and StoppedError.
    """
    port = given.login.port
    line = await door.datagrams(address, port, why=WHY, intrusion=Intrusion.SESSION)
    async with line:
        engine = await _discover(line, given)
        scalars = await _log_in(line, engine, offer)
        permit = line.permit.id
    columns = {}
    for name, oid in COLUMNS.items():
        line = await door.datagrams(address, port, why=f"{WHY}: {name}", intrusion=Intrusion.SESSION)
        async with line:
            columns[name] = await _walk(line, engine, oid)
    return Shown(scalars, columns, permit)


async def answers(door: Door, address: str, port: int) -> bool:
    """Say whether an engine still answers discovery; two tries."""
    async with await door.datagrams(address, port, why="liveness", intrusion=Intrusion.SESSION) as line:
        for number in (1, 2):
            await line.request(encode_discovery(number, number))
            try:
                await line.receive(timeout_s=ANSWER_S / 2)
            except SilentError:
                continue
            except DeviceError:
                return False
            return True
    return False


async def _discover(line: DatagramLine, given: Given) -> _Engine:
    await line.request(encode_discovery(1, 1))
    message = decode(await line.receive(timeout_s=ANSWER_S))
    if not isinstance(message, UsmMessage) or message.pdu is None or message.pdu.kind is not PduKind.REPORT or not message.engine_id:
        raise ProtocolError("what answers is no engine of SNMPv3")
    if given.user is None:
        raise InternalError("a login of SNMP without a user")
    engine = _Engine(given.user.at(message.engine_id), 0, 0, 0.0)
    engine.set(message, asyncio.get_running_loop().time())
    return engine


async def _log_in(line: DatagramLine, engine: _Engine, offer: Offer) -> dict[str, Value]:
    """Ask for the scalars: the answer shows that the login holds."""
    for again in (False, True):
        number = next(engine.numbers)
        await line.request(engine.encode(number, encode_pdu(PduKind.GET, number, SCALARS.values()), asyncio.get_running_loop().time()))
        offer.made = True
        try:
            message = await _answer(line, engine, number)
        except (SilentError, RefusedError) as error:
            raise LoginRefusedError(f"{error}; the login had been used") from error
        pdu = message.pdu
        report = pdu.usm_report if pdu is not None else None
        if report == "not_in_time_windows" and message.authenticated and not again:
            engine.set(message, asyncio.get_running_loop().time())
            continue
        if pdu is None or pdu.kind is not PduKind.RESPONSE or pdu.error_status in _NO_ACCESS:
            raise LoginRefusedError(f"the login was refused ({(report or 'no access').replace('_', ' ')})")
        offer.held = True
        names = {oid: name for name, oid in SCALARS.items()}
        return {names[one.oid]: one.value for one in pdu.bindings if one.oid in names and not isinstance(one.value, Absent)}
    raise LoginRefusedError("the engine takes no clock, not even its own")


async def _walk(line: DatagramLine, engine: _Engine, column: str) -> Walk:
    """Read one column; whatever goes wrong leaves what was read, and is said."""
    values: dict[str, Value] = {}
    at, repetitions = column, REPETITIONS
    try:
        async with asyncio.timeout(WALK_S):
            while len(values) < ROWS_MAX:
                pdu = await _ask(line, engine, at, repetitions)
                if pdu.error_status == _TOO_BIG and repetitions > 1:
                    repetitions //= 2
                    continue
                if pdu.error_status:
                    return Walk(values, f"the agent answers with error {pdu.error_status}")
                for one in pdu.bindings:
                    if one.value is Absent.END_OF_MIB_VIEW or not one.oid.startswith(f"{column}."):
                        return Walk(values)
                    if _numbers(one.oid) <= _numbers(at):
                        return Walk(values, "names that do not grow")
                    if isinstance(one.value, Absent):  # RFC 3416 4.2.3 knows no other; such rows would not count to the limit
                        return Walk(values, "a row without a value")
                    at = one.oid
                    values[one.oid.removeprefix(f"{column}.")] = one.value
                if not pdu.bindings:
                    return Walk(values, "an answer without rows")
    except TimeoutError:
        return Walk(values, f"not at its end within {WALK_S:g} s")
    except DeviceError as error:
        return Walk(values, str(error))
    return Walk(values, f"more than {ROWS_MAX} rows")


def _shown(value: Value) -> str:
    return ascii(value.decode("utf-8", "replace")) if isinstance(value, bytes) else str(value)


def _numbers(oid: str) -> tuple[int, ...]:
    return tuple(map(int, oid.split(".")))


async def _ask(line: DatagramLine, engine: _Engine, oid: str, repetitions: int) -> Pdu:
    for again in (False, True):
        number = next(engine.numbers)
        pdu = encode_pdu(PduKind.GET_BULK, number, (oid,), repetitions=repetitions)
        await line.request(engine.encode(number, pdu, asyncio.get_running_loop().time()))
        try:
            message = await _answer(line, engine, number)
        except SilentError:
            if again:
                raise
            continue
        if message.pdu is not None and message.pdu.kind is PduKind.RESPONSE:
            return message.pdu
        if not again and message.authenticated and message.pdu is not None and message.pdu.usm_report == "not_in_time_windows":
            engine.set(message, asyncio.get_running_loop().time())
            continue
        break
    raise ProtocolError("the engine answers a walk with a report")


async def _answer(line: DatagramLine, engine: _Engine, number: int) -> UsmMessage:
    """Wait for the answer to one request; others' and forged ones are passed over, up to a handful."""
    loop = asyncio.get_running_loop()
    until, wrong = loop.time() + ANSWER_S, ""
    for _ in range(ANSWERS_MAX):
        data = await line.receive(timeout_s=max(until - loop.time(), 0.0))
        try:
            message = open_message(engine.keys, data)
        except ProtocolError as error:
            wrong = str(error)
            continue
        if message.message_id == number and (message.pdu is None or message.pdu.kind is PduKind.REPORT or message.pdu.request_id == number):
            return message
    raise ProtocolError(f"none of {ANSWERS_MAX} answers is to the request {wrong and f'({wrong})'}".strip())
