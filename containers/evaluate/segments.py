"""The comparison by segment, and the gap of a metric between groups."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from contract.bootstrap import Comparison, compare
from contract.metrics import Scored, measure
from contract.plan import Fairness
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


def segment_entry(
    segment: Segment, candidate: Scored, champion: Scored | None, metrics: Sequence[str]
) -> dict[str, Any]:
    """One entry of evaluation.json's `segments`; intervals only with a champion."""
    candidate = candidate.take(segment.rows)
    entry: dict[str, Any] = {
        "column": segment.column,
        "value": segment.value,
        "rows": len(segment.rows),
    }
    if champion is None:
        values = {name: _finite(measure(name, candidate)) for name in metrics}
        return {**entry, "candidate": values, "champion": None, "difference": None}
    comparison = compare(candidate, champion.take(segment.rows), metrics)
    return {
        **entry,
        "candidate": _values(comparison, "candidate"),
        "champion": _values(comparison, "champion"),
        "difference": {
            name: {"value": estimate.value, "low": estimate.low, "high": estimate.high}
            for name, estimate in (comparison.difference or {}).items()
        },
    }


def fairness_entry(
    rule: Fairness, frame: pl.DataFrame, candidate: Scored, minimum_rows: int
) -> dict[str, Any]:
    """One entry of `fairness`: the metric by group, and the largest gap between two groups.

    Groups below minimum_rows are shown but not counted. With a single group the gap is 0. It is
    None if fewer than two groups are counted, or if a counted group's score is undefined.
    """
    groups = [
        {
            "value": group.value,
            "rows": len(group.rows),
            "score": _finite(measure(rule.metric, candidate.take(group.rows))),
        }
        for group in segments_of(frame, rule.column)
    ]
    counted = [group["score"] for group in groups if group["rows"] >= minimum_rows]  # type: ignore[operator]
    gap: float | None = None
    if len(groups) == 1:
        gap = 0.0
    elif len(counted) > 1 and None not in counted:
        gap = max(counted) - min(counted)  # type: ignore[type-var,operator]
    return {"column": rule.column, "metric": rule.metric, "gap": gap, "groups": groups}


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


def _values(comparison: Comparison, whose: str) -> dict[str, float | None]:
    estimates = getattr(comparison, whose)
    return {name: estimate.value for name, estimate in estimates.items()}


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
