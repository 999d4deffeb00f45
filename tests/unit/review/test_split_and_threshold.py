"""What the page says of a binary model's threshold, and of how the rows were split."""

import pytest

from core.review.behaviour import threshold_sentences
from core.review.case import Case
from core.review.lineage import data_checks


def case(rule: object, champion: float | None = None) -> Case:
    plan = {"definition": {"content": {"threshold": rule}}}
    return Case(plan, {"champion": {"threshold": champion}}, {}, {})


@pytest.mark.parametrize(
    ("rule", "how"),
    [
        (None, "It has the highest F1 on the validation rows."),
        ({"value": 0.3}, "model.yaml sets this threshold."),
        (
            {"value": None, "false_positive": 1.0, "false_negative": 20.0},
            "No other threshold cost less on the validation rows, where a false positive costs 1 "
            "and a false negative 20.",
        ),
    ],
)
def test_the_page_states_the_threshold_and_how_it_was_chosen(rule: object, how: str) -> None:
    assert threshold_sentences(case(rule), 0.3) == [
        "A row counts as positive from a probability of 0.3.",
        how,
    ]


def test_the_champions_threshold_is_stated_where_it_is_another() -> None:
    assert threshold_sentences(case(None, 0.5), 0.3)[2:] == ["The champion's threshold is 0.5."]
    assert threshold_sentences(case(None, 0.3), 0.3)[2:] == []


@pytest.mark.parametrize(
    ("split", "notes"),
    [
        ({"by": "row", "columns": ["a", "b"]}, ["", ""]),
        ({"by": "group", "columns": ["shop"]}, ["all rows of one shop are in one part"] * 2),
        (
            {"by": "time", "columns": ["day"], "begins": {"validation": "1 May", "test": "1 June"}},
            ["day from 1 May on", "day from 1 June on"],
        ),
        (None, ["", ""]),  # a run of an earlier version
    ],
)
def test_the_page_says_which_rows_are_test_rows(split: object, notes: list[str]) -> None:
    rows = data_checks(Case({}, {}, {}, {}, preprocess={"split": split})).rows

    assert [row[1].note for row in rows[3:5]] == notes
