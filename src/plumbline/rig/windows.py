"""When an audit may run: weekly windows in the customer's own time zone.

Not a scheduler: it answers whether an instant lies in a window, and when a window closes or opens next. No clock; `now` is passed in.

Rules:
- A window belongs to the day on which it opens; `to` at or before `from` means the next day. `24:00` is the end of the day.
- A wall time may occur twice or never on the day the clocks change. Then the shorter reading holds: the window opens at the later and
  closes at the earlier of the two instants, so that no reading of the customer's words is overstepped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Window:
    """One weekly window; `days` as `date.weekday` counts them, `opens` and `closes` in minutes after local midnight (0 to 1440)."""

    days: frozenset[int]
    opens: int
    closes: int
    timezone: ZoneInfo

    def span(self, day: date) -> tuple[datetime, datetime]:
        """Give the opening and closing instant, in UTC, of the window that opens on a local day; empty when closing comes first."""
        closing_day = day if self.closes > self.opens else day + timedelta(days=1)
        return max(self._instants(day, self.opens)), min(self._instants(closing_day, self.closes))

    def _instants(self, day: date, minutes: int) -> tuple[datetime, datetime]:
        """Read a wall time both ways (PEP 495): they differ only where the clocks change."""
        local = datetime.combine(day + timedelta(days=minutes // DAY_MINUTES), time(minutes % DAY_MINUTES // 60, minutes % 60))
        first, second = (local.replace(tzinfo=self.timezone, fold=fold).astimezone(UTC) for fold in (0, 1))
        return first, second

    def spans(self, now: datetime, days: int) -> Iterator[tuple[datetime, datetime]]:
        """Give the spans from the day before `now` over that many days after it, in order."""
        today = now.astimezone(self.timezone).date()
        for offset in range(-1, days + 1):
            day = today + timedelta(days=offset)
            if day.weekday() in self.days:
                start, end = self.span(day)
                if start < end:
                    yield start, end

    def text(self) -> str:
        """Say the window in words, for messages."""
        days = ", ".join(DAYS[day] for day in sorted(self.days))
        return f"{days} {_clock(self.opens)}-{_clock(self.closes)} {self.timezone.key}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def closing(windows: Iterable[Window], now: datetime) -> datetime | None:
    """Give the instant, in UTC, at which the last window that is open at `now` closes, or None when none is open."""
    ends = [end for window in windows for start, end in window.spans(now, 0) if start <= now < end]
    return max(ends, default=None)


def next_opening(windows: Iterable[Window], now: datetime) -> datetime | None:
    """Give the first instant after `now`, in UTC, at which a window opens; None when none does within nine days."""
    starts = [start for window in windows for start, _ in window.spans(now, 9) if start > now]
    return min(starts, default=None)
