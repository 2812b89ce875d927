"""Modbus TCP: Read Device Identification, and the function codes of what others send.

Sources: MODBUS Messaging on TCP/IP Implementation Guide V1.0b ("MBAP", 3.1.3); MODBUS Application Protocol V1.1b3 ("AP").
Not here: reading or writing registers. Nothing is encoded but function 43/14; others' data is counted, not kept.

    offset  size  field                                                       source
    0       2     transaction id, big-endian                                  MBAP
    2       2     protocol id, 0                                              MBAP
    4       2     length of what follows, 2 to 254 bytes                      MBAP
    6       1     unit id                                                     MBAP
    7       1     function code; in answers the top bit means exception       AP 4.1, 7
    8       ...   data, at most 252 bytes                                     AP 4.1

    43/14 request    0x2B 0x0E, read device id code, object id                                   AP 6.21
    43/14 answer     0x2B 0x0E, code, conformity level, more follows (00 or FF), next object id,
                     number of objects, repeated: object id, length, value                       AP 6.21
    exception        function + 0x80, exception code                                             AP 7

Object values are called ASCII and are not always; they are read as UTF-8 with U+FFFD for what is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from plumbline.model.errors import ProtocolError
from plumbline.protocols.framing import Extent, StreamDecoder
from plumbline.protocols.reader import Reader

MAX_LENGTH = 254  # unit id + the longest PDU, AP 4.1
_ENCAPSULATED = 0x2B
_DEVICE_IDENTIFICATION = 0x0E
_DIAGNOSTICS = 0x08
_EXCEPTION = 0x80


class Side(StrEnum):
    """Who sent the stream that a decoder reads: the client asks, the server is the device."""

    CLIENT = "client"
    SERVER = "server"


class FunctionKind(StrEnum):
    """What a function code does to the device."""

    READ = "read"
    WRITE = "write"
    DIAGNOSTIC = "diagnostic"  # sub-functions restart, silence or clear a device
    OTHER = "other"  # user-defined, or not in the specification


_READS = frozenset({1, 2, 3, 4, 7, 11, 12, 17, 20, 24, _ENCAPSULATED})
_WRITES = frozenset({5, 6, 15, 16, 21, 22, 23})


class ReadCode(IntEnum):
    """How much Read Device Identification asks for (AP 6.21)."""

    BASIC = 1
    REGULAR = 2
    EXTENDED = 3
    SPECIFIC = 4


OBJECT_NAMES = {
    0: "vendor_name",
    1: "product_code",
    2: "major_minor_revision",
    3: "vendor_url",
    4: "product_name",
    5: "model_name",
    6: "user_application_name",
}
EXCEPTION_NAMES = {
    1: "illegal_function",
    2: "illegal_data_address",
    3: "illegal_data_value",
    4: "server_device_failure",
    5: "acknowledge",
    6: "server_device_busy",
    8: "memory_parity_error",
    10: "gateway_path_unavailable",
    11: "gateway_target_failed_to_respond",
}


@dataclass(frozen=True, slots=True)
class IdentificationObject:
    """One identification object; `name` is None for private and reserved ones."""

    object_id: int
    value: str

    @property
    def name(self) -> str | None:
        """The object's name in the specification, for example `vendor_name`."""
        return OBJECT_NAMES.get(self.object_id)


@dataclass(frozen=True, slots=True)
class DeviceIdentification:
    """An answer to 43/14; `next_object_id` is None when no more follows."""

    transaction_id: int
    unit_id: int
    read_code: int
    conformity_level: int
    objects: tuple[IdentificationObject, ...]
    next_object_id: int | None = None


@dataclass(frozen=True, slots=True)
class ExceptionAnswer:
    """A refusal: the device speaks Modbus and does not do `function`."""

    transaction_id: int
    unit_id: int
    function: int
    code: int

    @property
    def reason(self) -> str:
        """The exception in words, `unknown_<code>` when the specification has none."""
        return EXCEPTION_NAMES.get(self.code, f"unknown_{self.code}")


@dataclass(frozen=True, slots=True)
class Call:
    """A request, or an answer that is not one of the above; `sub_function` is that of functions 8 and 43."""

    transaction_id: int
    unit_id: int
    function: int
    side: Side
    data_bytes: int
    sub_function: int | None = None

    @property
    def kind(self) -> FunctionKind:
        """What the function does to the device."""
        return function_kind(self.function)


