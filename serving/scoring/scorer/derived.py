"""Features that are computed from a column of the request: a part of a date, or a number less an
offset. The same values give the same numbers as containers/contract/derived.py; a test checks that.
"""

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DAY = 86_400
_FIRST = datetime.date(1970, 1, 1)
_DATE = "([1-9][0-9]{3})-([0-9]{2})-([0-9]{2})"
_TIME = "([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(?:[.,][0-9]+)?)?"
_ZONE = "(?:Z|UTC|([+-])([01][0-9]|2[0-3])(?::?([0-5][0-9]))?)"
_PATTERN = re.compile(f"{_DATE}(?:[T ]{_TIME}(?: ?{_ZONE})?)?")


@dataclass(frozen=True)
class Derived:
    """A feature and what it is computed from. Without `part` it is the column less the offset."""

    name: str
    column: str
    part: str | None
    since: str | None
    offset: float

    @classmethod
    def from_document(cls, entry: Mapping[str, Any]) -> "Derived":
        """Read an entry of encoding.json."""
        offset = float(entry.get("offset", 0.0))
        return cls(entry["name"], entry["column"], entry.get("part"), entry.get("since"), offset)

    def values(self, column: Floats) -> Floats:
        """The feature of each row; NaN stays NaN. A date's column has its seconds."""
        if self.part is None:
            return column - self.offset
        if self.part == "days":
            since = datetime.date.fromisoformat(str(self.since))
            return (column - (since - _FIRST).days * DAY) / DAY
        missing = np.isnan(column)
        seconds = np.where(missing, 0, column).astype(np.int64)
        return np.where(missing, np.nan, _PARTS[self.part](seconds).astype(np.float64))


def matrix(
    names: Sequence[str], columns: Sequence[str], derived: Sequence[Derived], rows: Floats
) -> Floats:
    """The model's input columns, from the columns of a request."""
    place = {name: position for position, name in enumerate(columns)}
    computed = {one.name: one.values(rows[:, place[one.column]]) for one in derived}
    every = [computed[name] if name in computed else rows[:, place[name]] for name in names]
    return np.stack(every, axis=1)


def seconds(text: str) -> float | None:
    """A date's seconds since 1970 in UTC; None if the text is no date.

    >>> seconds("1970-01-02"), seconds("1970-01-01T01:00:00+01:00"), seconds("31.12.1970")
    (86400.0, 0.0, None)
    """
    found = _PATTERN.fullmatch(text.strip(" \t\r\n"))
    if found is None:
        return None
    year, month, day, hour, minute, second, sign, hours, minutes = found.groups(default="0")
    try:
        date = datetime.date(int(year), int(month), int(day))
    except ValueError:  # such as 30 February
        return None
    local = (date - _FIRST).days * DAY + int(hour) * 3600 + int(minute) * 60 + int(second)
    ahead = int(hours) * 3600 + int(minutes) * 60
    return float(local + ahead if sign == "-" else local - ahead)


def _days(seconds: NDArray[np.int64]) -> NDArray[np.datetime64]:
    return (seconds // DAY).astype("datetime64[D]")


def _months(seconds: NDArray[np.int64]) -> NDArray[np.int64]:
    """The months since 1970."""
    return _days(seconds).astype("datetime64[M]").astype(np.int64)


def _since(seconds: NDArray[np.int64], unit: str) -> NDArray[np.int64]:
    """The day's place in its month or year, from 1."""
    days = _days(seconds)
    place: NDArray[np.int64] = (days - days.astype(f"datetime64[{unit}]")).astype(np.int64)
    return place + 1


_PARTS: Mapping[str, Callable[[NDArray[np.int64]], NDArray[np.int64]]] = {
    "year": lambda seconds: _months(seconds) // 12 + 1970,
    "quarter": lambda seconds: _months(seconds) % 12 // 3 + 1,
    "month": lambda seconds: _months(seconds) % 12 + 1,
    "day": lambda seconds: _since(seconds, "M"),
    "weekday": lambda seconds: (seconds // DAY + 3) % 7 + 1,
    "day_of_year": lambda seconds: _since(seconds, "Y"),
    "hour": lambda seconds: seconds % DAY // 3600,
}
