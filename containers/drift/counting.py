"""Count rows into a baseline's bins, with polars: one pass over each column."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import polars as pl

from drift.counts import FeatureCounts, Reference


def count(
    frame: pl.DataFrame, references: Mapping[str, Reference], exact: Collection[str] = ()
) -> dict[str, FeatureCounts]:
    """The counts of every feature that the frame has; counts of batches can be added up.

    Numbers are counted as the model sees them, in 32 bits, as the baseline's edges are; `exact` are
    the features with an offset, which keep their last digits.
    """
    named = {name: each for name, each in references.items() if name in frame.columns}
    numbers = [name for name, each in named.items() if each.kind == "numeric"]
    found = dict(_numbers(frame, {name: named[name] for name in numbers}, exact))
    for name, reference in named.items():
        if reference.kind == "categorical":
            found[name] = _texts(frame.get_column(name))
    return {name: found[name] for name in named}


def _numbers(
    frame: pl.DataFrame, references: Mapping[str, Reference], exact: Collection[str]
) -> Mapping[str, FeatureCounts]:
    """For each edge, how many values are up to it: polars computes all columns at once."""
    asked = []
    for place, (name, reference) in enumerate(references.items()):
        value = pl.col(name).cast(pl.Float64)
        if name not in exact:
            value = value.cast(pl.Float32).cast(pl.Float64)
        value = value.fill_nan(None)
        asked += [
            value.count().alias(f"{place} present"),
            value.min().alias(f"{place} minimum"),
            value.max().alias(f"{place} maximum"),
            value.mean().alias(f"{place} mean"),
            *(
                (value <= edge).sum().alias(f"{place} {number}")
                for number, edge in enumerate(reference.inner.tolist())
            ),
        ]
    if not asked:
        return {}
    row = frame.select(asked).row(0, named=True)
    found = {}
    for place, (name, reference) in enumerate(references.items()):
        present = int(row[f"{place} present"])
        up_to = [int(row[f"{place} {number}"]) for number in range(len(reference.inner))]
        bins = np.diff([0, *up_to, present]).astype(np.int64)
        found[name] = FeatureCounts(
            rows=frame.height,
            missing=frame.height - present,
            bins=bins,
            minimum=row[f"{place} minimum"],
            maximum=row[f"{place} maximum"],
            mean=row[f"{place} mean"],
        )
    return found


def _texts(values: pl.Series) -> FeatureCounts:
    # Renamed, because polars fails to count the values of a column named "count".
    counted = values.cast(pl.String).alias("value").value_counts(sort=False)
    times = dict(counted.iter_rows())
    missing = int(times.pop(None, 0))
    return FeatureCounts(rows=len(values), missing=missing, categories=times)
