"""Count rows into a baseline's bins, with polars: column by column."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from drift.counts import FeatureCounts, Reference
from drift.psi import Floats


def count(
    frame: pl.DataFrame, references: Mapping[str, Reference], exact: Collection[str] = ()
) -> dict[str, FeatureCounts]:
    """The counts of every feature that the frame has; counts of batches can be added up.

    Numbers are counted as the model sees them, in 32 bits, as the baseline's edges are; `exact` are
    the features with an offset, which keep their last digits.
    """
    named = {name: each for name, each in references.items() if name in frame.columns}
    return {
        name: _numbers(frame.get_column(name), each, exact=name in exact)
        if each.kind == "numeric"
        else _texts(frame.get_column(name))
        for name, each in named.items()
    }


def _numbers(values: pl.Series, reference: Reference, *, exact: bool) -> FeatureCounts:
    """For each edge, how many values are above it: a comparison and a sum need no sorting."""
    kept = values.drop_nulls()
    numbers = kept.cast(pl.Float64 if exact else pl.Float32).to_numpy()
    numbers = numbers[~np.isnan(numbers)]
    inner = reference.inner if exact else at_most_in_32_bits(reference.inner)
    above = [np.count_nonzero(numbers > edge) for edge in inner]
    bins = -np.diff([len(numbers), *above, 0])
    some = len(numbers) > 0
    return FeatureCounts(
        rows=len(values),
        missing=len(values) - len(numbers),
        bins=bins.astype(np.int64),
        minimum=float(numbers.min()) if some else None,
        maximum=float(numbers.max()) if some else None,
        mean=float(numbers.mean(dtype=np.float64)) if some else None,
    )


def at_most_in_32_bits(edges: Floats) -> NDArray[np.float32]:
    """The largest 32-bit numbers up to the edges: a 32-bit number is above both or neither."""
    with np.errstate(over="ignore"):
        narrow = edges.astype(np.float32)
    down = np.nextafter(narrow, np.float32(-np.inf))
    return np.where(narrow.astype(np.float64) > edges, down, narrow)


def _texts(values: pl.Series) -> FeatureCounts:
    # Renamed, because polars fails to count the values of a column named "count".
    counted = values.cast(pl.String).alias("value").value_counts(sort=False)
    times = dict(counted.iter_rows())
    missing = int(times.pop(None, 0))
    return FeatureCounts(rows=len(values), missing=missing, categories=times)
