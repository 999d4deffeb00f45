"""The sum of a result's rows: equal exactly where the rows are, in whatever order and files."""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.runs.row_sum import RowSum, UnlikeFilesError, whole
from tests.support.file_sums import Summing, summing

SCHEMA: dict[str, Any] = {
    "id": pl.Int64,
    "price": pl.Float64,
    "share": pl.Float32,
    "name": pl.String,
    "sold": pl.Boolean,
    "day": pl.Date,
    "at": pl.Datetime("us"),
}
CELLS: dict[str, st.SearchStrategy[Any]] = {
    "id": st.integers(-(2**63), 2**63 - 1),
    "price": st.floats(allow_nan=False),
    "share": st.floats(width=32, allow_nan=False),
    "name": st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    "sold": st.booleans(),
    "day": st.dates(),
    "at": st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(2200, 1, 1)),
}
Row = tuple[Any, ...]
ROWS = st.lists(st.tuples(*(st.none() | cell for cell in CELLS.values())), max_size=12)


class _Kept:
    summing: Summing


@pytest.fixture(scope="module", autouse=True)
def one_process() -> Iterator[None]:
    with summing() as _Kept.summing:
        yield


def sum_of(*files: list[Row], schema: dict[str, Any] = SCHEMA) -> RowSum:
    """Of these rows, in a file for each list."""
    with tempfile.TemporaryDirectory() as folder:
        sums = []
        for rows in files:
            path = Path(folder) / "any name"
            pl.DataFrame(rows, schema=schema, orient="row").write_parquet(path)
            sums.append(_Kept.summing.of(path))
    return whole(sums)


@settings(deadline=None, max_examples=60)
@given(rows=ROWS, data=st.data())
def test_neither_the_order_of_rows_nor_their_files_change_it(
    rows: list[Row], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(rows))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=3)))
    bounds = [0, *cuts, len(rows)]
    files = [shuffled[a:b] for a, b in pairwise(bounds)]

    assert sum_of(*files).digest == sum_of(rows).digest


@settings(deadline=None, max_examples=60)
@given(rows=ROWS.filter(bool), data=st.data())
def test_a_changed_cell_changes_it(rows: list[Row], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.integers(0, len(CELLS) - 1))
    before = rows[at][column]
    # 0.0 and -0.0 are equal in Python and two values in a file: another pair is as good.
    other = data.draw(
        (st.none() | list(CELLS.values())[column]).filter(lambda cell: cell != before)
    )
    changed = list(rows)
    changed[at] = (*rows[at][:column], other, *rows[at][column + 1 :])

    assert sum_of(changed).digest != sum_of(rows).digest


@settings(deadline=None, max_examples=30)
@given(rows=ROWS.filter(bool), data=st.data())
def test_a_row_more_or_less_changes_it_also_where_it_is_there_twice(
    rows: list[Row], data: st.DataObject
) -> None:
    row = data.draw(st.sampled_from(rows))
    digests = {sum_of(rows, [row] * more).digest for more in range(4)}

    assert len(digests) == 4


def test_two_rows_that_swap_a_cell_are_other_rows() -> None:
    schema = {"a": pl.Int64, "b": pl.Int64}

    assert (
        sum_of([(1, 2), (3, 4)], schema=schema).digest
        != sum_of([(1, 4), (3, 2)], schema=schema).digest
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": pl.Int64}, {"b": pl.Int64}),  # another name
        ({"a": pl.Int64}, {"a": pl.Int32}),  # another type
    ],
)
def test_the_columns_are_part_of_it(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert sum_of([(1,)], schema=one).digest != sum_of([(1,)], schema=other).digest
    with pytest.raises(UnlikeFilesError):
        sum_of([], schema=one) + sum_of([], schema=other)


def test_missing_values_are_not_empty_text_nor_the_word() -> None:
    schema = {"a": pl.String}
    cells = [None, "", "null", "NULL", "{}", '{"a":null}', "NaN"]

    assert len({sum_of([(cell,)], schema=schema).digest for cell in cells}) == len(cells)


def test_numbers_that_are_none_have_a_sum_too() -> None:
    schema = {"a": pl.Float64}
    cells = [float("nan"), float("inf"), -float("inf"), None, 0.0]

    assert len({sum_of([(cell,)], schema=schema).digest for cell in cells}) == len(cells)


def test_columns_may_be_called_anything() -> None:
    names = ["t", "number", "count", 'a "quoted" one', "__row"]
    schema: dict[str, Any] = dict.fromkeys(names, pl.Int64)

    assert sum_of([(1, 2, 3, 4, 5)], schema=schema).rows == 1
