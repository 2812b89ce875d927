"""What every collector is given: the rig, where to write, and the ways to say how far it is and to hear that it should end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from plumbline.evidence.bundle import BundleWriter
from plumbline.rig.models import Rig

Progress = Callable[[str, int, int | None], None]
"""Called with what is being done, how much of it is done, and of how many (None: unknown)."""


@dataclass(frozen=True, slots=True)
class Context:
    """Passed in by the run; a collector reads no clock, no environment and no setting of its own."""

    rig: Rig
    writer: BundleWriter
    key: bytes  # the rig's own, for keyed digests of secrets (law 8)
    now: Callable[[], datetime]
    progress: Progress
    stop: Callable[[], bool]
    wanted: frozenset[str] | None = None  # tables; None: every one. What is not wanted is not collected, and not covered

    def wants(self, tables: Iterable[str]) -> bool:
        """Say whether any of some tables is to be collected."""
        return self.wanted is None or not self.wanted.isdisjoint(tables)
