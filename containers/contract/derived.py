"""Features that are computed from a column: a part of a date, or a number less an offset.

Training, evaluation and the golden records compute them here, from the column as it is in the data.
The scorer has a twin, serving/scoring/scorer/derived.py, because it has no polars. A test holds the
two together.

A date is text: 2026-01-31, or with a time, to the second, and perhaps an offset from UTC. With an
offset it is converted to UTC; without, it is taken as it is written.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl

from contract.step import StepError

if TYPE_CHECKING:
    from contract.plan import Plan

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)
DAY = 86_400
_DATE = "([1-9][0-9]{3}-[0-9]{2}-[0-9]{2})"
_TIME = "((?:[01][0-9]|2[0-3]):[0-5][0-9])(?::([0-5][0-9])(?:[.,][0-9]+)?)?"
_ZONE = "(?:Z|UTC|([+-])([01][0-9]|2[0-3])(?::?([0-5][0-9]))?)"
PATTERN = f"^{_DATE}(?:[T ]{_TIME}(?: ?{_ZONE})?)?$"


@dataclass(frozen=True)
class Derived:
    """A feature and what it is computed from. Without `part` it is the column less the offset."""

    name: str
    column: str
    part: str | None = None
    since: str | None = None
    offset: float = 0.0

    @classmethod
    def from_document(cls, entry: Mapping[str, Any]) -> Derived:
        """Read what `document` wrote."""
        return cls(
            entry["name"],
            entry["column"],
            entry.get("part"),
            entry.get("since"),
            float(entry.get("offset", 0.0)),
        )

    def document(self) -> dict[str, Any]:
        """The entry in encoding.json."""
        if self.part is None:
            return {"name": self.name, "column": self.column, "offset": self.offset}
        since = {} if self.since is None else {"since": self.since}
        return {"name": self.name, "column": self.column, "part": self.part, **since}

    def expression(self) -> pl.Expr:
        """The feature as Float32; null where the column is null or no date."""
        if self.part is None:
            value = pl.col(self.column).cast(pl.Float64) - self.offset
        else:
            value = _part(seconds(pl.col(self.column)), self.part, self.since)
        return value.cast(pl.Float32).alias(self.name)


def derived_features(plan: Plan) -> tuple[Derived, ...]:
    """The plan's features that are computed from a column."""
    return tuple(
        Derived(one.name, one.derive.column, one.derive.part, one.derive.since)
        if one.derive
        else Derived(one.name, one.name, offset=one.offset)
        for one in plan.features
        if one.derive or one.offset
    )


def derive(frame: Frame, derived: Iterable[Derived]) -> Frame:
    """The frame with these features. Raises StepError if a column does not allow it."""
    derived = list(derived)
    schema = frame.collect_schema() if derived else pl.Schema()
    for one in derived:
        dtype = schema.get(one.column)
        if dtype is None:
            raise StepError(
                f"the rows have no column '{one.column}', which the model computes '{one.name}' "
                "from; declare that in model.yaml again"
            )
        if one.part is None and dtype == pl.Float32:
            raise StepError(
                f"the model subtracts {one.offset:.17g} from '{one.column}', whose rows have lost "
                "those digits; declare the feature's offset in model.yaml again"
            )
        if (dtype == pl.String) == (one.part is None):
            raise StepError(
                f"column '{one.column}' is {dtype}, from which '{one.name}' cannot be computed; "
                "declare it in model.yaml as when the model was trained"
            )
    return frame.with_columns(one.expression() for one in derived) if derived else frame


def seconds(texts: pl.Expr) -> pl.Expr:
    """The dates' seconds since 1970 in UTC, as whole numbers; null where a text is no date."""
    found = texts.str.strip_chars(" \t\r\n").str.extract_groups(PATTERN)
    part = [found.struct.field(str(number)) for number in range(1, 7)]
    day, time, second, sign, hours, minutes = part
    written = pl.concat_str(
        day, pl.lit(" "), time.fill_null("00:00"), pl.lit(":"), second.fill_null("00")
    )
    local = written.str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False).dt.epoch("s")
    ahead = hours.cast(pl.Int64) * 3600 + minutes.fill_null("00").cast(pl.Int64) * 60
    ahead = pl.when(sign == "-").then(-ahead).otherwise(ahead).fill_null(0)
    return local - ahead


def _part(at: pl.Expr, part: str, since: str | None) -> pl.Expr:
    if part == "days":
        return (at - seconds_of_day(str(since))) / DAY
    moment = pl.from_epoch(at, "s").dt
    return {
        "year": moment.year,
        "quarter": moment.quarter,
        "month": moment.month,
        "day": moment.day,
        "weekday": moment.weekday,
        "day_of_year": moment.ordinal_day,
        "hour": moment.hour,
    }[part]()


def seconds_of_day(text: str) -> int:
    """The seconds from 1970 to the beginning of a day.

    >>> seconds_of_day("1970-01-03")
    172800
    """
    return (datetime.date.fromisoformat(text) - datetime.date(1970, 1, 1)).days * DAY
