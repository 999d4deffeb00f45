"""When schedules are due, also on the nights when clocks change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.plan.calendar import last_due, next_due, next_month, quiet_until

HOUR = timedelta(hours=1)


def dues(cron: str, zone: str, begin: datetime, end: datetime, step: timedelta) -> list[str]:
    """The local times at which ticks find it due, each once."""
    schedule = {"cron": cron, "time_zone": zone}
    found, handled, at = [], begin, begin
    while at <= end:
        due, count = last_due(schedule, handled, at)
        if due is not None:
            assert count == 1
            found.append(due.astimezone(ZoneInfo(zone)).strftime("%m-%d %H:%M"))
            handled = due
        at += step
    return found


def night(zone: str, day: str) -> tuple[datetime, datetime]:
    begin = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return begin - timedelta(minutes=1), begin + 5 * HOUR + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("cron", "zone", "day", "due"),
    [
        # Spring: 02:00 to 03:00 does not exist; the next minute that does is 03:00.
        ("30 2 * * *", "Europe/Berlin", "2026-03-29", ["03-29 03:00"]),
        ("30 2 * * *", "America/New_York", "2026-03-08", ["03-08 03:00"]),
        # Half an hour is left out there: 02:00 to 02:30.
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-04", ["10-04 02:30"]),
        ("30 2 * * *", "Asia/Tokyo", "2026-03-29", ["03-29 02:30"]),
        # Autumn: an hour, or half of one, comes twice.
        ("30 2 * * *", "Europe/Berlin", "2026-10-25", ["10-25 02:30"]),
        ("30 1 * * *", "America/New_York", "2026-11-01", ["11-01 01:30"]),
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-05", ["04-05 01:45"]),
        ("30 2 * * *", "Asia/Tokyo", "2026-10-25", ["10-25 02:30"]),
    ],
)
def test_a_fixed_time_is_due_once_on_a_night_when_clocks_change(
    cron: str, zone: str, day: str, due: list[str]
) -> None:
    assert dues(cron, zone, *night(zone, day), timedelta(minutes=5)) == due


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", ["00:00", "01:00", "03:00", "04:00", "05:00"]),
        ("Europe/Berlin", "2026-10-25", ["00:00", "01:00", "02:00", "02:00", "03:00", "04:00"]),
        ("Asia/Tokyo", "2026-10-25", ["00:00", "01:00", "02:00", "03:00", "04:00", "05:00"]),
    ],
)
def test_an_hourly_schedule_follows_elapsed_time(zone: str, day: str, hours: list[str]) -> None:
    found = dues("0 * * * *", zone, *night(zone, day), timedelta(minutes=5))
    assert [each[6:] for each in found][: len(hours)] == hours


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/Berlin", "2026-03-29"),
        ("Europe/Berlin", "2026-10-25"),
        ("America/New_York", "2026-11-01"),
        ("Australia/Lord_Howe", "2026-04-05"),
    ],
)
def test_every_quarter_of_an_hour_is_due_as_often_as_it_passes(zone: str, day: str) -> None:
    begin, end = night(zone, day)
    found = dues("*/15 * * * *", zone, begin, end, timedelta(minutes=5))
    assert len(found) == 21  # five hours, with both ends


def test_half_past_two_in_berlin_is_due_once_on_each_day_of_a_year() -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    schedule = {"cron": "30 2 * * *", "time_zone": "Europe/Berlin"}
    assert last_due(schedule, begin, begin + timedelta(days=365))[1] == 365


@given(
    begin=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),
    steps=st.lists(st.integers(1, 900), min_size=1, max_size=20),
    cron=st.sampled_from(["30 2 * * *", "*/15 * * * *", "0 1-3 * * *", "15,45 1,2 * * 0"]),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
)
def test_times_are_found_once_however_the_ticks_fall(
    begin: datetime, steps: list[int], cron: str, zone: str
) -> None:
    schedule = {"cron": cron, "time_zone": zone}
    start = begin.replace(tzinfo=UTC, microsecond=0)
    at, handled, count = start, start, 0
    for minutes in steps:
        at += timedelta(minutes=minutes)
        due, times = last_due(schedule, handled, at)
        count, handled = count + times, due or handled
    assert count == last_due(schedule, start, at)[1]


def test_the_next_time_is_the_first_that_the_ticks_find() -> None:
    schedule = {"cron": "0 6 1 * *", "time_zone": "Europe/Berlin"}
    at = datetime(2026, 11, 30, tzinfo=UTC)
    assert next_due(schedule, at) == datetime(2026, 12, 1, 5, tzinfo=UTC)


def test_quiet_hours_may_pass_midnight() -> None:
    hours = {"start": "22:00", "end": "06:00", "time_zone": "Europe/Berlin"}
    end = datetime(2026, 12, 1, 5, tzinfo=UTC)
    assert quiet_until(hours, datetime(2026, 11, 30, 22, tzinfo=UTC)) == end
    assert quiet_until(hours, datetime(2026, 12, 1, 4, 59, tzinfo=UTC)) == end
    assert quiet_until(hours, end) is None
    assert quiet_until(hours, datetime(2026, 11, 30, 20, 59, tzinfo=UTC)) is None


def test_the_next_month_follows_december_too() -> None:
    assert next_month(datetime(2026, 11, 30, tzinfo=UTC)).month == 12
    assert next_month(datetime(2026, 12, 31, tzinfo=UTC)) == datetime(2027, 1, 1, tzinfo=UTC)
