"""The bins of a number: of a baseline's features, and of a model's scores. And its common values:
within a bin the rest of the values may count as evenly spread, but not those."""

from __future__ import annotations

import math
from itertools import pairwise

import polars as pl

from contract.baseline_merge import BINS, COMMON_SHARE


def histogram(values: pl.Series, minimum: float, maximum: float) -> tuple[list[float], list[float]]:
    """Bin edges and the shares of values between them: deciles, or one bin for each value if there
    are few values.

    There is one more edge than shares; the first and last edge are the extremes. A bin holds the
    values above its left edge, up to and including its right one. The first also holds its
    left edge.

    >>> histogram(pl.Series([0.0, 1.0, 1.0, 1.0]), 0.0, 1.0)
    ([0.0, 0.5, 1.0], [0.25, 0.75])
    """
    values = _sorted(values)
    if values.is_empty():
        return [minimum, maximum], [1.0]
    if values.n_unique() <= BINS:
        distinct = values.unique(maintain_order=True).to_list()
        inner = [(left + right) / 2 for left, right in pairwise(distinct)]
    else:
        inner = [_quantile(values, step / BINS) for step in range(1, BINS)]
    inner = [edge for edge in dict.fromkeys(inner) if minimum < edge < maximum]
    edges = pl.Series([*inner, math.inf], dtype=pl.Float64)
    # How many values are at most as large as each edge.
    ends = values.search_sorted(edges, side="right").to_list()
    counts = [end - start for start, end in pairwise([0, *ends])]
    return [minimum, *inner, maximum], [count / len(values) for count in counts]


def common_values(values: pl.Series) -> dict[str, list[float]]:
    """The values that many rows have, in ascending order, with their shares of those with a value.

    >>> common_values(pl.Series([0.0, 0.0, 0.0, 2.5]))
    {'values': [0.0, 2.5], 'shares': [0.75, 0.25]}
    """
    values = _sorted(values)
    runs = values.rle().struct.unnest()
    found = runs.filter(pl.col("len") >= COMMON_SHARE * len(values))
    return {
        "values": found["value"].to_list(),
        "shares": (found["len"] / max(1, len(values))).to_list(),
    }


def _sorted(values: pl.Series) -> pl.Series:
    """The values in ascending order, in which counting is searching. Sorted ones cost nothing."""
    return values.drop_nulls().cast(pl.Float64).sort()


def _quantile(values: pl.Series, share: float) -> float:
    found = values.quantile(share, interpolation="lower")
    assert found is not None  # noqa: S101 - narrows the type only: values are there
    return float(found)
