"""Rows divided by the values of a column, which quality is reported by."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from contract.step import StepError

# Of a column with more values, the most frequent ones are reported, and the rest together.
VALUES = 50
# A numeric column with more values is cut at its quartiles.
NUMBERS = 20
MISSING = "(missing)"
OTHERS = "(other values)"


@dataclass(frozen=True)
class Segment:
    """The rows that have one value of a column."""

    column: str
    value: str
    rows: NDArray[np.int64]


def segments_of(frame: pl.DataFrame, column: str) -> list[Segment]:
    """Divide all rows by a column's values, in the values' order. Raises StepError without it."""
    if column not in frame.columns:
        raise StepError(f"the test rows have no segment column '{column}'; name a declared feature")
    values = frame.get_column(column)
    written = _written(values)
    counts = written.alias("value").value_counts(sort=True)
    frequent = sorted(counts.iter_rows(), key=lambda entry: (-entry[1], entry[0]))[:VALUES]
    kept = [name for name, _ in frequent]
    if written.n_unique() > VALUES:
        kept = kept[: VALUES - 1]
        written = pl.select(
            pl.when(written.is_in(kept)).then(written).otherwise(pl.lit(OTHERS))
        ).to_series()
    names = sorted(written.unique(), key=_order)
    return [
        Segment(column, name, (written == name).arg_true().to_numpy().astype(np.int64))
        for name in names
    ]


def _written(values: pl.Series) -> pl.Series:
    """Each row's value as the report shows it."""
    if not values.dtype.is_numeric():
        return values.cast(pl.String).fill_null(MISSING)
    values = values.cast(pl.Float64).fill_nan(None)
    if values.n_unique() <= NUMBERS:
        return pl.Series([MISSING if value is None else f"{value:g}" for value in values])
    known = values.drop_nulls()
    cuts = sorted({float(known.quantile(share) or 0.0) for share in (0.25, 0.5, 0.75)})
    names = [f"below {cuts[0]:g}"]
    names += [f"{low:g} to {high:g}" for low, high in pairwise(cuts)]
    names += [f"{cuts[-1]:g} and above"]
    positions = np.searchsorted(np.array(cuts), values.to_numpy(), side="right")
    return pl.Series(
        [
            MISSING if value is None else names[position]
            for value, position in zip(values, positions, strict=True)
        ]
    )


def _order(name: str) -> tuple[int, float, str]:
    """Numbers by size, then text; missing and other values last."""
    if name in (MISSING, OTHERS):
        return (2, 0.0, name)
    words = name.removeprefix("below ").split(" ")
    try:
        return (0, float(words[0]) - (0.5 if name.startswith("below ") else 0.0), name)
    except ValueError:
        return (1, 0.0, name)
