"""What a reading is, and the registry that finds the readings by their place; refuses to start on a bad one.

A reading turns the outputs of some commands into the rows of some tables. It holds no opinion and opens nothing. It raises nothing:
what it cannot read it passes over, and says so.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from plumbline.collect.host import readings
from plumbline.collect.host.outputs import Report
from plumbline.evidence.specs import load_tables
from plumbline.model.errors import InternalError


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading, as its file declares it."""

    tables: tuple[str, ...]
    read: Callable[[Report], None]


@cache
def load_readings() -> Mapping[str, Reading]:
    """All readings by their file's name; raises InternalError for one that declares itself wrongly or fills another's table."""
    found: dict[str, Reading] = {}
    filled: set[str] = set()
    for info in sorted(pkgutil.iter_modules(readings.__path__), key=lambda item: item.name):
        reading = getattr(importlib.import_module(f"{readings.__name__}.{info.name}"), "READING", None)
        if not isinstance(reading, Reading) or not reading.tables or set(reading.tables) - load_tables().keys():
            raise InternalError(f"readings/{info.name}.py: READING is missing, or names no table or an unknown one")
        if filled & set(reading.tables):
            raise InternalError(f"readings/{info.name}.py: {sorted(filled & set(reading.tables))} are filled by another reading")
        filled |= set(reading.tables)
        found[info.name] = reading
    return found
