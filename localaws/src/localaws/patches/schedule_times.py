"""When a schedule of EventBridge Scheduler is due, in the time of its place.

A time that a clock change leaves out is left out; one that comes twice is due the first time.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ministack.services import eventbridge, scheduler

EXPRESSION, ZONE = "ScheduleExpression", "ScheduleExpressionTimezone"


class NoSuchZoneError(Exception):
    """A time zone that does not exist."""


def zone_of(schedule: Mapping[str, Any]) -> ZoneInfo:
    """
    >>> zone_of({"ScheduleExpressionTimezone": "Asia/Tokyo"}), zone_of({})
    (zoneinfo.ZoneInfo(key='Asia/Tokyo'), zoneinfo.ZoneInfo(key='UTC'))
    """
    name = schedule.get(ZONE) or "UTC"
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise NoSuchZoneError(f"Invalid Schedule Expression Timezone: {name}") from error


def is_due(schedule: Mapping[str, Any], last: float | None, now: float) -> bool:
    """Whether it is to fire now; `last`: when it fired, or since when it is looked at."""
    moment = at_moment(schedule)
    if moment is not None:
        return last is None and now >= moment.timestamp()
    seconds = eventbridge._parse_rate_seconds(schedule[EXPRESSION])
    if seconds is not None:
        since = float(schedule.get("CreationDate", now)) if last is None else last
        return now - since >= float(seconds)
    if last is None:
        return False
    due = next_time(schedule, datetime.fromtimestamp(last, UTC))
    return due is not None and now >= due.timestamp()


def at_moment(schedule: Mapping[str, Any]) -> datetime | None:
    """When it fires its only time; None if it is of another kind.

    >>> at_moment({"ScheduleExpression": "at(2026-11-30T12:00:00)",
    ...     "ScheduleExpressionTimezone": "Asia/Tokyo"}).astimezone(UTC).isoformat()
    '2026-11-30T03:00:00+00:00'
    """
    written = str(schedule[EXPRESSION]).strip()
    if not (written.startswith("at(") and written.endswith(")")):
        return None
    try:
        return datetime.fromisoformat(written[3:-1].strip()).replace(tzinfo=zone_of(schedule))
    except ValueError:
        return None


def next_time(schedule: Mapping[str, Any], after: datetime) -> datetime | None:
    """The first time of a cron expression after a moment, in UTC; None if there is none.

    >>> berlin = {"ScheduleExpression": "cron(30 2 * * ? *)",
    ...     "ScheduleExpressionTimezone": "Europe/Berlin"}
    >>> next_time(berlin, datetime(2026, 3, 28, 12, tzinfo=UTC)).isoformat()
    '2026-03-30T00:30:00+00:00'
    >>> next_time(berlin, datetime(2026, 10, 24, 12, tzinfo=UTC)).isoformat()
    '2026-10-25T00:30:00+00:00'
    """
    fields = eventbridge._parse_cron_fields(schedule[EXPRESSION])
    if fields is None:
        return None
    zone = zone_of(schedule)
    # MiniStack counts in UTC, so it is given the clock on the wall as if that were UTC.
    wall: datetime | None = after.astimezone(zone).replace(tzinfo=UTC)
    while (wall := eventbridge._cron_next_fire(fields, wall)) is not None:
        due: datetime = wall.replace(tzinfo=zone).astimezone(UTC)
        exists = due.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None)
        if exists and due > after:
            return due
    return None


def is_cron(schedule: Mapping[str, Any]) -> bool:
    """Whether it has times, and no time or rate."""
    return eventbridge._parse_cron_fields(schedule[EXPRESSION]) is not None


def may_fire(schedule: Mapping[str, Any], now: float) -> bool:
    """Whether it is switched on, and its time has begun."""
    begin = scheduler._to_epoch(schedule.get("StartDate"))
    return schedule.get("State") == "ENABLED" and (begin is None or now >= begin)


def is_over(schedule: Mapping[str, Any], now: float) -> bool:
    """Whether its time has ended."""
    end = scheduler._to_epoch(schedule.get("EndDate"))
    return end is not None and now > end