Event = DeviceIdentification | ExceptionAnswer | Call


def function_kind(function: int) -> FunctionKind:
    """Say what a function code (1 to 127) does to a device; 23 reads and writes, so it writes."""
    if function in _WRITES:
        return FunctionKind.WRITE
    if function in _READS:
        return FunctionKind.READ
    return FunctionKind.DIAGNOSTIC if function == _DIAGNOSTICS else FunctionKind.OTHER


def encode_read_device_identification(transaction_id: int, unit_id: int, read_code: ReadCode = ReadCode.BASIC, object_id: int = 0) -> bytes:
    """Encode function 43/14 (AP 6.21), from object `object_id` on."""
    body = bytes([unit_id, _ENCAPSULATED, _DEVICE_IDENTIFICATION, read_code, object_id])
    return transaction_id.to_bytes(2, "big") + b"\0\0" + len(body).to_bytes(2, "big") + body


def continuation(answer: DeviceIdentification) -> int | None:
    """Say which object to ask for next, None when done; raises ProtocolError when a device would lead us in a circle."""
    last = max((one.object_id for one in answer.objects), default=-1)
    if answer.next_object_id is not None and answer.next_object_id <= last:
        raise ProtocolError(f"after object {last} the device says to go on at {answer.next_object_id}")
    return answer.next_object_id


class ModbusDecoder(StreamDecoder[Event]):
    """Decodes one direction of a connection."""

    def __init__(self, side: Side = Side.SERVER) -> None:
        super().__init__()
        self.side = side

    def _measure(self, buffer: bytearray) -> Extent | None:
        if len(buffer) < 6:
            return None
        protocol, length = int.from_bytes(buffer[2:4], "big"), int.from_bytes(buffer[4:6], "big")
        if protocol:
            raise ProtocolError(f"protocol id {protocol}", offset=2)
        if not 2 <= length <= MAX_LENGTH:
            raise ProtocolError(f"length {length}; at least 2, at most {MAX_LENGTH}", offset=4)
        return Extent(6 + length, 6 + length)

    def _decode(self, message: bytes, total: int) -> Event:  # noqa: ARG002 - the message is whole
        transaction_id = int.from_bytes(message[:2], "big")
        reader = Reader(message, 6)
        unit_id, function = reader.u8("unit id"), reader.u8("function")
        if self.side is Side.SERVER:
            if function & _EXCEPTION:
                code = reader.u8("exception code")
                reader.finish("exception")
                return ExceptionAnswer(transaction_id, unit_id, function & ~_EXCEPTION, code)
            if function == _ENCAPSULATED and reader.remaining and message[8] == _DEVICE_IDENTIFICATION:
                return _read_identification(reader, transaction_id, unit_id)
        elif not 1 <= function < _EXCEPTION:
            raise ProtocolError(f"a request of function {function}", offset=7)
        data_bytes = reader.remaining
        sub_function: int | None = None
        if function == _DIAGNOSTICS and data_bytes >= 2:
            sub_function = reader.u16()
        elif function == _ENCAPSULATED and data_bytes:
            sub_function = reader.u8()
        return Call(transaction_id, unit_id, function, self.side, data_bytes, sub_function)


def _read_identification(reader: Reader, transaction_id: int, unit_id: int) -> DeviceIdentification:
    reader.u8("MEI type")
    read_code, conformity_level = reader.u8("read device id code"), reader.u8("conformity level")
    more, next_object_id, count = reader.u8("more follows"), reader.u8("next object id"), reader.u8("number of objects")
    if more not in (0x00, 0xFF):
        raise ProtocolError(f"more follows is {more:#04x}", offset=reader.offset - 3)
    objects: list[IdentificationObject] = []
    for _ in range(count):
        object_id = reader.u8("object id")
        value = reader.take(reader.u8("object length"), f"object {object_id}")
        objects.append(IdentificationObject(object_id, value.decode(errors="replace")))
    reader.finish("device identification")
    return DeviceIdentification(transaction_id, unit_id, read_code, conformity_level, tuple(objects), next_object_id if more else None)
