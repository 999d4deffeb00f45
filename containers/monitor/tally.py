"""Counts of a column by day, in the bins of its baseline, frame after frame. Pure.

The memory they take depends on the days, the bins and the different categories, not on the rows.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from drift.counts import FeatureCounts, Reference
from drift.psi import Integers

# Of values that the baseline does not name, so many are told apart, in all days together so many
# by day, and so many are shown.
MOST_NEW = 100_000
MOST_NEW_OF_DAYS = 400_000
SHOWN_NEW = 5
# The values that are not told apart.
OTHERS = "(other values)"


class Tally:
    """The counts of one column; every array has an entry for each day.

    counts: the rows of each bin; of categories the last bin is of those the baseline does not name.
    """

    def __init__(self, days: int, reference: Reference) -> None:
        self.reference = reference
        self.names = [*reference.categories, OTHERS] if reference.kind == "categorical" else []
        self.rows = np.zeros(days, np.int64)
        self.missing = np.zeros(days, np.int64)
        self.counts = np.zeros((days, len(self.names) or len(reference.inner) + 1), np.int64)
        self.sums = np.zeros(days, np.float64)
        self.minimum, self.maximum = math.inf, -math.inf
        self.new: Counter[str] = Counter()
        self._new: list[Counter[str]] = [Counter() for _ in range(days)]
        self._held = 0
        self._place = {name: number for number, name in enumerate(reference.categories)}

    def add(self, day: int, counts: FeatureCounts) -> None:
        """Take in the counts of a day's rows."""
        self.rows[day] += counts.rows
        self.missing[day] += counts.missing
        if counts.bins is None:
            self._add_categories(day, counts)
            return
        self.counts[day] += counts.bins
        if counts.mean is not None and counts.minimum is not None and counts.maximum is not None:
            self.sums[day] += counts.mean * counts.present
            self.minimum = min(self.minimum, counts.minimum)
            self.maximum = max(self.maximum, counts.maximum)

    def add_absent(self, day: int, rows: int) -> None:
        """Take in rows of a file without the column."""
        self.rows[day] += rows
        self.missing[day] += rows

    def _add_categories(self, day: int, counts: FeatureCounts) -> None:
        for name, times in counts.categories.items():
            place = self._place.get(name, -1)
            self.counts[day, place] += times
            if place < 0 and self.is_complete:
                self._add_new(day, name, times)

    def _add_new(self, day: int, name: str, times: int) -> None:
        told_apart = name in self.new or len(self.new) < MOST_NEW
        self.new[name if told_apart else OTHERS] += times
        of_day = self._new[day]
        if name not in of_day and self._held >= MOST_NEW_OF_DAYS:
            name = OTHERS
        self._held += name not in of_day
        of_day[name] += times

    @property
    def is_complete(self) -> bool:
        """Does the baseline name all values? If there were very many, it does not, and whether a
        value is new cannot be told."""
        return self.reference.kind == "categorical" and self.reference.other is None

    def total(self) -> FeatureCounts:
        """The counts of all days together."""
        rows, missing = int(self.rows.sum()), int(self.missing.sum())
        bins = self.counts.sum(axis=0)
        if self.reference.kind == "categorical":
            return FeatureCounts(rows, missing, None, self._categories(bins, self.new))
        if rows == missing:
            return FeatureCounts(rows, missing, bins)
        mean = float(self.sums.sum()) / (rows - missing)
        return FeatureCounts(rows, missing, bins, {}, self.minimum, self.maximum, mean)

    def of_day(self, day: int) -> FeatureCounts:
        """The counts of one day: of numbers only how many are in each bin."""
        rows, missing, bins = int(self.rows[day]), int(self.missing[day]), self.counts[day]
        if self.reference.kind == "categorical":
            return FeatureCounts(rows, missing, None, self._categories(bins, self._new[day]))
        return FeatureCounts(rows, missing, bins)

    def _categories(self, bins: Integers, new: Mapping[str, int]) -> dict[str, int]:
        named = {name: int(bins[place]) for name, place in self._place.items() if bins[place]}
        others = new if self.is_complete else {OTHERS: int(bins[-1])} if bins[-1] else {}
        return {**named, **others}

    @property
    def unknown(self) -> Sequence[int | None]:
        """By day, the rows whose value the baseline does not have; None where it cannot tell."""
        if not self.is_complete:
            return [None] * len(self.rows)
        return [int(count) for count in self.counts[:, -1]]

    @property
    def means(self) -> Sequence[float | None]:
        """The mean by day; None for a day without numbers, and for categories."""
        if self.reference.kind == "categorical":
            return [None] * len(self.rows)
        known = (self.rows - self.missing).tolist()
        sums = self.sums.tolist()
        return [sums[day] / count if count else None for day, count in enumerate(known)]

    def most_new(self) -> list[dict[str, str | int]]:
        """The most frequent values that the baseline does not have."""
        ranked = sorted(self.new.items(), key=lambda each: (-each[1], each[0]))
        return [{"value": name, "rows": times} for name, times in ranked[:SHOWN_NEW]]
