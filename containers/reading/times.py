"""Split by time: when validation and test begin.

A first pass over all data counts the rows of each time, so every Preprocess host finds the same
beginnings, whichever files it then prepares. Rows of one time are in one part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import polars as pl

from contract.plan import Split
from reading.batch import Batch
from reading.findings import FileError
from reading.source import SourceFile

# What a time may look like; without an offset it counts as UTC.
FORMATS = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M")
WITH_OFFSET = ("%Y-%m-%d %H:%M:%S%.f%z", "%Y-%m-%d %H:%M%z")
NOT_A_TIME = "is not a time"
WAYS = "2026-01-31, 2026-01-31 12:30:00, 2026-01, or a number"
# So many different times are counted one by one; more are counted in steps of equal length.
MOST_TIMES = 200_000
SMALLEST_STEP = 2.0**-20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Times:
    """A column's times as Float64: a number is itself, a date its microseconds since 1970. Null
    where it is neither. `kinds` are those that occur: numbers, dates."""

    values: pl.Series
    kinds: frozenset[str]

    @classmethod
    def of(cls, texts: pl.Series) -> Times:
        """Read a column of texts."""
        texts = texts.str.strip_chars()
        numbers = texts.cast(pl.Float64, strict=False)
        numbers = pl.select(pl.when(numbers.is_finite()).then(numbers)).to_series()
        if numbers.null_count() == texts.null_count():
            return cls(numbers, frozenset({"numbers"} if numbers.count() else ()))
        dates = _dates(texts)
        kinds = {"numbers"} if numbers.count() else set()
        kinds |= {"dates"} if dates.count() else set()
        values = pl.select(pl.coalesce(numbers, dates)).to_series()
        return cls(values, frozenset(kinds))


def _dates(texts: pl.Series) -> pl.Series:
    written = (
        texts.str.replace(r"^(\d{4})/(\d{2})/(\d{2})", "$1-$2-$3")
        .str.replace(r"^(\d{4}-\d{2})$", "$1-01")
        .str.replace(r"^(\d{4}-\d{2}-\d{2})T", "$1 ")
        .str.replace(r"\s*(Z|UTC)$", "+00:00")
    )
    found = pl.Series([None] * len(written), dtype=pl.Float64)
    for form in (*FORMATS, *WITH_OFFSET):
        if found.null_count() == written.null_count():
            break
        zone = "UTC" if form in WITH_OFFSET else None
        parsed = written.str.to_datetime(
            form, time_unit="us", time_zone=zone, strict=False, exact=True
        )
        ticks = parsed.cast(pl.Int64).cast(pl.Float64)
        found = pl.select(pl.coalesce(found, ticks)).to_series()
    return found


def written(value: float, kinds: frozenset[str]) -> str:
    """A time as a person writes it.

    >>> written(1767225600e6, frozenset({"dates"})), written(202601, frozenset({"numbers"}))
    ('2026-01-01', '202601')
    """
    if "dates" not in kinds:
        return f"{value:.15g}"
    moment = _EPOCH + timedelta(microseconds=value)
    return moment.strftime("%Y-%m-%d %H:%M:%S").removesuffix(" 00:00:00")


@dataclass
class TimeCounts:
    """How many rows each time has, in bounded memory.

    With more than MOST_TIMES times, they are rounded down to multiples of a power of two, the
    smallest that leaves so few. It depends on the set of times alone, not on their order.
    """

    kinds: frozenset[str] = frozenset()
    counts: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(schema={"time": pl.Float64, "rows": pl.Int64})
    )
    step: float = 0.0

    def add(self, times: Times) -> None:
        """Count a batch's times."""
        self.kinds |= times.kinds
        values = times.values.drop_nulls().alias("time")
        new = values.to_frame().with_columns(rows=pl.lit(1, pl.Int64))
        self.counts = self._grouped(pl.concat([self.counts, new]))
        while self.counts.height > MOST_TIMES:
            self.step = 2 * self.step or SMALLEST_STEP
            self.counts = self._grouped(self.counts)

    def _grouped(self, counts: pl.DataFrame) -> pl.DataFrame:
        if self.step:
            time = pl.col("time")
            floor = (time / self.step).floor() * self.step
            # The quotient of the smallest negative numbers is rounded to zero.
            below = pl.when((time < 0) & (floor == 0)).then(-self.step).otherwise(floor)
            counts = counts.with_columns(time=below)
        return counts.group_by("time").agg(pl.col("rows").sum())

    def begins(self, split: Split) -> tuple[float, float] | None:
        """When validation and test begin: the times that leave shares nearest to the split's, with
        rows in each part. None with fewer than three times."""
        counts = self.counts.sort("time")
        if counts.height < 3:
            return None
        before = counts["rows"].cum_sum() - counts["rows"]
        total = int(counts["rows"].sum())
        first = _nearest(before[1:-1], split.train * total) + 1
        second = _nearest(before[first + 1 :], (split.train + split.validation) * total)
        times = counts["time"]
        return float(times[first]), float(times[first + 1 + second])


def _nearest(values: pl.Series, to: float) -> int:
    found = (values - to).abs().arg_min()
    assert found is not None  # noqa: S101 - narrows the type only: there is a value
    return found


def counted(
    files: Iterable[SourceFile], read: Callable[[SourceFile], Iterator[Batch]], column: str
) -> TimeCounts:
    """Count the times of all rows that can be read. A file's problems are left to the next pass."""
    counts = TimeCounts()
    for file in files:
        try:
            for batch in read(file):
                counts.add(Times.of(batch.frame[column].cast(pl.String)))
        except FileError:
            continue
    return counts
