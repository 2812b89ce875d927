"""Keys: what a version is reduced to, once, so that many comparisons are cheap.

Not an order of its own: each scheme's module says what it puts into `order`. Within one scheme keys compare part by part; what a
scheme leaves open is a difference of `family`, or decided by its own kind of key (`plumbline.versions.firmware.FirmwareKey`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from plumbline.versions.scheme import Scheme

MAX_LENGTH = 255  # characters of a version; the longest real ones have about 120, and every pattern and int() of ours stays short by it


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """One version, ready to compare.

    `<` sorts keys of one scheme so that whatever is comparable stands in order. Of two keys whose `compare` is None it says nothing: they
    are of different families, or their strings leave the order open.
    """

    scheme: Scheme
    family: str
    order: tuple[Any, ...]

    def compare(self, other: Key) -> int | None:
        """Give -1, 0 or 1, or None when the two are not comparable."""
        if self.scheme is not other.scheme or self.family != other.family:
            return None
        return (self.order > other.order) - (self.order < other.order)
