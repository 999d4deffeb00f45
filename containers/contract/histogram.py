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
    values = values.drop_nulls().cast(pl.Float64)
    distinct = values.unique().sort().to_list()
    if not distinct:
        return [minimum, maximum], [1.0]
    if len(distinct) <= BINS:
        inner = [(left + right) / 2 for left, right in pairwise(distinct)]
    else:
        inner = [_quantile(values, step / BINS) for step in range(1, BINS)]
    inner = [edge for edge in dict.fromkeys(inner) if minimum < edge < maximum]
    counts = [
        values.filter((values > left) & (values <= right)).len()
        for left, right in pairwise([-math.inf, *inner, math.inf])
    ]
    return [minimum, *inner, maximum], [count / len(values) for count in counts]


def common_values(values: pl.Series) -> dict[str, list[float]]:
    """The values that many rows have, in ascending order, with their shares of those with a value.

    >>> common_values(pl.Series([0.0, 0.0, 0.0, 2.5]))
    {'values': [0.0, 2.5], 'shares': [0.75, 0.25]}
    """
    values = values.drop_nulls().cast(pl.Float64).alias("value")
    counted = values.value_counts().filter(pl.col("count") >= COMMON_SHARE * len(values))
    found = counted.sort("value")
    return {
        "values": found["value"].to_list(),
        "shares": (found["count"] / max(1, len(values))).to_list(),
    }


def _quantile(values: pl.Series, share: float) -> float:
    found = values.quantile(share, interpolation="lower")
    assert found is not None  # noqa: S101 - narrows the type only: values are there
    return float(found)
