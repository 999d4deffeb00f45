"""Schedules: cron expressions of five fields, and time zones by their IANA names."""

from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator

_EXAMPLE = '"30 6 * * 1", which is Mondays at 6:30'


def _cron(text: str) -> str:
    if len(text.split()) != 5:
        fields = "minute, hour, day of month, month and day of week"
        raise ValueError(f"{text!r} has not the five fields {fields}; write one such as {_EXAMPLE}")
    # Most definitions have no schedule.
    from cronsim import CronSim, CronSimError

    try:
        next(CronSim(text, datetime(2026, 1, 1, tzinfo=UTC)))
    except StopIteration:
        raise ValueError(f"{text!r} never comes; write one such as {_EXAMPLE}") from None
    except CronSimError as error:
        raise ValueError(
            f"{text!r} is no schedule ({error}); write one such as {_EXAMPLE}"
        ) from None
    return text


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        words = "is no IANA time zone; write one such as Europe/Berlin or UTC"
        raise ValueError(f"{name!r} {words}") from None
    return name


Cron = Annotated[str, AfterValidator(_cron)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
