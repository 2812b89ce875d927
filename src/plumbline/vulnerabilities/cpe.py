r"""CPE names, 2.3 and 2.2: text in, parts out, or a ProtocolError.

    cpe:2.3:part:vendor:product:version:update:edition:language:sw_edition:target_sw:target_hw:other
    cpe:/part:vendor:product:version:update:edition:language

| part | is |
|---|---|
| a, o, h | application, operating system, hardware |

Source: NIST IR 7695, 6.1 (URI) and 6.2 (formatted string). Rules: `*` is any, and so is a component that is left out: None; `-` is "has
none", and stays; in 2.3 a backslash takes a character as it is, in 2.2 so does %xx.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from plumbline.model.errors import ProtocolError

LENGTH_MAX = 1_000
NONE = "-"
_COMPONENT = re.compile(r"((?:[^:\\]|\\.)*)(?::|$)", re.DOTALL)
_QUOTED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Cpe:
    """One name; None is any."""

    part: str
    vendor: str
    product: str
    version: str | None
    update: str | None
    edition: str | None
    sw_edition: str | None
    target_sw: str | None
    target_hw: str | None

    @property
    def key(self) -> str:
        """`part:vendor:product`, by which names of one product are compared."""
        return f"{self.part}:{self.vendor}:{self.product}"


@lru_cache(maxsize=65536)
def parse_cpe(text: str) -> Cpe:
    """Read a name; raises ProtocolError."""
    if len(text) > LENGTH_MAX:
        raise ProtocolError("longer than any CPE name")
    words = text.lower()
    if words.startswith("cpe:2.3:"):
        parts = [_QUOTED.sub(r"\1", part) if part not in ("*", "") else None for part in _COMPONENT.findall(words, len("cpe:2.3:"))]
        parts = parts[:11]
    elif words.startswith("cpe:/"):
        parts = [unquote(part) or None for part in words[len("cpe:/") :].split(":")][:7]
    else:
        raise ProtocolError(f"not a CPE name: {text[:40]!r}")
    part, vendor, product, version, update, edition, _language, sw_edition, target_sw, target_hw, _other = [*parts, *[None] * 11][:11]
    if part not in ("a", "o", "h") or not vendor or not product:
        raise ProtocolError(f"a CPE name without part, vendor or product: {text[:80]!r}")
    return Cpe(part, vendor, product, version, update, edition, sw_edition, target_sw, target_hw)
