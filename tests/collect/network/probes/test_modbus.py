"""The Modbus probe against pymodbus, and against gateways and controllers as pymodbus never behaves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from pymodbus import ModbusDeviceIdentification
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from plumbline.model.words import Outcome
from tests.collect.network.benches import scene
from tests.collect.network.conftest import OpenBench
from tests.net.rigs import lure

IDENTITY = {
    "VendorName": "Northwind",
    "ProductCode": "PLC-7",
    "MajorMinorRevision": "2.11",
    "VendorUrl": "http://northwind.example",
    "ProductName": "Cold store controller",
    "ModelName": "PLC-7/4",
}


@scene
async def test_basic_and_regular_objects(bench: OpenBench) -> None:
    identity: Any = ModbusDeviceIdentification(info_name=IDENTITY)  # type: ignore[no-untyped-call]
    device = SimDevice(0, simdata=[SimData(0, count=10, values=0, datatype=DataType.REGISTERS)])
    server: Any = ModbusTcpServer(device, address=("127.0.0.1", 0), identity=identity)
    await server.listen()
    port = server.transport.sockets[0].getsockname()[1]
    async with bench(tcp=[port]) as rig:
        seen = await rig.visit("modbus", port)
    await server.shutdown()
    row = seen.row("modbus_device")
    names = ("vendor", "product_code", "revision", "product_name", "model_name", "exception")
    assert tuple(row[name] for name in names) == ("Northwind", "PLC-7", "2.11", "Cold store controller", "PLC-7/4", None)
    assert seen.covered("modbus_device") == (Outcome.OK, 1)


Request = tuple[int, int, int, int]  # transaction, unit, read code, object


class Controller:
    """Answers each request by a function from (transaction, unit, read code, object) to bytes; remembers the requests."""

    def __init__(self, answer: Callable[[Request], Iterable[bytes]]) -> None:
        self.answer, self.asked = answer, list[Request]()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readexactly(6)
                body = await reader.readexactly(int.from_bytes(head[4:6], "big"))
                assert body[1:3] == b"\x2b\x0e", "nothing but reading the identification"
                request = (int.from_bytes(head[:2], "big"), body[0], body[3], body[4])
                self.asked.append(request)
                for one in self.answer(request):
                    writer.write(one)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


def frame(request: Request, body: bytes, transaction: int | None = None) -> bytes:
    number = request[0] if transaction is None else transaction
    return number.to_bytes(2, "big") + b"\0\0" + (1 + len(body)).to_bytes(2, "big") + bytes([request[1]]) + body


def objects(request: Request, *found: tuple[int, bytes], more: int | None = None, level: int = 1) -> bytes:
    listed = b"".join(bytes([number, len(value)]) + value for number, value in found)
    tail = b"\xff" + bytes([more]) if more is not None else b"\0\0"
    return frame(request, bytes([0x2B, 0x0E, request[2], level]) + tail + bytes([len(found)]) + listed)


def refusal(request: Request, code: int) -> bytes:
    return frame(request, bytes([0xAB, code]))


def through_a_gateway(request: Request) -> Iterable[bytes]:
    yield refusal(request, 0x0B) if request[1] == 255 else objects(request, (0, b"Northwind"))


def silent_at_255(request: Request) -> Iterable[bytes]:
    if request[1] != 255:
        yield objects(request, (0, b"Late answer"), more=None).replace(request[0].to_bytes(2, "big"), b"\0\1", 1)  # to the request before
        yield objects(request, (0, b"Northwind"))


def one_object_at_a_time(request: Request) -> Iterable[bytes]:
    yield objects(request, (request[3], b"v%d" % request[3]), more=request[3] + 1)


def in_a_circle(request: Request) -> Iterable[bytes]:
    yield objects(request, (2, b"x"), more=1)


def refuses_regular(request: Request) -> Iterable[bytes]:
    yield objects(request, (0, b"Northwind"), level=2) if request[2] == 1 else refusal(request, 3)


CASES: dict[str, tuple[Callable[[Request], Iterable[bytes]], dict[str, Any], Outcome, int]] = {
    "it refuses identification": (lambda request: [refusal(request, 1)], {"unit": 255, "exception": 1, "vendor": None}, Outcome.OK, 1),
    "a gateway whose path to 255 is closed": (through_a_gateway, {"unit": 1, "vendor": "Northwind", "exception": None}, Outcome.OK, 2),
    "silence at unit 255 and a late answer": (silent_at_255, {"unit": 1, "vendor": "Northwind"}, Outcome.OK, 2),
    "more objects than we ask for": (one_object_at_a_time, {"vendor": "v0", "product_code": "v1", "revision": "v2"}, Outcome.PARTIAL, 4),
    "a circle": (in_a_circle, {"revision": "x"}, Outcome.PARTIAL, 1),
    "regular objects refused": (refuses_regular, {"vendor": "Northwind", "product_name": None, "exception": None}, Outcome.OK, 2),
}


@pytest.mark.parametrize("name", CASES)
@scene
async def test_controllers(bench: OpenBench, name: str) -> None:
    answer, expected, outcome, requests = CASES[name]
    controller = Controller(answer)
    async with lure(controller.talk) as port, bench(tcp=[port]) as rig:
        seen = await rig.visit("modbus", port)
    row = seen.row("modbus_device")
    assert {column: row[column] for column in expected} == expected
    assert seen.covered("modbus_device") == (outcome, 1)
    assert len(controller.asked) == requests <= 4
