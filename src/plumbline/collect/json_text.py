"""Strict JSON of supplied files: bytes in, plain values out, or a ProtocolError that says where.

Not a schema: what the values mean is for each collector. Rules: those of `strict_json`; UTF-8, or UTF-16 with a byte
order mark, which is what `az ... > file` leaves behind in Windows PowerShell.

The `*_of` readers give None for a value of another type: a template's `"[parameters('x')]"` where a boolean belongs was not observed.
"""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Any

from plumbline.model.errors import ProtocolError
from plumbline.protocols import strict_json

TEXT_MAX = 4096  # longer than any name, id or address of a hub or deployment; a longer one is not kept


def read(path: Path, size_max: int) -> object:
    """Read a whole JSON file of at most `size_max` bytes; raises ProtocolError."""
    try:
        with path.open("rb") as stream:
            data = stream.read(size_max + 1)
    except OSError as error:
        raise ProtocolError(f"cannot be read: {error.strerror}") from error
    if len(data) > size_max:
        raise ProtocolError(f"larger than {size_max >> 20} MB, which no file of this kind is")
    return parse(data)


def parse(data: bytes | str) -> object:
    """Parse one JSON text; raises ProtocolError naming line and column."""
    return strict_json.parse(data if isinstance(data, str) else decode(data))


def decode(data: bytes) -> str:
    """Decode the bytes of a JSON text; raises ProtocolError when they are no Unicode."""
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProtocolError("not Unicode text", offset=error.start) from error


def text_of(value: object) -> str | None:
    """Give a text that is neither empty nor absurdly long."""
    return value if isinstance(value, str) and 0 < len(value) <= TEXT_MAX else None


def flag_of(value: object) -> bool | None:
    """Give a boolean."""
    return value if isinstance(value, bool) else None


def int_of(value: object) -> int | None:
    """Give an integer that fits 64 bits."""
    if isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63:
        return value
    return None


def object_of(value: object) -> dict[str, Any]:
    """Give an object, or an empty one."""
    return value if isinstance(value, dict) else {}


def list_of(value: object) -> list[Any]:
    """Give an array, or an empty one."""
    return value if isinstance(value, list) else []
