"""Modbus TCP: read device identification (function 43/14), basic then regular objects. Nothing else is ever sent.

Exchanges: a connection and at most 4 requests, one at a time (law 5). Unit 255 is what a device that is no gateway answers to
(Modbus messaging on TCP/IP implementation guide, 4.4.2.1); unit 1 is asked when that stays silent or is refused as a gateway path.
An answer that comes late is told by its transaction number and passed over.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from plumbline.collect.network.exchange import Reading, receive_event
from plumbline.collect.network.probe import Probe, Visit
from plumbline.model.errors import DeviceError, SilentError
from plumbline.model.words import Intrusion, Transport
from plumbline.net.connection import Connection
from plumbline.protocols.modbus import (
    DeviceIdentification,
    ExceptionAnswer,
    ModbusDecoder,
    ReadCode,
    continuation,
    encode_read_device_identification,
)

UNITS = (255, 1)
ANSWER_S = 3.0  # a gateway waits up to 1 s for its serial line (guide, 4.3.1.1), and some for a second try
GATEWAY_EXCEPTIONS = {0x0A, 0x0B}  # path unavailable, target did not respond: no word of the device itself
REQUESTS_MAX = 4
NAMES = {0: "vendor", 1: "product_code", 2: "revision", 4: "product_name", 5: "model_name"}

Answer = DeviceIdentification | ExceptionAnswer


async def run(visit: Visit) -> None:
    """Ask for the identification and write one row."""
    kept = bytearray()
    connection = await visit.connect()
    try:
        objects: dict[int, str] = {}
        asking = _Asking(connection, kept)
        answer, unit = await _first(asking)
        visit.recognised = True
        refused = answer.code if isinstance(answer, ExceptionAnswer) else None
        code = ReadCode.BASIC
        while isinstance(answer, DeviceIdentification):
            objects |= {one.object_id: one.value for one in answer.objects}
            onward = continuation(answer)
            if onward is None and code is ReadCode.BASIC and answer.conformity_level & 0x7F > ReadCode.BASIC:
                code, onward = ReadCode.REGULAR, 3
            if onward is None:
                break
            if asking.sent >= REQUESTS_MAX:
                visit.partial("modbus_device", f"more objects than {REQUESTS_MAX} requests bring")
                break
            answer = await asking.ask(unit, code, onward)
    except DeviceError as error:
        if not objects:
            raise
        visit.partial("modbus_device", f"after {len(objects)} objects: {error}")
    finally:
        await connection.close()
    named = {NAMES[number]: value for number, value in objects.items() if number in NAMES and value}
    visit.row("modbus_device", raw=visit.keep(bytes(kept)), port=visit.port, unit=unit, exception=refused, **named)


@dataclass
class _Asking:
    """One request after the other, each with a transaction number of its own."""

    connection: Connection
    kept: bytearray
    sent: int = 0
    reading: Reading = field(default_factory=lambda: Reading(ModbusDecoder()))

    async def ask(self, unit: int, code: ReadCode, first: int) -> Answer:
        """Ask one unit for its objects from `first` on; raises what `receive_event` raises."""
        self.sent += 1

        def ours(event: object) -> Answer | None:
            return event if isinstance(event, Answer) and event.transaction_id == self.sent else None

        await self.connection.request(encode_read_device_identification(self.sent, unit, code, first))
        return await receive_event(self.connection, self.reading, ours, kept=self.kept, timeout_s=ANSWER_S)


async def _first(asking: _Asking) -> tuple[Answer, int]:
    for unit in UNITS:
        try:
            answer = await asking.ask(unit, ReadCode.BASIC, 0)
        except SilentError:
            if unit == UNITS[-1]:
                raise
            continue
        if not (isinstance(answer, ExceptionAnswer) and answer.code in GATEWAY_EXCEPTIONS) or unit == UNITS[-1]:
            return answer, unit
    raise AssertionError("the last unit's answer is returned")


PROBE = Probe(
    protocol="modbus",
    tables=("modbus_device",),
    transport=Transport.TCP,
    ports=frozenset({502, 5020}),
    intrusion=Intrusion.QUERY,
    exchanges=1 + REQUESTS_MAX,
    run=run,
    industrial=True,
)
