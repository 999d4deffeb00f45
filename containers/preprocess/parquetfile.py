"""Parquet files, a bounded number of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from preprocess.batch import Batch, no_line
from preprocess.columns import Layout, as_number, as_text
from preprocess.problems import FileError, Problem

MAGIC = b"PAR1"


def is_parquet(path: Path) -> bool:
    """Tell by the first bytes."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def read_parquet(
    path: Path,
    name: str,
    layout: Layout,
    null_values: tuple[str, ...],
    rows: int,
) -> Iterator[Batch]:
    """Yield a file's rows, at most `rows` at a time. Raises FileError where it cannot be read."""
    try:
        scan = pl.scan_parquet(path, glob=False)
        schema = scan.collect_schema()
    except (pl.exceptions.PolarsError, OSError):
        raise _broken(name) from None
    found = list(layout.check_header(name, list(schema)))
    columns = []
    for column in layout.needed:
        if column not in schema:
            continue
        dtype = schema[column]
        number = column in layout.numbers and column not in layout.key
        expression = as_number(column, dtype) if number else as_text(column, dtype)
        if expression is None:
            found.append(_wrong_type(name, column, dtype, number))
        elif dtype == pl.String:
            columns.append(pl.when(~expression.is_in(null_values)).then(expression).alias(column))
        else:
            columns.append(expression.alias(column))
    if found:
        raise FileError(*found)
    first = 1
    try:
        for frame in scan.select(columns).collect_batches(chunk_size=rows, maintain_order=True):
            # The streaming engine hands out what it has; the memory bound is on rows.
            for part in frame.iter_slices(rows):
                yield Batch(name, part, range(first, first + part.height), no_line)
                first += part.height
    except pl.exceptions.PolarsError:
        raise _broken(name) from None


def _broken(name: str) -> FileError:
    return FileError(Problem("is damaged Parquet", "write and upload it again", name))


def _wrong_type(name: str, column: str, dtype: pl.DataType, number: bool) -> Problem:
    wanted = "numbers" if number else "text"
    return Problem(
        f"has the type {dtype}, which does not hold {wanted}",
        f"write the column as {wanted}, or move it to ignore in model.yaml",
        name,
        column=column,
    )
