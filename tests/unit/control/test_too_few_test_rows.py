"""The note of the gate that the test set is too small, and how many rows would do."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.gate.non_inferiority import rows_needed
from core.gate.rules import judge
from tests.support.control_cases import DEFINITION, passing_evaluation
from tests.support.primary_rule import interval, primary


def spread(ends: dict[str, float], which: str) -> dict[str, float]:
    """A difference of nothing, known to so much."""
    return {"value": 0.0, "low": -ends[which], "high": ends[which]}


@pytest.mark.parametrize(
    ("half_width", "noted"), [(0.0199, False), (0.02, False), (0.0201, True), (0.04, True)]
)
def test_a_note_says_when_the_interval_is_wider_than_the_margin(
    half_width: float, noted: bool
) -> None:
    notes = judge(DEFINITION, interval(-half_width, half_width)).notes

    assert bool(notes) is noted
    assert all(note.startswith("The test set is too small for the margin") for note in notes)


def test_the_note_says_about_how_many_rows_would_do() -> None:
    [note] = judge(DEFINITION, interval(-0.03, 0.05)).notes

    assert note == (
        "The test set is too small for the margin: with 150 test rows the difference in AUC is "
        "known to ±0.04, and the margin is 0.02. An equal model would more often be held than "
        "promoted. With about 1,300 test rows, four of five equal models would pass."
    )


def test_the_note_is_about_the_comparison_that_needs_more_rows() -> None:
    wide = {"auc": {"value": 0.0, "low": -0.1, "high": 0.1}}
    reference = {**passing_evaluation()["reference"], "difference": wide}

    [note] = judge(DEFINITION, interval(-0.03, 0.03, reference=reference)).notes

    assert "the difference in AUC is known to ±0.10, and the margin is 0.02." in note


@pytest.mark.parametrize("wider", ["champion", "reference"])
def test_a_comparison_that_no_rows_would_do_for_comes_before_one_that_some_would(
    wider: str,
) -> None:
    ends = {"champion": 0.03, "reference": 0.03, wider: 1e6}
    reference = {
        **passing_evaluation()["reference"],
        "difference": {"auc": spread(ends, "reference")},
    }
    evaluation = interval(-0.03, 0.03, reference=reference)
    evaluation["difference"] = {"auc": spread(ends, "champion")}

    [note] = judge(DEFINITION, evaluation).notes

    assert note.startswith("The margin is too small for any test set")


@pytest.mark.parametrize("wider", ["champion", "reference"])
def test_of_two_notes_the_one_with_more_rows_is_given(wider: str) -> None:
    ends = {"champion": 0.03, "reference": 0.03, wider: 0.04}
    reference = {
        **passing_evaluation()["reference"],
        "difference": {"auc": spread(ends, "reference")},
    }
    evaluation = interval(-0.03, 0.03, reference=reference)
    evaluation["difference"] = {"auc": spread(ends, "champion")}

    [note] = judge(DEFINITION, evaluation).notes

    assert "is known to ±0.04" in note
    assert "With about 1,300 test rows" in note


@pytest.mark.parametrize(("rows", "noted"), [(None, False), (0, False), (1, True), (2, True)])
def test_a_note_needs_a_number_of_test_rows(rows: int | None, noted: bool) -> None:
    evaluation = interval(-0.1, 0.1)
    evaluation["rows"]["test"] = rows

    assert bool(judge(DEFINITION, evaluation).notes) is noted


@pytest.mark.parametrize("which", ["champion", "reference"])
def test_what_cannot_be_compared_has_no_note_and_hides_none(which: str) -> None:
    wide = spread({"any": 0.1}, "any")
    evaluation = interval(-0.1, 0.1)
    evaluation["reference"] = {**passing_evaluation()["reference"], "difference": {"auc": wide}}
    evaluation[which]["metrics"] = {}

    assert len(judge(DEFINITION, evaluation).notes) == 1


def test_a_champion_without_its_value_has_no_note() -> None:
    evaluation = interval(-0.1, 0.1)
    evaluation["champion"]["metrics"] = {}

    assert judge(DEFINITION, evaluation).notes == ()


def test_a_margin_of_nothing_is_said_to_be_too_small_for_any_test_set() -> None:
    [note] = judge(primary("auc", margins={"auc": 0.0}), interval(-0.03, 0.03)).notes

    assert note.startswith("The margin is too small for any test set: with 150 test rows")
    assert note.endswith("Set a larger margin in gate.margins.")


def test_a_verdict_without_a_champion_or_with_enough_rows_has_no_note() -> None:
    alone = {**passing_evaluation(), "champion": None, "difference": None, "reference": None}

    assert judge(DEFINITION, alone).notes == ()
    assert judge(DEFINITION, passing_evaluation()).notes == ()


@given(
    rows=st.integers(1, 10**7),
    half_width=st.floats(0, 1e300, exclude_min=True),
    margin=st.floats(0, 1e300),
)
@example(rows=1, half_width=1e300, margin=1e-300)
@example(rows=1, half_width=1e-300, margin=1e300)
def test_the_rows_that_would_do_are_always_a_number_or_none(
    rows: int, half_width: float, margin: float
) -> None:
    needed = rows_needed(rows, half_width, margin)

    assert needed is None or needed >= 0


def test_four_times_the_rows_halve_the_interval() -> None:
    assert rows_needed(1000, 0.02, 0.02) == 2100  # 2.04 times as many, two digits
    assert rows_needed(1000, 0.04, 0.02) == 8200
    assert rows_needed(1000, 0.01, 0.02) == 520


@pytest.mark.parametrize(
    ("rows", "needed"),
    [
        (1, 3),
        (4, 9),  # 8.2, and half a row is a row
        (40, 82),
        (49, 110),  # 100.1: from a hundred on, two digits
        (489_000_000, 1_000_000_000),
        (490_000_000, None),  # more than a thousand million rows are no advice
    ],
)
def test_the_rows_that_would_do_are_rounded_up_to_two_digits(rows: int, needed: int | None) -> None:
    assert rows_needed(rows, 1.0, 1.0) == needed


def test_a_single_row_is_enough_for_an_interval_that_is_narrow_already() -> None:
    assert rows_needed(1, 0.01, 1.0) == 1
