"""What may be asked of a monitoring: the input of one execution of `monitor`. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from core.runs.request import model_name, problem_of

LONGEST_WINDOW = 366
_EXAMPLE = '{"model": "abalone", "days": 7} or {"model": "abalone", "from": "2026-11-01"}'


class MonitorRequestError(Exception):
    """The execution's input does not ask for a monitoring; the message is one line."""


def _day(text: str) -> str:
    try:
        written = date.fromisoformat(text).isoformat()
    except ValueError:
        written = ""
    if written != text:
        raise ValueError(f"{text[:40]!r} is not a day; write one such as 2026-01-31")
    return text


Day = Annotated[str, AfterValidator(_day)]


class MonitorRequest(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    model: Annotated[str, AfterValidator(model_name)]
    reason: Annotated[str, Field(min_length=1, max_length=1000)] = "manual"
    # So many days up to the present one; without it, monitor.window_days of model.yaml.
    days: Annotated[int, Field(ge=1, le=LONGEST_WINDOW)] | None = None
    # Or from this day to that one, both of them in the window.
    first: Annotated[Day | None, Field(alias="from")] = None
    last: Annotated[Day | None, Field(alias="to")] = None


@dataclass(frozen=True)
class Window:
    """Days in UTC; the last one is not in it any more."""

    first: date
    after: date

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.first <= day < self.after

    def with_days_before(self, days: int) -> Window:
        """The window and so many days before it."""
        return Window(self.first - timedelta(days=days), self.after)

    def document(self) -> dict[str, str]:
        """As the plan and the report have it."""
        return {"from": self.first.isoformat(), "to": self.after.isoformat()}


def parse_monitor_request(raw: Any) -> MonitorRequest:
    """The request in an execution's input, or MonitorRequestError."""
    try:
        asked = MonitorRequest.model_validate(raw)
    except ValidationError as error:
        words = problem_of(error, MonitorRequest, "the monitoring", _EXAMPLE)
        raise MonitorRequestError(words) from error
    if asked.days is not None and (asked.first or asked.last):
        raise _wrong("days, from: ask for a number of days, or for the days from and to")
    if asked.last and not asked.first:
        raise _wrong("from: is missing beside to; add the first day")
    return asked


def window_of(asked: MonitorRequest, window_days: int, now: datetime) -> Window:
    """The days to watch: as asked, else the last `window_days`, of which today is the last.

    >>> asked = MonitorRequest(model="abalone")
    >>> window_of(asked, 7, datetime(2026, 11, 21, 5, tzinfo=UTC)).document()
    {'from': '2026-11-15', 'to': '2026-11-22'}
    """
    today = now.astimezone(UTC).date()
    if asked.first is None:
        return _last(today, asked.days or window_days)
    first = date.fromisoformat(asked.first)
    last = date.fromisoformat(asked.last) if asked.last else today
    if first > last:
        raise _wrong(f"from: {first} is after {last}; write days that begin before they end")
    if first > today:
        raise _wrong(f"from: {first} is after today, {today} in UTC; write days that were")
    if (last - first).days >= LONGEST_WINDOW:
        raise _wrong(f"from: is more than {LONGEST_WINDOW} days before {last}; watch fewer")
    return Window(first, last + timedelta(days=1))


def _last(today: date, days: int) -> Window:
    return Window(today - timedelta(days=days - 1), today + timedelta(days=1))


def _wrong(words: str) -> MonitorRequestError:
    return MonitorRequestError(
        f"the monitoring's input, {words}; write an input such as {_EXAMPLE}"
    )
