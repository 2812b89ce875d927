"""Modbus TCP: read device identification (function 43/14), basic then regular objects. Nothing else is ever sent.

Exchanges: a connection and at most 4 requests, one at a time (law 5). Unit 255 is what a device that is no gateway answers to
(Modbus messaging on TCP/IP implementation guide, 4.4.2.1); unit 1 is asked when that stays silent or is refused as a gateway path.
"""

from __future__ import annotations

from plumbline.collect.network.exchange import receive_event
from plumbline.collect.network.probe import Probe, Visit
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
        answer, unit, sent = await _first(connection, kept)
        refused = answer.code if isinstance(answer, ExceptionAnswer) else None
        code = ReadCode.BASIC
        while isinstance(answer, DeviceIdentification):
            objects |= {one.object_id: one.value for one in answer.objects}
            onward = continuation(answer)
            if onward is None and code is ReadCode.BASIC and answer.conformity_level & 0x7F > ReadCode.BASIC:
                code, onward = ReadCode.REGULAR, 3
            if onward is None or sent >= REQUESTS_MAX:
                break
            sent += 1
            answer = await _ask(connection, kept, sent, unit, code, onward)
    finally:
        await connection.close()
    named = {NAMES[number]: value for number, value in objects.items() if number in NAMES and value}
    visit.row("modbus_device", raw=visit.keep(bytes(kept)), port=visit.port, unit=unit, exception=refused, **named)


async def _first(connection: Connection, kept: bytearray) -> tuple[Answer, int, int]:
    for sent, unit in enumerate(UNITS, start=1):
        answer = await _ask(connection, kept, sent, unit, ReadCode.BASIC, 0)
        if not (isinstance(answer, ExceptionAnswer) and answer.code in GATEWAY_EXCEPTIONS) or unit == UNITS[-1]:
            return answer, unit, sent
    raise AssertionError("the last unit's answer is returned")


async def _ask(connection: Connection, kept: bytearray, transaction: int, unit: int, code: ReadCode, first: int) -> Answer:
    def ours(event: object) -> Answer | None:
        return event if isinstance(event, Answer) and event.transaction_id == transaction else None

    await connection.request(encode_read_device_identification(transaction, unit, code, first))
    return await receive_event(connection, ModbusDecoder(), ours, kept=kept)


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
