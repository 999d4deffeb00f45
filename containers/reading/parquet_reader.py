"""Parquet files, a bounded number of rows at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import polars.selectors as selectors

from contract.problem import Problem
from reading.batch import Batch, no_line
from reading.columns import Layout, as_date, as_number, as_text
from reading.findings import FileError

MAGIC = b"PAR1"
# Types whose values are words, such as those that mean "missing".
_TEXTS = (pl.String, pl.Categorical, pl.Enum)
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def is_parquet(path: Path, name: str) -> bool:
    """Is this a Parquet file? Its name or its first bytes say so."""
    return is_named_parquet(name) or _begins_as_parquet(path)


def is_named_parquet(name: str) -> bool:
    """Does the name say that it is a Parquet file?

    >>> is_named_parquet("May.PARQUET"), is_named_parquet("may.parquet.csv")
    (True, False)
    """
    return name.lower().endswith(".parquet")


def _begins_as_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def read_parquet(
    path: Path,
    name: str,
    layout: Layout,
    null_values: tuple[str, ...],
    size: int,
    rows: tuple[int, int] | None = None,
) -> Iterator[Batch]:
    """Yield a file's rows, about `size` bytes at a time. Raises FileError if it cannot be read.

    rows: read only these, from the first (which is 0) up to but without the last.
    """
    try:
        scan = pl.scan_parquet(path, glob=False)
        schema = scan.collect_schema()
        height = scan.select(pl.len()).collect().item()
    except (pl.exceptions.PolarsError, OSError):
        raise _broken(name) from None
    columns = columns_of(name, schema, layout, null_values)
    absent = layout.absent(schema)
    # As in CSV, where NaN and inf are ordinary texts.
    floats = selectors.float()
    if "NaN" in null_values:
        scan = scan.with_columns(floats.fill_nan(None))
    infinite = [float(word) for word in ("inf", "-inf") if word in null_values]
    if infinite:
        scan = scan.with_columns(pl.when(~floats.is_in(infinite)).then(floats))
    try:
        # Slices instead of polars' own batches, which are read ahead without a bound.
        first, end = rows or (0, height)
        step = max(1, size // _row_bytes(path, height, len(columns)))
        for start in range(first, end, step):
            frame = scan.select(columns).slice(start, min(step, end - start)).collect()
            numbers = range(start + 1, start + 1 + frame.height)
            yield Batch(name, frame, numbers, no_line, absent=absent)
    except pl.exceptions.PolarsError:
        raise _broken(name) from None


def columns_of(
    name: str, schema: pl.Schema, layout: Layout, null_values: tuple[str, ...]
) -> list[pl.Expr]:
    """How to read the columns of a file with this schema. Raises FileError if one is unfit."""
    found = list(layout.check_header(name, list(schema)))
    columns, absent = [], layout.absent(schema)
    # A word such as -999 means the number where numbers are not written as text.
    null_numbers = [float(word) for word in null_values if _NUMBER.fullmatch(word)]
    for column in layout.needed:
        if column in absent:
            columns += layout.missing([column])
            continue
        if column not in schema:
            continue
        dtype = schema[column]
        read, wanted = _reading(layout, column)
        expression = read(column, dtype)
        if expression is None:
            found.append(_wrong_type(name, column, dtype, wanted))
        elif null_numbers and read is as_number and dtype.is_numeric():
            is_null = expression.cast(pl.Float64).is_in(null_numbers)
            columns.append(pl.when(~is_null).then(expression).alias(column))
        elif dtype in _TEXTS or (null_numbers and read is as_text):
            columns.append(pl.when(~expression.is_in(null_values)).then(expression).alias(column))
        else:
            columns.append(expression.alias(column))
    if found:
        raise FileError(*found)
    return columns


def _reading(layout: Layout, column: str) -> tuple[Callable[..., pl.Expr | None], str]:
    """How to read a column, and the word for what it should have."""
    if column in layout.numbers and column not in layout.key:
        return as_number, "numbers"
    return (as_date, "dates") if column in layout.dates else (as_text, "text")


def _row_bytes(path: Path, height: int, columns: int) -> int:
    """The memory a row needs: a number for each column, or long texts unpacked."""
    packed = path.stat().st_size // max(1, height)
    return max(8 * columns, 3 * packed)


def _broken(name: str) -> FileError:
    return FileError(Problem("is damaged Parquet", "write and upload it again", name))


def _wrong_type(name: str, column: str, dtype: pl.DataType, wanted: str) -> Problem:
    return Problem(
        f"has the type {dtype}, which is not {wanted}",
        f"write the column as {wanted}, or move it to ignore in model.yaml",
        name,
        column=column,
    )
