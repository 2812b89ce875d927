"""Windows: midnight, time zones, and the two nights a year on which clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.rig.windows import DAYS, Window, closing, next_opening

LONDON = ZoneInfo("Europe/London")


def window(days: str, opens: str, closes: str, timezone: str = "Europe/London") -> Window:
    def minutes(text: str) -> int:
        return int(text[:2]) * 60 + int(text[3:])

    return Window(frozenset(DAYS.index(day) for day in days.split()), minutes(opens), minutes(closes), ZoneInfo(timezone))


WEEKEND = window("sat sun", "01:00", "05:00")
NIGHT = window("fri", "22:00", "04:00")
WHOLE_DAY = window("mon", "00:00", "24:00")

# name: (window, instant in UTC, its closing in UTC or None where it is shut)
CASES: dict[str, tuple[Window, str, str | None]] = {
    "winter, first instant": (WEEKEND, "2026-11-07T01:00", "2026-11-07T05:00"),
    "winter, before": (WEEKEND, "2026-11-07T00:59", None),
    "winter, last minute": (WEEKEND, "2026-11-07T04:59", "2026-11-07T05:00"),
    "winter, closing instant is shut": (WEEKEND, "2026-11-07T05:00", None),
    "weekday": (WEEKEND, "2026-11-09T02:00", None),
    "summer is an hour earlier in UTC": (WEEKEND, "2026-07-04T00:00", "2026-07-04T04:00"),
    "summer, closing": (WEEKEND, "2026-07-04T04:00", None),
    "over midnight, evening": (NIGHT, "2026-11-06T23:00", "2026-11-07T04:00"),
    "over midnight, morning after": (NIGHT, "2026-11-07T03:59", "2026-11-07T04:00"),
    "over midnight, morning before": (NIGHT, "2026-11-06T03:00", None),
    "over midnight, the next evening": (NIGHT, "2026-11-07T23:00", None),
    "whole day": (WHOLE_DAY, "2026-11-09T23:59", "2026-11-10T00:00"),
    "whole day, after": (WHOLE_DAY, "2026-11-10T00:00", None),
    "local day differs from UTC's": (window("mon", "06:00", "08:00", "Pacific/Auckland"), "2026-07-05T19:00", "2026-07-05T20:00"),
    # 2026-03-29: at 01:00 UTC London's clocks go from 01:00 to 02:00.
    "spring, from a wall time that never comes": (window("sun", "01:30", "05:00"), "2026-03-29T01:29", None),
    "spring, opened by the later reading": (window("sun", "01:30", "05:00"), "2026-03-29T01:30", "2026-03-29T04:00"),
    "spring, until a wall time that never comes": (window("sun", "00:00", "01:30"), "2026-03-29T00:29", "2026-03-29T00:30"),
    "spring, closed by the earlier reading": (window("sun", "00:00", "01:30"), "2026-03-29T00:30", None),
    "spring, wholly inside the missing hour": (window("sun", "01:10", "01:50"), "2026-03-29T01:20", None),
    "spring, across": (WEEKEND, "2026-03-29T03:59", "2026-03-29T04:00"),
    # 2026-10-25: at 01:00 UTC London's clocks go from 02:00 back to 01:00.
    "autumn, from a wall time that comes twice, first": (WEEKEND, "2026-10-25T00:30", None),
    "autumn, from a wall time that comes twice, second": (WEEKEND, "2026-10-25T01:00", "2026-10-25T05:00"),
    "autumn, until a wall time that comes twice, first": (window("sun", "00:00", "01:30"), "2026-10-25T00:29", "2026-10-25T00:30"),
    "autumn, until a wall time that comes twice, second": (window("sun", "00:00", "01:30"), "2026-10-25T01:15", None),
    "autumn, across, is an hour longer": (window("sun", "00:00", "05:00"), "2026-10-24T23:00", "2026-10-25T05:00"),
}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize("name", CASES)
def test_each_instant_is_in_or_out(name: str) -> None:
    found, now, closes = CASES[name]
    assert closing([found], at(now)) == (at(closes) if closes else None)


def test_of_several_open_windows_the_last_to_close_counts() -> None:
    assert closing([WEEKEND, window("sat", "02:00", "06:00")], at("2026-11-07T03:00")) == at("2026-11-07T06:00")


def test_the_next_opening_is_told() -> None:
    assert next_opening([WEEKEND], at("2026-11-07T05:00")) == at("2026-11-08T01:00")
    assert next_opening([WEEKEND], at("2026-11-08T05:00")) == at("2026-11-14T01:00")
    assert next_opening([], at("2026-11-08T05:00")) is None


minutes = st.integers(0, 1439)


@settings(max_examples=400)
@given(
    opens=minutes,
    closes=st.integers(1, 1440),
    day=st.integers(0, 6),
    offset=st.integers(0, 366 * 24 * 60),
    zone=st.sampled_from(["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo"]),
)
def test_whatever_is_open_lies_inside_the_customers_wall_times(opens: int, closes: int, day: int, offset: int, zone: str) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=offset)
    found = Window(frozenset({day}), opens, closes, ZoneInfo(zone))
    if opens == closes or closing([found], now) is None:
        return
    local = now.astimezone(ZoneInfo(zone))
    wall, weekday = local.hour * 60 + local.minute, local.weekday()
    if closes > opens:
        assert weekday == day and opens <= wall < closes
    else:
        assert (weekday == day and wall >= opens) or (weekday == (day + 1) % 7 and wall < closes)
