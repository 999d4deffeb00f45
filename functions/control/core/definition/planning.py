"""The keys of `model.yaml` about what starts without anybody asking, and what it may cost."""

import datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from core.definition.part import Grown, Part
from core.definition.schedule import Cron, TimeZone


class Schedule(Part):
    """When something is due: a cron expression of five fields, in the time of a place."""

    cron: Cron
    time_zone: TimeZone = "UTC"


def _time_of_day(value: object) -> object:
    try:
        # YAML reads 22:00 without quotes as the number 1320.
        known = isinstance(value, str) and len(value) == 5
        datetime.time.fromisoformat(str(value))
    except ValueError:
        known = False
    if not known:
        raise ValueError(f'{value!r} is no time of day; write one in quotes, such as "22:00"')
    return value


TimeOfDay = Annotated[str, BeforeValidator(_time_of_day)]


class QuietHours(Part):
    """Between these hours nothing is started for the model; they may pass midnight."""

    start: TimeOfDay
    end: TimeOfDay
    time_zone: TimeZone = "UTC"

    @model_validator(mode="after")
    def _not_always(self) -> "QuietHours":
        if self.start == self.end:
            raise ValueError("start and end are the same; write hours between which to be quiet")
        return self


class Retrain(Grown):
    """When the model is retrained without anybody asking."""

    later = frozenset({"schedule"})

    schedule: Schedule | None = None
    # New data, another definition, or what a monitoring found.
    on: list[Literal["data", "definition", "drift", "quality"]] = []
    # Data is complete when none came for so long.
    quiet_minutes: Annotated[int, Field(ge=0, le=7 * 24 * 60)] = 30
    # At least so long lies between retrainings that data or alarms ask for.
    cool_down_hours: Annotated[float, Field(ge=0, le=366 * 24)] = 24


class Budget(Part):
    """What the planner may spend on the model in a month; people may spend more."""

    usd_per_month: Annotated[float, Field(ge=0, le=1e9)]
