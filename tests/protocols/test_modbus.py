"""Modbus TCP: device identification, exceptions and the calls of others; vectors from AP 6.21 and 7, and against pymodbus."""

from __future__ import annotations

import pytest

from plumbline.model.errors import ProtocolError
from plumbline.protocols.modbus import (
    Call,
    DeviceIdentification,
    Event,
    ExceptionAnswer,
    FunctionKind,
    IdentificationObject,
    ModbusDecoder,
    ReadCode,
    Side,
    continuation,
    encode_read_device_identification,
    function_kind,
)
from tests.protocols.fuzzing import FuzzTarget, one_by_one, stream_entry


def adu(transaction_id: int, unit_id: int, pdu: bytes) -> bytes:
    return transaction_id.to_bytes(2, "big") + b"\0\0" + (len(pdu) + 1).to_bytes(2, "big") + bytes([unit_id]) + pdu


def h(text: str) -> bytes:
    return bytes.fromhex(text)


OBJECTS = (
    IdentificationObject(0, "Company identification"),
    IdentificationObject(1, "Product code XX"),
    IdentificationObject(2, "V2.11"),
)
# The example of AP 6.21: basic identification, everything in one answer.
BASIC = h("2b 0e 01 01 00 00 03 00 16") + b"Company identification" + h("01 0f") + b"Product code XX" + h("02 05") + b"V2.11"

VECTORS: list[tuple[str, bytes, Side, Event]] = [
    ("basic identification (AP 6.21)", adu(1, 1, BASIC), Side.SERVER, DeviceIdentification(1, 1, 1, 1, OBJECTS)),
    (
        "more follows (AP 6.21)",
        adu(2, 255, h("2b 0e 02 82 ff 04 01 03 02") + b"ab"),
        Side.SERVER,
        DeviceIdentification(2, 255, 2, 0x82, (IdentificationObject(3, "ab"),), 4),
    ),
    ("no objects", adu(2, 0, h("2b 0e 01 01 00 00 00")), Side.SERVER, DeviceIdentification(2, 0, 1, 1, ())),
    ("a value that is not UTF-8", adu(2, 0, h("2b 0e 01 01 00 00 01 00 01 ff")), Side.SERVER,
     DeviceIdentification(2, 0, 1, 1, (IdentificationObject(0, "\ufffd"),))),
    ("an exception (AP 7)", adu(3, 1, h("ab 01")), Side.SERVER, ExceptionAnswer(3, 1, 0x2B, 1)),
    ("our request", h("0007 0000 0005 01 2b 0e 01 00"), Side.CLIENT, Call(7, 1, 0x2B, Side.CLIENT, 3, 0x0E)),
    ("a read request (AP 6.3)", adu(1, 1, h("03 006b 0003")), Side.CLIENT, Call(1, 1, 3, Side.CLIENT, 4)),
    ("its answer", adu(1, 1, h("03 06 022b 0000 0064")), Side.SERVER, Call(1, 1, 3, Side.SERVER, 7)),
    ("a write request (AP 6.12)", adu(1, 1, h("10 0001 0002 04 000a 0102")), Side.CLIENT, Call(1, 1, 16, Side.CLIENT, 9)),
    ("force listen only (AP 6.8)", adu(1, 1, h("08 0004 0000")), Side.CLIENT, Call(1, 1, 8, Side.CLIENT, 4, 4)),
    ("an encapsulated answer of another type (AP 6.20)", adu(1, 1, h("2b 0d 01")), Side.SERVER, Call(1, 1, 0x2B, Side.SERVER, 2, 0x0D)),
    ("a function without data", adu(1, 1, h("11")), Side.CLIENT, Call(1, 1, 17, Side.CLIENT, 0)),
    ("diagnostics without a sub-function", adu(1, 1, h("08 00")), Side.CLIENT, Call(1, 1, 8, Side.CLIENT, 1)),
    ("43 without a type", adu(1, 1, h("2b")), Side.SERVER, Call(1, 1, 0x2B, Side.SERVER, 0)),
]  # fmt: skip
NAMES = [case[0] for case in VECTORS]


