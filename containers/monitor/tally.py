"""Counts of a column's values by day, in the bins of its baseline, frame after frame. Pure.

The memory they take depends on the number of days and bins alone, not on the rows.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from contract.metrics import Floats

Integers = NDArray[np.int64]
# Values that the encoding does not know: so many are kept by name, and so many are shown.
MOST_STRANGERS = 1_000
SHOWN_STRANGERS = 5
# The rest of the values that the baseline does not name.
OTHERS = "(other values)"


class Tally(Protocol):
    """What was counted; all arrays have an entry for each day.

    counts: by day and bin, of the values that are there. rows: the rows of the days. absent: those
    of files without the column.
    """

    rows: Integers
    counts: Integers
    missing: Integers
    unknown: Integers
    absent: int

    def add(self, day: int, values: pl.Series | None, rows: int) -> None:
        """Take in a day's rows; without values, the column is absent."""

    @property
    def constant(self) -> bool:
        """Do all values that are there have one value?"""

    def means(self) -> list[float | None]:
        """The mean by day; None for a day without numbers."""


class NumberTally:
    """Numbers in the baseline's bins: above the left edge, up to and including the right one."""

    def __init__(self, days: int, edges: Sequence[float], *, exact: bool = False) -> None:
        # The outer edges are the baseline's extremes, but the outer bins have no end.
        self.inner = [float(edge) for edge in edges[1:-1]]
        self.exact = exact
        self.rows = np.zeros(days, np.int64)
        self.counts = np.zeros((days, len(self.inner) + 1), np.int64)
        self.missing = np.zeros(days, np.int64)
        self.unknown = np.zeros(days, np.int64)
        self.sums = np.zeros(days, np.float64)
        self.minimum, self.maximum = math.inf, -math.inf
        self.absent = 0

    def add(self, day: int, values: pl.Series | None, rows: int) -> None:
        """Take in a day's rows; a text that is no number counts as missing."""
        self.rows[day] += rows
        if values is None:
            self.absent += rows
            self.missing[day] += rows
            return
        # Bins were made of 32-bit numbers, unless an offset needs the digits.
        numbers = values.cast(pl.Float64, strict=False).fill_nan(None)
        if not self.exact:
            numbers = numbers.cast(pl.Float32)
        numbers = numbers.drop_nulls().cast(pl.Float64)
        self.missing[day] += rows - len(numbers)
        if not len(numbers):
            return
        found: Floats = numbers.to_numpy()
        # For a handful of edges this is several times faster than looking for each value's bin.
        above = [np.count_nonzero(found > edge) for edge in self.inner]
        self.counts[day] += -np.diff([len(found), *above, 0])
        self.sums[day] += float(found.sum())
        self.minimum = min(self.minimum, float(found.min()))
        self.maximum = max(self.maximum, float(found.max()))

    @property
    def constant(self) -> bool:
        """Do all values that are there have one value?"""
        return self.minimum == self.maximum

    def means(self) -> list[float | None]:
        """The mean by day; None for a day without numbers."""
        known = self.counts.sum(axis=1)
        return [
            float(total) / int(count) if count else None
            for total, count in zip(self.sums, known, strict=True)
        ]


class CategoryTally:
    """Categories by the baseline's names, the others together; and those the encoding lacks."""

    def __init__(self, days: int, names: Sequence[str], known: frozenset[str]) -> None:
        self.names = [*names, OTHERS]
        self.place = {name: number for number, name in enumerate(names)}
        self.known = known
        self.rows = np.zeros(days, np.int64)
        self.counts = np.zeros((days, len(self.names)), np.int64)
        self.missing = np.zeros(days, np.int64)
        self.unknown = np.zeros(days, np.int64)
        self.strangers: Counter[str] = Counter()
        self.absent = 0
        self.seen: set[str] = set()

    def add(self, day: int, values: pl.Series | None, rows: int) -> None:
        """Take in a day's rows."""
        self.rows[day] += rows
        if values is None:
            self.absent += rows
            self.missing[day] += rows
            return
        self.missing[day] += rows - len(values) + values.null_count()
        # Not under its own name: polars fails to count a column named "count".
        found = values.cast(pl.String).drop_nulls().alias("value").value_counts()
        for name, times in found.iter_rows():
            self.counts[day, self.place.get(name, -1)] += times
            if len(self.seen) < 2:
                self.seen.add(name)
            if name not in self.known:
                self.unknown[day] += times
                if name in self.strangers or len(self.strangers) < MOST_STRANGERS:
                    self.strangers[name] += times

    @property
    def constant(self) -> bool:
        """Do all values that are there have one value?"""
        return len(self.seen) == 1

    def means(self) -> list[float | None]:
        """Categories have no mean."""
        return [None] * len(self.rows)

    def most_unknown(self) -> list[dict[str, str | int]]:
        """The most frequent values that the encoding does not know."""
        ranked = sorted(self.strangers.items(), key=lambda each: (-each[1], each[0]))
        return [{"value": name, "rows": times} for name, times in ranked[:SHOWN_STRANGERS]]
