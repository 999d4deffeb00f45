"""Rows for batches, and a definition that names their key."""

import polars as pl

from tests.support.training_cases import rows

KEYED = {"key": ["id"]}


def table(count: int, seed: int = 5, first: int = 0) -> pl.DataFrame:
    frame = rows("regression", count, seed).drop("target")
    return frame.with_columns(id=pl.int_range(first, first + count).cast(pl.String))
