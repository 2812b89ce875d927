"""Strict JSON (RFC 8259): text in, plain values out, or a ProtocolError that says where.

Not how a file's bytes become text, nor what the values mean. Rules: no NaN or Infinity; no nesting beyond what the parser bears; no
integers of thousands of digits.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from plumbline.model.errors import ProtocolError


def parse(text: str) -> Any:
    """Parse one text; raises ProtocolError naming line and column."""
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise ProtocolError(f"not JSON: {error.msg}, line {error.lineno} column {error.colno}") from error
    except RecursionError as error:
        raise ProtocolError("not read: nested too deeply") from error
    except ValueError as error:  # integers of thousands of digits, NaN
        raise ProtocolError(f"not JSON: {str(error)[:200]}") from error


def _refused(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refused)
raw_decode = _DECODER.raw_decode  # one value of a longer text, and where it ends; raises what the standard library's does
