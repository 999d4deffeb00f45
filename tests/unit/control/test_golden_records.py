"""The golden records of a release, sent as a check, and how answers are held to them."""

from __future__ import annotations

import math
from typing import Any

import pytest

from core.releases.golden_records import difference, requests

GOLDEN = {
    "task": "multiclass",
    "rows": [{"a": 1.0}] * 120,
    "scores": [[0.5, 0.25, 0.25]] * 120,
    "tolerance": 1e-4,
}


def answers(**changes: Any) -> list[dict[str, Any]]:
    one = {"row": 0, "prediction": "x", "probabilities": {"x": 0.5, "y": 0.25, "z": 0.25}}
    return [
        {"release": 7, "predictions": [{**one, **changes}] * len(request["rows"]), "errors": []}
        for request in requests(GOLDEN)
    ]


def test_golden_records_are_sent_in_parts_and_marked_as_a_check() -> None:
    sent = list(requests(GOLDEN))

    assert [len(request["rows"]) for request in sent] == [50, 50, 20]
    assert {request["check"] for request in sent} == {True}


def test_right_answers_have_no_difference() -> None:
    assert difference(GOLDEN, 7, answers()) is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (answers(probabilities={"x": 0.4, "y": 0.35, "z": 0.25}), "120 of 120 golden records"),
        (answers(probabilities={"x": 1.0}), "120 of 120 golden records"),
        (answers(probabilities={"x": math.nan, "y": 0.25, "z": 0.25}), "gives nothing, 0.25"),
        (answers(probabilities={"x": None, "y": 0.25, "z": 0.25}), "gives nothing, 0.25"),
        (answers()[:2], "120 golden records were sent, 100 answers came"),
        ([{**each, "release": 6} for each in answers()], "but release 6 answers"),
        ([{"errorMessage": "out of memory"}], "does not answer: out of memory"),
        ([{}], "does not answer: no answer"),
        ([{"release": 7, "errors": [{"message": "'a' is odd"}]}], "refused a golden record: 'a'"),
    ],
)
def test_a_difference_is_told_in_one_line(given: list[dict[str, Any]], words: str) -> None:
    line = difference(GOLDEN, 7, given)

    assert line is not None
    assert words in line


def test_a_prediction_may_differ_by_its_size_and_not_by_more() -> None:
    golden = {"task": "regression", "rows": [{}] * 2, "scores": [[1e6], [1.0]], "tolerance": 1e-4}

    def answer(first: float, second: float) -> list[dict[str, Any]]:
        found = [{"prediction": first}, {"prediction": second}]
        return [{"release": 1, "predictions": found}]

    # Small predictions count by the mean size of all, as in the parity of Evaluate.
    assert difference(golden, 1, answer(1e6 + 50, 1.5)) is None
    assert "1 of 2" in str(difference(golden, 1, answer(1e6 + 200, 1.0)))
