"""Counts by day are those of all rows at once, in whatever pieces the rows come."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.counting import count
from drift.counts import Reference
from monitor import tally as tallies
from monitor.tally import OTHERS, Tally

NUMBERS = Reference.of(
    {
        "kind": "numeric",
        "missing": 0.0,
        "numeric": {"edges": [0.0, 1.0, 2.5, 9.0], "shares": [0.2, 0.5, 0.3], "mean": 2.0},
    },
    100,
)
TEXTS = Reference.of({"kind": "categorical", "missing": 0.0, "categories": {"a": 0.5, "b": 0.5}}, 9)
MANY = Reference.of(
    {"kind": "categorical", "missing": 0.0, "categories": {"a": 0.5}, "other": 0.5}, 100
)
numbers = st.lists(st.none() | st.floats(-5, 15, width=32), max_size=20)
texts = st.lists(st.none() | st.sampled_from(["a", "b", "new", "newer"]), max_size=20)


def tallied(reference, pieces, dtype):
    """A tally of pieces: (day, values)."""
    tally = Tally(3, reference)
    for day, values in pieces:
        frame = pl.DataFrame({"x": pl.Series(values, dtype=dtype)})
        tally.add(day, count(frame, {"x": reference})["x"])
    return tally


def at_once(reference, pieces, dtype):
    values = [value for _, piece in pieces for value in piece]
    frame = pl.DataFrame({"x": pl.Series(values, dtype=dtype)})
    return count(frame, {"x": reference})["x"]


@given(st.lists(st.tuples(st.integers(0, 2), numbers), max_size=6))
def test_numbers_in_pieces_count_as_all_at_once(pieces):
    whole = at_once(NUMBERS, pieces, pl.Float64)

    tally = tallied(NUMBERS, pieces, pl.Float64)

    total = tally.total()
    assert total.bins.tolist() == whole.bins.tolist()
    assert (total.rows, total.missing) == (whole.rows, whole.missing)
    assert (total.minimum, total.maximum) == (whole.minimum, whole.maximum)
    assert total.mean == (None if whole.mean is None else pytest.approx(whole.mean, abs=1e-9))
    for day, mean in enumerate(tally.means):
        values = [x for place, piece in pieces if place == day for x in piece if x is not None]
        assert mean == (pytest.approx(np.mean(values), abs=1e-9) if values else None)


@given(st.lists(st.tuples(st.integers(0, 2), texts), max_size=6))
def test_categories_in_pieces_count_as_all_at_once(pieces):
    whole = at_once(TEXTS, pieces, pl.String)

    tally = tallied(TEXTS, pieces, pl.String)

    total = tally.total()
    assert dict(total.categories) == dict(whole.categories)
    assert (total.rows, total.missing) == (whole.rows, whole.missing)
    new = {name: times for name, times in whole.categories.items() if name.startswith("new")}
    assert sum(tally.unknown) == sum(new.values())
    assert {each["value"]: each["rows"] for each in tally.most_new()} == new


def test_a_baseline_that_does_not_name_all_values_cannot_tell_which_are_new():
    tally = tallied(MANY, [(0, ["a", "x", "y", None])], pl.String)

    assert dict(tally.total().categories) == {"a": 1, OTHERS: 2}
    assert list(tally.unknown) == [None, None, None]
    assert tally.most_new() == []


def test_new_values_without_end_take_no_memory_without_end(monkeypatch):
    monkeypatch.setattr(tallies, "MOST_NEW", 3)

    tally = tallied(TEXTS, [(0, [f"v{number}" for number in range(50)]), (1, ["v1"])], pl.String)

    assert len(tally.total().categories) == 4
    assert list(tally.unknown) == [50, 1, 0]


def test_rows_of_a_file_without_the_column_are_missing():
    tally = tallied(NUMBERS, [(0, [1.0])], pl.Float64)

    tally.add_absent(1, 7)

    assert (tally.rows.tolist(), tally.missing.tolist()) == ([1, 7, 0], [0, 7, 0])
