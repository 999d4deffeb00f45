"""The baseline: what the training rows look like. Later data is compared with it.

Counts, means and extremes are exact. Bins and common values come from a sample: the training rows
with the smallest hashes, which is all of them up to SAMPLE_ROWS. The sample depends on the rows
alone, so neither the order nor the size of batches changes it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from contract.baseline_merge import MOST_CATEGORIES, NAMED_CATEGORIES, SAMPLE_ROWS
from contract.histogram import common_values, histogram
from contract.split import ROW


class Numbers:
    """Count, mean, variance and extremes of a column, collected batch by batch.

    Mean and squared deviations are merged by the method of Chan, Golub and LeVeque (1979), which
    keeps its precision when the mean is large compared with the spread.
    """

    def __init__(self) -> None:
        self.count = 0
        self.missing = 0
        self.mean = 0.0
        self.squares = 0.0
        self.minimum = math.inf
        self.maximum = -math.inf

    @staticmethod
    def summary(name: str) -> list[pl.Expr]:
        """What `add` needs from a batch, each value under its own name."""
        value = pl.col(name)
        return [
            value.count().alias(f"{name}\0count"),
            value.mean().alias(f"{name}\0mean"),
            # The square of a 32-bit number may not fit into 32 bits.
            value.cast(pl.Float64).var(ddof=0).alias(f"{name}\0variance"),
            value.min().alias(f"{name}\0minimum"),
            value.max().alias(f"{name}\0maximum"),
        ]

    def add(self, name: str, rows: int, summary: Mapping[str, Any]) -> None:
        """Take in the summary of a batch of `rows` rows."""
        count = int(summary[f"{name}\0count"])
        self.missing += rows - count
        if not count:
            return
        total = self.count + count
        shift = summary[f"{name}\0mean"] - self.mean
        self.mean += shift * count / total
        self.squares += summary[f"{name}\0variance"] * count
        self.squares += shift * shift * self.count * count / total
        self.minimum = min(self.minimum, summary[f"{name}\0minimum"])
        self.maximum = max(self.maximum, summary[f"{name}\0maximum"])
        self.count = total

    def describe(self, sample: pl.Series) -> dict[str, Any]:
        """This column's entry in baseline.json."""
        entry: dict[str, Any] = {"kind": "numeric", "missing": _share(self.missing, self.count)}
        if not self.count:
            empty = {"minimum": None, "maximum": None, "mean": None, "std": None}
            return {**entry, "numeric": {"edges": [], "shares": [], **empty}}
        sample = sample.drop_nulls().cast(pl.Float64).sort()
        edges, shares = histogram(sample, self.minimum, self.maximum)
        return {
            **entry,
            "numeric": {
                "edges": edges,
                "shares": shares,
                "common": common_values(sample),
                "sampled": sample.count(),
                "minimum": self.minimum,
                "maximum": self.maximum,
                "mean": self.mean,
                "std": math.sqrt(max(self.squares, 0.0) / self.count),
            },
        }


class Categories:
    """How often each value of a column occurs. Above MOST_CATEGORIES counting stops, and the shares
    come from the sample.
    """

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.count = 0
        self.missing = 0
        self.too_many = False

    def add(self, values: pl.Series) -> None:
        """Take in a batch's values."""
        missing = values.null_count()
        self.missing += missing
        self.count += len(values) - missing
        if self.too_many:
            return
        counted = _counted(values)
        if counted.height <= MOST_CATEGORIES:
            for value, times in counted.rows():
                self.counts[value] = self.counts.get(value, 0) + times
        if max(counted.height, len(self.counts)) > MOST_CATEGORIES:
            self.too_many = True
            self.counts = {}

    def describe(self, sample: pl.Series) -> dict[str, Any]:
        """This column's entry in baseline.json. `other` is the share of the values not named."""
        entry: dict[str, Any] = {
            "kind": "categorical",
            "missing": _share(self.missing, self.count),
        }
        if not self.too_many:
            return {**entry, "categories": shares_of(self.counts)}
        counts = dict(_counted(sample).iter_rows())
        common = sorted(shares_of(counts).items(), key=lambda item: (-item[1], item[0]))
        named = dict(sorted(common[:NAMED_CATEGORIES]))
        other = max(0.0, 1 - math.fsum(named.values()))
        return {**entry, "categories": named, "other": other, "sampled": sum(counts.values())}


