"""Segments of the test rows, and the gap of a metric between groups."""

import numpy as np
import polars as pl
import pytest

from contract.metrics import Scored
from contract.segments import segments_of
from contract.step import StepError
from evaluate.segments import fairness_entry
from tests.support.training_cases import plan


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["b", None, "a"], ["a", "b", "(missing)"]),
        ([10.0, 9.0, None, float("nan")], ["9", "10", "(missing)"]),  # numbers by size
        ([1.0, 0.0, 1.0], ["0", "1"]),
    ],
)
def test_segments_are_a_columns_values(values, expected):
    found = segments_of(pl.DataFrame({"x": values}, strict=False), "x")

    assert [segment.value for segment in found] == expected
    counted = segments_of(pl.DataFrame({"count": values}, strict=False), "count")
    assert [segment.value for segment in counted] == expected
    assert sorted(at for segment in found for at in segment.rows) == list(range(len(values)))


def test_a_number_with_many_values_is_cut_at_its_quartiles():
    found = segments_of(pl.DataFrame({"x": [float(at) for at in range(100)]}), "x")

    assert [segment.value for segment in found] == [
        "below 25", "25 to 50", "50 to 74", "74 and above",
    ]  # fmt: skip
    assert sum(len(segment.rows) for segment in found) == 100


def test_a_column_of_very_many_values_is_cut_to_the_most_frequent():
    values = [f"v{at % 200:03d}" for at in range(1000)] + ["often"] * 50

    found = segments_of(pl.DataFrame({"x": values}), "x")

    assert len(found) == 50
    assert found[-1].value == "(other values)"
    assert "often" in {segment.value for segment in found}
    assert sum(len(segment.rows) for segment in found) == 1050


def test_a_segment_column_that_is_not_there_is_reported_in_words():
    with pytest.raises(StepError, match="the test rows have no segment column 'y'"):
        segments_of(pl.DataFrame({"x": [1]}), "y")


def fairness(groups, labels, scores, minimum=2):
    settings = plan(
        "binary", gate={"fairness": [{"column": "g", "metric": "recall", "max_gap": 0.1}]}
    )
    scored = Scored("binary", np.array(labels, float), np.array(scores, float))
    return fairness_entry(settings.fairness[0], pl.DataFrame({"g": groups}), scored, minimum)


def test_the_fairness_gap_is_between_the_best_and_the_worst_group():
    found = fairness(list("aabb"), [1, 1, 1, 1], [0.9, 0.9, 0.9, 0.1])

    assert found == {
        "column": "g",
        "metric": "recall",
        "gap": 0.5,
        "groups": [
            {"value": "a", "rows": 2, "score": 1.0},
            {"value": "b", "rows": 2, "score": 0.5},
        ],
    }


@pytest.mark.parametrize(
    ("groups", "labels", "gap"),
    [
        ("aabbc", [1, 1, 1, 1, 1], 0.0),  # c is too small to count
        ("aaaab", [1, 1, 1, 1, 1], None),  # only a is large enough: not judged
        ("aabbb", [1, 1, 0, 0, 0], None),  # recall of b is undefined
        ("aaaaa", [1, 1, 1, 1, 1], 0.0),  # one group has no gap
    ],
)
def test_a_gap_that_cannot_be_judged_is_missing(groups, labels, gap):
    assert fairness(list(groups), labels, [0.9, 0.9, 0.9, 0.9, 0.1])["gap"] == gap
