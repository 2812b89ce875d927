"""TOML that people write: text in, its tables and where their keys stand out, or one sentence that says why not.

Not what the tables mean (`schema` for a rig file), and not how bytes become text. Rules: what would exhaust the parser is refused before
it runs (`lines`).
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

from plumbline.rig.lines import Layout, TooDeepError, locate

_PLACE = re.compile(r" \(at line (\d+), column \d+\)$")


class NotTomlError(ValueError):
    """The text cannot be read; `line` is 1-based, None when it is not known; `remedy` says what would help."""

    def __init__(self, line: int | None, message: str, remedy: str) -> None:
        self.line = line
        self.message = message
        self.remedy = remedy
        super().__init__(message)


def parse(text: str) -> tuple[dict[str, Any], Layout]:
    """Read a whole text; raises NotTomlError."""
    try:
        layout = locate(text)
        return tomllib.loads(text), layout
    except TooDeepError as error:
        raise NotTomlError(error.line, f"is {error}", "four levels are enough") from error
    except RecursionError as error:
        raise NotTomlError(None, "is nested too deep", "four levels are enough") from error
    except ValueError as error:  # TOMLDecodeError, and what int() and float() say of numbers without end
        place = _PLACE.search(str(error))
        line = int(place[1]) if place else text.count("\n") + 1 if "end of document" in str(error) else None
        message = re.sub(r" \(at .*\)$", "", str(error))
        raise NotTomlError(line, f"is not TOML: {message}", "correct the syntax") from error