@pytest.mark.parametrize(("name", "data", "side", "event"), VECTORS, ids=NAMES)
def test_vectors(name: str, data: bytes, side: Side, event: Event) -> None:
    decoder = ModbusDecoder(side)
    assert decoder.feed(data) == [event]
    assert decoder.end() == []


@pytest.mark.parametrize(("name", "data", "side", "event"), VECTORS, ids=NAMES)
def test_byte_at_a_time(name: str, data: bytes, side: Side, event: Event) -> None:
    decoder = ModbusDecoder(side)
    assert [one for part in one_by_one(data) for one in decoder.feed(part)] == [event]


@pytest.mark.parametrize(("name", "data", "side", "event"), VECTORS, ids=NAMES)
def test_every_truncation(name: str, data: bytes, side: Side, event: Event) -> None:
    for size in range(1, len(data)):
        decoder = ModbusDecoder(side)
        assert decoder.feed(data[:size]) == []
        with pytest.raises(ProtocolError, match="ends inside"):
            decoder.end()


@pytest.mark.parametrize("size", range(1, len(BASIC)))
def test_every_truncation_of_an_identification_that_says_a_shorter_length(size: int) -> None:
    decoder = ModbusDecoder()
    if size == 1:
        assert decoder.feed(adu(1, 1, BASIC[:size])) == [Call(1, 1, 0x2B, Side.SERVER, 0)]
    else:
        with pytest.raises(ProtocolError):
            decoder.feed(adu(1, 1, BASIC[:size]))


BROKEN = [
    ("protocol id 1 (MBAP)", h("0001 0001 0002 01 03"), Side.SERVER),
    ("length 0", h("0001 0000 0000"), Side.SERVER),
    ("length 1: no function", h("0001 0000 0001 01"), Side.SERVER),
    ("length 255 (AP 4.1)", h("0001 0000 00ff 01"), Side.SERVER),
    ("an exception without a code", adu(1, 1, h("83")), Side.SERVER),
    ("an exception with more than a code", adu(1, 1, h("83 02 00")), Side.SERVER),
    ("a request of function 0 (AP 4.1)", adu(1, 1, h("00")), Side.CLIENT),
    ("a request of function 128 (AP 4.1)", adu(1, 1, h("80")), Side.CLIENT),
    ("more follows neither 00 nor FF (AP 6.21)", adu(1, 1, h("2b 0e 01 01 01 00 00")), Side.SERVER),
    ("an object longer than the message", adu(1, 1, h("2b 0e 01 01 00 00 01 00 09 61")), Side.SERVER),
    ("fewer objects than promised", adu(1, 1, h("2b 0e 01 01 00 00 02 00 01 61")), Side.SERVER),
    ("more than promised", adu(1, 1, h("2b 0e 01 01 00 00 00 00 01 61")), Side.SERVER),
    ("an HTTP server", b"HTTP/1.1 400 Bad Request\r\n", Side.SERVER),
]


@pytest.mark.parametrize(("name", "data", "side"), BROKEN, ids=[case[0] for case in BROKEN])
def test_broken_rules(name: str, data: bytes, side: Side) -> None:
    with pytest.raises(ProtocolError):
        ModbusDecoder(side).feed(data)


def test_the_request() -> None:
    assert encode_read_device_identification(7, 1) == h("0007 0000 0005 01 2b 0e 01 00")
    assert encode_read_device_identification(0xFFFF, 255, ReadCode.REGULAR, 4) == h("ffff 0000 0005 ff 2b 0e 02 04")


