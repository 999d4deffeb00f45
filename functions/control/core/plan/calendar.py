"""When a schedule is due, in the time of its place, also on the nights when clocks change. Pure.

A fixed time that does not exist on such a night is due once, at the next minute that does. One that
exists twice is due once, the first time. Hourly and `*/15` schedules follow elapsed time. These are
the rules of Debian's cron, which cronsim keeps; EventBridge Scheduler would skip the first kind.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim

# cronsim may repeat times if it begins within a repeated hour; so it begins before any.
_EARLIER = timedelta(hours=3)
# A schedule that was missed for longer than this is caught up as if it were for this long.
MOST_MISSED = timedelta(days=400)

Schedule = Mapping[str, Any]


def last_due(schedule: Schedule, after: datetime, until: datetime) -> tuple[datetime | None, int]:
    """The last time it was due after one moment until another, and how many times it was.

    >>> nightly = {"cron": "30 2 * * *", "time_zone": "Europe/Berlin"}
    >>> noon = datetime(2026, 3, 28, 12, tzinfo=UTC)
    >>> last_due(nightly, noon, noon + timedelta(days=1))
    (datetime.datetime(2026, 3, 29, 1, 0, tzinfo=datetime.timezone.utc), 1)
    """
    last, count = None, 0
    for due in _times(schedule, max(after, until - MOST_MISSED)):
        if due > until:
            break
        last, count = due, count + 1
    return last, count


def next_due(schedule: Schedule, after: datetime) -> datetime | None:
    """The first time it is due after a moment; None if never again."""
    return next(_times(schedule, after), None)


def quiet_until(hours: Mapping[str, Any], at: datetime) -> datetime | None:
    """When the quiet hours end in which `at` lies; None if it lies in none.

    `hours` is {"start": "22:00", "end": "06:00", "time_zone": …}; they may pass midnight.

    >>> office = {"start": "08:00", "end": "18:00", "time_zone": "Asia/Tokyo"}
    >>> quiet_until(office, datetime(2026, 11, 30, 0, tzinfo=UTC))
    datetime.datetime(2026, 11, 30, 9, 0, tzinfo=datetime.timezone.utc)
    """
    zone = ZoneInfo(hours["time_zone"])
    begin, end = time.fromisoformat(hours["start"]), time.fromisoformat(hours["end"])
    here = at.astimezone(zone)
    for day in (here.date() - timedelta(days=1), here.date()):
        last_day = day if begin < end else day + timedelta(days=1)
        first = datetime.combine(day, begin, zone).astimezone(UTC)
        last = datetime.combine(last_day, end, zone).astimezone(UTC)
        if first <= at < last:
            return last
    return None


def month_of(at: datetime) -> str:
    """The month of a budget, in UTC.

    >>> month_of(datetime(2026, 11, 30, 23, tzinfo=UTC))
    '2026-11'
    """
    return at.astimezone(UTC).strftime("%Y-%m")


def next_month(at: datetime) -> datetime:
    """The first moment of the next month in UTC, as budgets count.

    >>> next_month(datetime(2026, 12, 31, 23, tzinfo=UTC))
    datetime.datetime(2027, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
    """
    return datetime(at.year + at.month // 12, at.month % 12 + 1, 1, tzinfo=UTC)


def _times(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    """When it is due after a moment, in UTC and in order."""
    zone = ZoneInfo(schedule["time_zone"])
    last = after.astimezone(UTC)
    for due in CronSim(schedule["cron"], (after - _EARLIER).astimezone(zone)):
        in_utc = due.astimezone(UTC)
        if in_utc > last:
            yield in_utc
            last = in_utc
