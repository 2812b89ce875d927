"""Built-in types of OPC UA Binary: the encodings that endpoint discovery needs (OPC 10000-6, "Part 6", 5.2.2).

Not here: messages (`opcua`), variants and values. Numbers are little-endian (5.2.2.2).

    type             wire                                                                      Part 6
    String           length i32 (-1: null), UTF-8                                              5.2.2.4
    ByteString       length i32 (-1: null), bytes                                              5.2.2.7
    DateTime         i64, 100 ns since 1601-01-01; 0 is none                                   5.2.2.5
    NodeId           form byte: 0 u8; 1 u8, u16; 2 u16, u32; 3 u16, String; 4 u16, 16 bytes;
                     5 u16, ByteString                                                         5.2.2.9
    ExtensionObject  NodeId, form byte: 0 none, 1 ByteString, 2 XML as ByteString              5.2.2.15
    LocalizedText    mask: 1 locale String, 2 text String                                      5.2.2.14
    DiagnosticInfo   mask: 1, 2, 8, 4 i32 each, 0x10 String, 0x20 u32, 0x40 DiagnosticInfo     5.2.2.12
    array            length i32 (-1: null), elements                                           5.2.5

A length below -1 is a ProtocolError. Text is strict UTF-8.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from plumbline.model.errors import ProtocolError
from plumbline.protocols.reader import Reader

MAX_ARRAY = 1024  # endpoints of a large server: some ten policies on some ten addresses
MAX_DIAGNOSTIC_DEPTH = 4  # 5.2.2.12 asks decoders to limit it
NULL = b"\xff\xff\xff\xff"

ElementT = TypeVar("ElementT")


def encode_u32(value: int) -> bytes:
    """Encode a UInt32."""
    return value.to_bytes(4, "little")


def encode_string(value: str | bytes | None) -> bytes:
    """Encode a String or ByteString; None is null."""
    if value is None:
        return NULL
    data = value.encode() if isinstance(value, str) else value
    return encode_u32(len(data)) + data


def encode_node_id(number: int) -> bytes:
    """Encode a numeric NodeId of namespace 0 in the two-byte or four-byte form."""
    return bytes([0, number]) if number <= 0xFF else b"\x01\0" + number.to_bytes(2, "little")


def read_bytes(reader: Reader, what: str) -> bytes | None:
    """Read a ByteString; None is null."""
    size = reader.i32_le(what)
    if size == -1:
        return None
    return reader.take(size, what)


def read_string(reader: Reader, what: str) -> str | None:
    """Read a String; None is null. Raises ProtocolError when it is not UTF-8."""
    data = read_bytes(reader, what)
    if data is None:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ProtocolError(f"{what} is not UTF-8", offset=reader.offset - len(data) + error.start) from error


def read_array(reader: Reader, element: Callable[[Reader], ElementT], what: str) -> tuple[ElementT, ...]:
    """Read an array; null reads as empty. Raises ProtocolError above 1,024 elements."""
    size = reader.i32_le(what)
    if not -1 <= size <= MAX_ARRAY:
        raise ProtocolError(f"{what}: an array of {size}; at most {MAX_ARRAY} are read", offset=reader.offset - 4)
    return tuple(element(reader) for _ in range(max(size, 0)))


def read_strings(reader: Reader, what: str) -> tuple[str | None, ...]:
    """Read an array of String."""
    return read_array(reader, lambda one: read_string(one, what), what)


def read_node_id(reader: Reader) -> int | None:
    """Read a NodeId; the number when it is a numeric one of namespace 0, None for any other."""
    form = reader.u8("NodeId")
    match form:
        case 0:
            return reader.u8("NodeId")
        case 1:
            namespace, number = reader.u8("namespace"), reader.u16_le("NodeId")
            return None if namespace else number
        case 2:
            namespace, number = reader.u16_le("namespace"), reader.u32_le("NodeId")
            return None if namespace else number
        case 3 | 5:
            reader.u16_le("namespace")
            read_bytes(reader, "NodeId")
        case 4:
            reader.take(18, "NodeId")
        case _:
            raise ProtocolError(f"NodeId of form {form:#04x}", offset=reader.offset - 1)
    return None


def read_localized_text(reader: Reader, what: str) -> str | None:
    """Read a LocalizedText and return its text."""
    mask = reader.u8(what)
    if mask > 3:
        raise ProtocolError(f"{what}: mask {mask:#04x}", offset=reader.offset - 1)
    if mask & 1:
        read_string(reader, "locale")
    return read_string(reader, what) if mask & 2 else None


def skip_extension_object(reader: Reader) -> None:
    """Step over an ExtensionObject."""
    read_node_id(reader)
    form = reader.u8("ExtensionObject")
    if form > 2:
        raise ProtocolError(f"ExtensionObject of form {form}", offset=reader.offset - 1)
    if form:
        read_bytes(reader, "ExtensionObject")


def skip_diagnostic_info(reader: Reader) -> None:
    """Step over a DiagnosticInfo and those inside it."""
    for _ in range(MAX_DIAGNOSTIC_DEPTH):
        mask = reader.u8("DiagnosticInfo")
        for bit in (0x01, 0x02, 0x04, 0x08):
            if mask & bit:
                reader.i32_le("DiagnosticInfo")
        if mask & 0x10:
            read_bytes(reader, "DiagnosticInfo")
        if mask & 0x20:
            reader.u32_le("DiagnosticInfo")
        if not mask & 0x40:
            return
    raise ProtocolError(f"DiagnosticInfo more than {MAX_DIAGNOSTIC_DEPTH} deep", offset=reader.offset)