def test_continuation() -> None:
    one = (IdentificationObject(3, "x"),)
    assert continuation(DeviceIdentification(1, 1, 2, 2, one)) is None
    assert continuation(DeviceIdentification(1, 1, 2, 2, one, 4)) == 4
    assert continuation(DeviceIdentification(1, 1, 2, 2, (), 0)) == 0
    for circle in (0, 3):
        with pytest.raises(ProtocolError, match="go on at"):
            continuation(DeviceIdentification(1, 1, 2, 2, one, circle))


def test_kinds_of_functions() -> None:
    kinds = {code: function_kind(code) for code in range(1, 128)}
    assert [code for code, kind in kinds.items() if kind is FunctionKind.WRITE] == [5, 6, 15, 16, 21, 22, 23]
    assert [code for code, kind in kinds.items() if kind is FunctionKind.READ] == [1, 2, 3, 4, 7, 11, 12, 17, 20, 24, 43]
    assert [code for code, kind in kinds.items() if kind is FunctionKind.DIAGNOSTIC] == [8]
    assert kinds[90] is FunctionKind.OTHER


def test_words() -> None:
    assert [one.name for one in OBJECTS] == ["vendor_name", "product_code", "major_minor_revision"]
    assert IdentificationObject(0x80, "").name is None
    assert ExceptionAnswer(1, 1, 43, 1).reason == "illegal_function"
    assert ExceptionAnswer(1, 1, 43, 99).reason == "unknown_99"


def test_pymodbus_reads_our_request() -> None:
    pymodbus = pytest.importorskip("pymodbus.pdu")
    framer = pytest.importorskip("pymodbus.framer")
    data = encode_read_device_identification(77, 9, ReadCode.EXTENDED, 5)
    size, unit, transaction, pdu = framer.FramerSocket(pymodbus.DecodePDU(True)).decode(data)
    assert (size, unit, transaction) == (len(data), 9, 77)
    request = pymodbus.DecodePDU(True).decode(pdu)
    assert (request.function_code, request.sub_function_code, request.read_code, request.object_id) == (43, 14, 3, 5)


def test_we_read_the_answer_of_pymodbus() -> None:
    mei = pytest.importorskip("pymodbus.pdu.mei_message")
    framer = pytest.importorskip("pymodbus.framer")
    pymodbus = pytest.importorskip("pymodbus.pdu")
    answer = mei.ReadDeviceInformationResponse(1, {0: b"Northwind", 1: b"PLC-7", 2: b"1.0"})
    data = framer.FramerSocket(pymodbus.DecodePDU(False)).encode(bytes([answer.function_code]) + answer.encode(), 3, 5)
    [event] = ModbusDecoder().feed(data)
    assert isinstance(event, DeviceIdentification)
    assert [(one.name, one.value) for one in event.objects] == [
        ("vendor_name", "Northwind"),
        ("product_code", "PLC-7"),
        ("major_minor_revision", "1.0"),
    ]
    assert (event.transaction_id, event.unit_id, event.next_object_id) == (5, 3, None)


def server(data: bytes) -> object:
    """Decode a device's stream and go on where it says, from any one's answer."""
    events = ModbusDecoder().feed(data)
    for event in events:
        if isinstance(event, DeviceIdentification):
            next_id = continuation(event)
            if next_id is not None:
                encode_read_device_identification(event.transaction_id, event.unit_id, ReadCode.BASIC, next_id)
        elif isinstance(event, ExceptionAnswer):
            assert event.reason
        else:
            assert event.kind
    return events


SERVER_SEEDS = [data for _, data, side, _ in VECTORS if side is Side.SERVER]
CLIENT_SEEDS = [data for _, data, side, _ in VECTORS if side is Side.CLIENT]
FUZZ = [
    FuzzTarget("modbus/server", stream_entry(ModbusDecoder), SERVER_SEEDS),
    FuzzTarget("modbus/client", stream_entry(lambda: ModbusDecoder(Side.CLIENT)), CLIENT_SEEDS),
    FuzzTarget("modbus/continuation", server, [*SERVER_SEEDS, adu(1, 1, h("5a 00"))]),
]
