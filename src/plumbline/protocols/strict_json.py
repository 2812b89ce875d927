"""Strict JSON (RFC 8259): text in, plain values out, or a ProtocolError that says where.

Not how a file's bytes become text, nor what the values mean. Rules: no NaN or Infinity; no nesting beyond what the parser bears; no
integers of thousands of digits. A member that stands twice is RFC 8259's to allow, and counts by its last value, unless it is to be unique:
what is signed must not say two things.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, NoReturn

from plumbline.model.errors import ProtocolError


def parse(text: str, *, unique: bool = False) -> Any:
    """Parse one text; raises ProtocolError naming line and column, also for a member that stands twice where `unique`."""
    try:
        return (_UNIQUE if unique else _DECODER).decode(text)
    except json.JSONDecodeError as error:
        raise ProtocolError(f"not JSON: {error.msg}, line {error.lineno} column {error.colno}") from error
    except RecursionError as error:
        raise ProtocolError("not read: nested too deeply") from error
    except ValueError as error:  # integers of thousands of digits, NaN
        raise ProtocolError(f"not JSON: {str(error)[:200]}") from error


def _refused(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"member {twice!r} stands twice")
    return made


_UNIQUE = json.JSONDecoder(parse_constant=_refused, object_pairs_hook=_once)
_DECODER = json.JSONDecoder(parse_constant=_refused)
raw_decode = _DECODER.raw_decode  # one value of a longer text, and where it ends; raises what the standard library's does
