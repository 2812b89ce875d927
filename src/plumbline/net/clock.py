"""The time as `net` sees it: handed in, so that caps and windows can be tested without waiting. Not for timeouts on sockets."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the door needs of time."""

    def now(self) -> datetime:
        """The wall clock, aware and UTC: permits are judged by it."""
        ...

    def monotonic_ns(self) -> int:
        """A clock that never goes back, in nanoseconds: rates and durations are counted by it."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let others run until that much of this clock has passed."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        """See `Clock.now`."""
        return datetime.now(UTC)

    def monotonic_ns(self) -> int:
        """See `Clock.monotonic_ns`."""
        return time.monotonic_ns()

    async def sleep(self, seconds: float) -> None:
        """See `Clock.sleep`."""
        await asyncio.sleep(seconds)
