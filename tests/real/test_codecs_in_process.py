"""Codecs against servers that run in this process on loopback: pymodbus, aiocoap, asyncua."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from plumbline.protocols import coap, link_format, modbus, opcua

WAIT_S = 20.0


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes, feed: Callable[[bytes], Sequence[Any]]
) -> Any:
    """Send a request and read until the decoder has an event."""
    writer.write(request)
    for _ in range(1000):
        data = await asyncio.wait_for(reader.read(4096), WAIT_S)
        assert data, "the server closed"
        if events := feed(data):
            assert len(events) == 1
            return events[0]
    raise AssertionError("no event")


@asynccontextmanager
async def modbus_server() -> AsyncIterator[int]:
    pytest.importorskip("pymodbus")
    from pymodbus import ModbusDeviceIdentification
    from pymodbus.server import ModbusTcpServer
    from pymodbus.simulator import DataType, SimData, SimDevice

    identity: Any = ModbusDeviceIdentification(  # type: ignore[no-untyped-call]
        info_name={
            "VendorName": "Northwind",
            "ProductCode": "PLC-7",
            "MajorMinorRevision": "2.11",
            "VendorUrl": "http://northwind.example",
            "ProductName": "Cold store controller",
            "ModelName": "PLC-7/4",
        }
    )
    device = SimDevice(1, simdata=[SimData(0, count=10, values=0, datatype=DataType.REGISTERS)])
    server: Any = ModbusTcpServer(device, address=("127.0.0.1", 0), identity=identity)
    await server.listen()
    try:
        yield server.transport.sockets[0].getsockname()[1]
    finally:
        await server.shutdown()


def test_modbus_device_identification() -> None:
    async def ask() -> list[modbus.IdentificationObject]:
        async with modbus_server() as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            decoder = modbus.ModbusDecoder()
            objects: list[modbus.IdentificationObject] = []
            next_object: int | None = 0
            for transaction in range(1, 10):
                if next_object is None:
                    break
                request = modbus.encode_read_device_identification(transaction, 1, modbus.ReadCode.REGULAR, next_object)
                event = await exchange(reader, writer, request, decoder.feed)
                assert isinstance(event, modbus.DeviceIdentification)
                assert event.transaction_id == transaction
                objects += event.objects
                next_object = modbus.continuation(event)
            writer.close()
            return objects

    objects = asyncio.run(ask())
    assert {one.name: one.value for one in objects} == {
        "vendor_name": "Northwind",
        "product_code": "PLC-7",
        "major_minor_revision": "2.11",
        "vendor_url": "http://northwind.example",
        "product_name": "Cold store controller",
        "model_name": "PLC-7/4",
    }


def test_coap_list_of_resources_and_a_body_in_blocks() -> None:
    aiocoap = pytest.importorskip("aiocoap")
    resource = pytest.importorskip("aiocoap.resource")
    body = bytes(index % 251 for index in range(3000))

    class Large(resource.Resource):  # type: ignore[misc, name-defined]
        rt = "firmware"

        async def render_get(self, request: Any) -> Any:
            return aiocoap.Message(payload=body)

    async def get(
        transport: asyncio.DatagramTransport, inbox: asyncio.Queue[bytes], path: list[str], size: int, first_id: int
    ) -> coap.BlockwiseBody:
        received = coap.BlockwiseBody()
        wanted: coap.Block | None = coap.Block(0, False, size)
        for message_id in range(first_id, first_id + 500):  # an id used again would be answered as a duplicate
            if wanted is None:
                return received
            transport.sendto(coap.encode_get(message_id, b"\x05", path, block=wanted))
            message = coap.decode(await asyncio.wait_for(inbox.get(), WAIT_S))
            assert (message.type, message.message_id, message.token, message.code_text) == (coap.Type.ACK, message_id, b"\x05", "2.05")
            wanted = received.add(message)
        raise AssertionError("no end")

    class Inbox(asyncio.DatagramProtocol):
        def __init__(self) -> None:
            self.queue: asyncio.Queue[bytes] = asyncio.Queue()

        def datagram_received(self, data: bytes, addr: object) -> None:
            self.queue.put_nowait(data)

    async def ask() -> tuple[coap.BlockwiseBody, coap.BlockwiseBody]:
        loop = asyncio.get_running_loop()
        free, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0))
        port = free.get_extra_info("sockname")[1]
        free.close()
        site = resource.Site()
        site.add_resource([".well-known", "core"], resource.WKCResource(site.get_resources_as_linkheader))
        site.add_resource(["fw", "image"], Large())
        server = await aiocoap.Context.create_server_context(site, bind=("127.0.0.1", port), transports=["udp6"])
        try:
            transport, inbox = await loop.create_datagram_endpoint(Inbox, remote_addr=("127.0.0.1", port))
            listed = await get(transport, inbox.queue, [".well-known", "core"], 16, 0)
            large = await get(transport, inbox.queue, ["fw", "image"], 64, 1000)
            transport.close()
            return listed, large
        finally:
            await server.shutdown()

    listed, large = asyncio.run(ask())
    assert listed.complete and large.complete
    assert large.data == body
    links = {link.target: link for link in link_format.decode(listed.data)}
    assert links["/fw/image"].get("rt") == "firmware"


def test_opcua_endpoints() -> None:
    asyncua = pytest.importorskip("asyncua")
    from asyncua.server.user_managers import PermissiveUserManager

    logging.getLogger("asyncua").setLevel(logging.CRITICAL)

    async def ask() -> tuple[opcua.Event, opcua.Event, opcua.Event, bytes]:
        server = asyncua.Server(user_manager=PermissiveUserManager())
        await server.init()
        server.set_endpoint("opc.tcp://127.0.0.1:0/plc")
        server.set_server_name("PLC 7")
        server.set_security_policy([asyncua.ua.SecurityPolicyType.NoSecurity])
        async with server:
            port = server.bserver.port or server.bserver._server.sockets[0].getsockname()[1]
            url = f"opc.tcp://127.0.0.1:{port}/plc"
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            decoder = opcua.OpcUaDecoder()
            acknowledge = await exchange(reader, writer, opcua.encode_hello(url), decoder.feed)
            channel = await exchange(reader, writer, opcua.encode_open_channel(), decoder.feed)
            assert isinstance(channel, opcua.ChannelOpened)
            endpoints = await exchange(reader, writer, opcua.encode_get_endpoints(channel, url), decoder.feed)
            writer.write(opcua.encode_close_channel(channel))
            left = await asyncio.wait_for(reader.read(), WAIT_S)
            decoder.end()
            writer.close()
            return acknowledge, channel, endpoints, left

    acknowledge, _, endpoints, left = asyncio.run(ask())
    assert isinstance(acknowledge, opcua.Acknowledge)
    assert isinstance(endpoints, opcua.Endpoints)
    assert left == b"", "the server closes without an answer (Part 4 5.6.3)"
    [one] = endpoints.endpoints
    assert (one.application_name, one.policy, one.security_mode) == ("PLC 7", "None", opcua.SecurityMode.NONE)
    assert opcua.TokenType.ANONYMOUS in {token.token_type for token in one.user_tokens}
