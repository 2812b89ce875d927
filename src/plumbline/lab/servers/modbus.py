"""Modbus/TCP with pymodbus's codec and registers; listening, and being strict, is ours.

pymodbus's own server keeps one identity for the whole process and accepts any number of connections, so only its framer, its requests and
its registers are used here.

A strict device behaves as small controllers do: one connection, one request at a time; bytes that are no Modbus end its network stack
until somebody power-cycles it. Each of these is noted as harm, as is any request that writes, whatever the device.
One that is not open to all is behind a gateway that leads to no unit from here: it answers "gateway path unavailable" to everything.

| offset | size | field | clause |
|---|---|---|---|
| 0 | 2 | transaction identifier | Modbus Messaging on TCP/IP 1.0b, 3.1.3 |
| 2 | 2 | protocol identifier: 0 | same |
| 4 | 2 | length of what follows, 2 to 254 | same |
| 6 | 1 | unit identifier | same |
"""

from __future__ import annotations

import asyncio
import socket
import struct

from pymodbus.constants import DeviceInformation, ExcCodes
from pymodbus.exceptions import ModbusException, NoSuchIdException
from pymodbus.framer import FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.mei_message import ReadDeviceInformationRequest, ReadDeviceInformationResponse
from pymodbus.simulator import DataType, SimData, SimDevice
from pymodbus.simulator.simcore import SimCore

from plumbline.lab.fleet import Device
from plumbline.lab.servers.streams import Stop, serve
from plumbline.lab.services import Modbus
from plumbline.lab.watch import Watch

HEADER = 7
LENGTHS = range(2, 255)
READING = frozenset({1, 2, 3, 4, 7, 11, 12, 17, 20, 24, 43})  # function codes that change nothing (Application Protocol 1.1b3, 6)
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with RST, as a controller without a free socket does
SCAN_S = 0.02  # a controller answers between two scans, so requests in flight can be seen to overlap


async def start(device: Device, service: Modbus, watch: Watch) -> Stop:
    """Serve identification and a few registers."""
    unit = _Unit(device, service, watch)
    unit.stop = await serve(device.address, service.port, unit.talk)
    return unit.stop


class _Unit:
    """One device: its registers, and what is going on with it right now."""

    def __init__(self, device: Device, service: Modbus, watch: Watch) -> None:
        self._device, self._service, self._watch = device, service, watch
        self._registers = SimCore(SimDevice(id=1, simdata=[SimData(0, count=16, values=0, datatype=DataType.REGISTERS)]))
        self._connections = 0
        self.stop: Stop | None = None

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._device.untouchable:
            self._harm("was contacted")
        if self._service.strict and self._connections:
            self._harm("a second connection")
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()
            return
        self._connections += 1
        try:
            await self._requests(reader, writer)
        finally:
            self._connections -= 1

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        decoder = DecodePDU(True)
        framer = FramerSocket(decoder)
        held = b""
        while data := await reader.read(4096):
            held += data
            while len(held) >= HEADER or not _could_be_modbus(held):
                if not _could_be_modbus(held):
                    if self._service.strict:
                        await self._die()
                    return
                size = 6 + int.from_bytes(held[4:6])
                if len(held) < size:
                    break
                frame, held = held[:size], held[size:]
                await asyncio.sleep(SCAN_S)
                if self._service.strict and (held or reader._buffer):  # type: ignore[attr-defined] # bytes came while one was outstanding
                    self._harm("a second request while one was outstanding")
                writer.write(framer.buildFrame(await self._answer(decoder, frame)))
                await writer.drain()

    async def _answer(self, decoder: DecodePDU, frame: bytes) -> ModbusPDU:
        function = frame[HEADER] & 0x7F
        if function not in READING:
            self._harm(f"Modbus function {function}")
        try:
            request = decoder.decode(frame[HEADER:])
            if not self._service.identification:
                answer = ExceptionResponse(function, ExcCodes.GATEWAY_PATH_UNAVIABLE)
            elif isinstance(request, ReadDeviceInformationRequest):
                answer = self._identify(request)
            elif request is None or function not in READING:
                answer = ExceptionResponse(function, ExcCodes.ILLEGAL_FUNCTION)
            else:
                answer = await request.datastore_update(self._registers, frame[6] or 1)
        except NoSuchIdException:
            answer = ExceptionResponse(function, ExcCodes.GATEWAY_NO_RESPONSE)
        except (ModbusException, IndexError, ValueError):
            answer = ExceptionResponse(function, ExcCodes.ILLEGAL_FUNCTION)
        answer.transaction_id = int.from_bytes(frame[:2])
        answer.dev_id = frame[6]
        return answer

    def _identify(self, request: ReadDeviceInformationRequest) -> ModbusPDU:
        """Answer the three basic objects (Application Protocol 1.1b3, 6.21)."""
        texts = (self._service.vendor, self._service.product_code, self._service.revision)
        objects = {number: text.encode() for number, text in enumerate(texts)}
        if request.read_code == DeviceInformation.SPECIFIC:
            if request.object_id not in objects:
                return ExceptionResponse(request.function_code, ExcCodes.ILLEGAL_ADDRESS)
            objects = {request.object_id: objects[request.object_id]}
        return ReadDeviceInformationResponse(read_code=request.read_code, information=objects)

    async def _die(self) -> None:
        self._harm("a foreign protocol on its Modbus port; it no longer answers")
        if self.stop is not None:
            asyncio.get_running_loop().create_task(self.stop(), name=f"{self._device.name} dies")

    def _harm(self, what: str) -> None:
        self._watch.harm(self._device.name, what)


def _could_be_modbus(held: bytes) -> bool:
    if held[2:4] not in (b"", b"\x00", b"\x00\x00"):
        return False
    return len(held) < 6 or int.from_bytes(held[4:6]) in LENGTHS