class Sample:
    """The training rows with the smallest hashes; among equal hashes, the smaller target first.

    Up to twice as many rows are held: choosing the smallest costs more than holding some others.
    """

    def __init__(self, target: str, rows: int = SAMPLE_ROWS) -> None:
        self.target = target
        self.rows = rows
        self._held: list[pl.DataFrame] = []
        self._limit: int | None = None

    def add(self, frame: pl.DataFrame) -> None:
        """Add the rows of a batch that may belong to the sample."""
        if self._limit is not None:
            frame = frame.filter(pl.col(ROW) <= pl.lit(self._limit, dtype=pl.UInt64))
        if not frame.height:
            return
        self._held.append(frame)
        if sum(held.height for held in self._held) > 2 * self.rows:
            self._choose()

    @property
    def frame(self) -> pl.DataFrame | None:
        """The sample of the rows so far; None without any."""
        self._choose()
        return self._held[0] if self._held else None

    def _choose(self) -> None:
        if not self._held:
            return
        if sum(held.height for held in self._held) > self.rows:
            # One column is sorted instead of all, of which most rows are not kept.
            hashes = pl.concat([held[ROW] for held in self._held]).sort()
            self._limit = int(hashes[self.rows - 1])
            within = pl.col(ROW) <= pl.lit(self._limit, dtype=pl.UInt64)
            self._held = [held.filter(within) for held in self._held]
        together = pl.concat(self._held)
        if together.height > self.rows:
            # Rows with equal hashes have equal features, so rows with equal targets are the same.
            together = together.sort(ROW, self.target).head(self.rows)
        self._held = [together.rechunk()]


def _counted(values: pl.Series) -> pl.DataFrame:
    """How often each value occurs, in two columns."""
    if values.null_count():
        values = values.drop_nulls()
    # Renamed, because polars fails to count the values of a column named "count".
    return values.alias("value").value_counts()


def shares_of(counts: Mapping[str, int]) -> dict[str, float]:
    """The counts as shares of their sum, sorted by value."""
    total = sum(counts.values())
    return {value: counts[value] / total for value in sorted(counts)}


class Profile:
    """Collects the baseline batch by batch. The census, which needs them too, counts categories."""

    def __init__(
        self, numbers: Sequence[str], texts: Mapping[str, Categories], target: str
    ) -> None:
        self.numbers = {name: Numbers() for name in numbers}
        self.texts = texts
        self.sample = Sample(target)
        self.rows = 0
        self._summary = [part for name in numbers for part in Numbers.summary(name)]

    def add(self, frame: pl.DataFrame) -> None:
        """Take in a batch of training rows."""
        if not frame.height:
            return
        self.rows += frame.height
        if self._summary:
            summary = frame.select(self._summary).row(0, named=True)
            for name, numbers in self.numbers.items():
                numbers.add(name, frame.height, summary)
        self.sample.add(frame)

    def document(self, features: Sequence[str], target: str) -> dict[str, Any]:
        """The baseline.json document."""
        sample = self.sample.frame
        entries = {}
        for name in (*features, target):
            column = pl.Series(dtype=pl.String) if sample is None else sample[name]
            gathered = self.numbers.get(name) or self.texts[name]
            entries[name] = gathered.describe(column)
        return {
            "format": 1,
            "rows": self.rows,
            "features": {name: entries[name] for name in features},
            "target": entries[target],
        }


def _share(missing: int, present: int) -> float:
    return missing / (missing + present) if missing else 0.0
