"""The primary rule: the candidate is not worse than another model beyond the margin."""

import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.definition.schema import ModelDefinition
from core.gate.non_inferiority import decide, margin_for, rows_needed
from core.gate.rule import Rule, Verdict
from core.gate.rules import judge
from core.metrics import METRICS
from core.words.metrics import metric_label
from tests.support.control_cases import DEFINITION, passing_evaluation

SEVERITY = {"pass": 0, "hold": 1, "reject": 2}
ends = st.floats(-10, 10, allow_nan=False)


def primary(metric: str, **gate: Any) -> ModelDefinition:
    """The definition with this primary metric and these settings of its gate."""
    content = DEFINITION.model_dump()
    content["metrics"] = {"primary": metric, "also": ["auc", "log_loss", "recall"]}
    content["gate"] |= gate
    return ModelDefinition.model_validate(content)


def interval(low: float, high: float, metric: str = "auc", **other: Any) -> dict[str, Any]:
    """The passing evaluation with this interval of the difference to the champion."""
    evaluation = passing_evaluation()
    evaluation["difference"] = {metric: {"value": (low + high) / 2, "low": low, "high": high}}
    return {**evaluation, "reference": None, **other}


def rule(verdict: Verdict, which: str = "champion") -> Rule:
    [found] = [each for each in verdict.rules if each.name == f"{which} non-inferiority"]
    return found


MARGIN = 0.02  # of auc in the definition

# Promote first, then reject, else hold; a loss is negative.
PLACES = [
    (0.001, 0.019, "pass", "it is better"),
    (0.0, 0.019, "pass", "not worse by more than the margin of 0.02"),
    (-0.01, 0.01, "pass", "not worse by more than the margin of 0.02"),
    (-0.02, 0.01, "pass", "not worse by more than the margin of 0.02"),  # on the margin itself
    (-0.02, -0.01, "pass", "it is worse, but not by more than the margin of 0.02"),
    (-0.02, 0.0, "pass", "not worse by more than the margin of 0.02"),
    (-0.021, 0.01, "hold", "it may be worse by more than the margin of 0.02"),
    (-0.021, 0.0, "hold", "it may be worse by more than the margin of 0.02"),
    (-0.021, -0.001, "reject", "it is worse, and may be by more than the margin of 0.02"),
    (-0.04, -0.02, "reject", "it is worse, and may be by more than the margin of 0.02"),
    (-0.04, -0.03, "reject", "it is worse by more than the margin of 0.02"),
]


@pytest.mark.parametrize(("worst", "best", "outcome", "words"), PLACES)
@pytest.mark.parametrize("metric", ["auc", "log_loss"])
def test_the_rule_judges_by_where_the_interval_lies(
    metric: str, worst: float, best: float, outcome: str, words: str
) -> None:
    low, high = (worst, best) if metric == "auc" else (-best, -worst)
    definition = primary(metric, margins={metric: MARGIN})

    found = rule(judge(definition, interval(low, high, metric)))

    assert found.outcome == outcome
    assert found.words.startswith(f"{metric_label(metric)} differs from the champion's by ")
    assert found.words.endswith(f": {words}")
    assert found.bar == (-MARGIN if metric == "auc" else MARGIN)
    assert found.gap == pytest.approx(worst + MARGIN)
    assert (found.gap >= 0) is (outcome == "pass")


@given(worst=ends, width=st.floats(0, 1), margin=st.floats(0, 1))
@example(worst=-0.1, width=0.0, margin=0.1)
@example(worst=-0.1, width=0.1, margin=0.0)
@example(worst=0.0, width=0.0, margin=0.0)
def test_the_order_is_promote_then_reject_then_hold(
    worst: float, width: float, margin: float
) -> None:
    best = worst + width
    if abs(worst + margin) < 1e-6 and worst + margin:
        return  # so close to the margin, rounding may fall either way

    expected = "pass" if worst >= -margin else "reject" if best < 0 else "hold"

    assert decide(worst, best, margin) == expected


@given(worst=ends, width=st.floats(0, 1), margin=st.floats(0, 1), more=st.floats(0, 5))
def test_a_better_interval_or_a_wider_margin_never_worsens_the_outcome(
    worst: float, width: float, margin: float, more: float
) -> None:
    outcome = SEVERITY[decide(worst, worst + width, margin)]

    assert SEVERITY[decide(worst + more, worst + more + width, margin)] <= outcome
    assert SEVERITY[decide(worst, worst + width, margin + more)] <= outcome


@pytest.mark.parametrize("scale", [1e-14, 1.0, 1e14])
def test_the_unit_of_the_target_does_not_matter(scale: float) -> None:
    assert decide(-0.051 * scale, 0.01 * scale, 0.05 * scale) == "hold"
    assert decide(-0.05 * scale, 0.01 * scale, 0.05 * scale) == "pass"
    assert decide(-0.06 * scale, -0.001 * scale, 0.05 * scale) == "reject"


def test_a_loss_of_exactly_the_margin_passes_although_floats_do_not_add_up() -> None:
    loss = 1.1 - 1.05
    assert loss > 0.05

    assert decide(-loss, 0.0, 0.05) == "pass"


@pytest.mark.parametrize(
    ("beyond", "outcome"), [(0.9e-9, "pass"), (1.1e-9, "hold"), (1e-6, "hold"), (-1e-9, "pass")]
)
def test_no_more_than_rounding_is_forgiven(beyond: float, outcome: str) -> None:
    assert decide(-(1 + beyond), 0.1, 1.0) == outcome


def test_a_loss_that_rounding_forgives_has_no_gap() -> None:
    evaluation = interval(-(1.1 - 1.05), 0.01)

    found = rule(judge(primary("auc", margins={"auc": 0.05}), evaluation))

    assert (found.outcome, found.gap) == ("pass", 0.0)


@pytest.mark.parametrize(("low", "high"), [(0.02, 0.01), (0.019, 0.0)])
def test_an_interval_whose_ends_are_swapped_is_none(low: float, high: float) -> None:
    found = rule(judge(DEFINITION, interval(low, high)))

    assert (found.outcome, "is missing" in found.words) == ("reject", True)


def test_an_interval_of_one_value_is_one() -> None:
    assert rule(judge(DEFINITION, interval(0.01, 0.01))).outcome == "pass"


def test_a_gap_beyond_all_numbers_is_the_largest_that_can_be_written() -> None:
    definition = primary("log_loss", margins={})
    huge = definition.model_copy(
        update={"gate": definition.gate.model_copy(update={"margins": {"log_loss": 1.7e308}})}
    )
    evaluation = interval(0.0, 0.0, "log_loss")
    evaluation["difference"]["log_loss"] = {"value": -1.65e308, "low": -1.7e308, "high": -1.6e308}

    assert rule(judge(huge, evaluation)).gap == 1.7e308


def test_an_identical_model_passes_a_margin_of_nothing() -> None:
    assert decide(0.0, 0.0, 0.0) == "pass"


@pytest.mark.parametrize("scale", [1e-9, 1e15])
def test_a_metric_too_large_or_small_for_decimals_is_judged_all_the_same(scale: float) -> None:
    evaluation = interval(-scale, 2 * scale, "log_loss")
    values = {"value": 50 * scale, "low": 40 * scale, "high": 60 * scale}
    for whose in ("candidate", "champion"):
        evaluation[whose] = {"metrics": {"log_loss": values}}

    found = rule(judge(primary("log_loss", margins={}), evaluation))

    assert (found.outcome, found.bar) == ("pass", pytest.approx(2.5 * scale))
    assert "not worse by more than the margin of " in found.words


@pytest.mark.parametrize("end", ["worst", "best"])
def test_an_end_that_is_not_a_number_never_passes(end: str) -> None:
    nan = math.nan

    outcome = decide(nan, 0.1, 0.05) if end == "worst" else decide(-0.1, nan, 0.05)

    assert outcome != "pass"


@pytest.mark.parametrize(
    ("metric", "champion", "margin"),
    [
        ("auc", 0.85, 0.0075),
        ("auc", 0.99, 0.0005),
        ("log_loss", 0.4, 0.02),
        ("rmse", 2.0, 0.1),
        ("r2", 0.6, 0.02),
        ("r2", -0.2, 0.06),  # below the mean of the target
        ("macro_f1", 0.5, 0.025),
    ],
)
def test_without_a_margin_a_twentieth_of_what_is_left_to_the_best_score_is_allowed(
    metric: str, champion: float, margin: float
) -> None:
    definition = DEFINITION.model_copy(
        update={"metrics": DEFINITION.metrics.model_copy(update={"primary": metric})}
    )
    without = definition.model_copy(
        update={"gate": definition.gate.model_copy(update={"margins": {}})}
    )

    found = margin_for(without, champion)

    assert (found.value, found.default) == (pytest.approx(margin), True)


@pytest.mark.parametrize("metric", list(METRICS))
def test_a_margin_of_the_definition_comes_before_the_default(metric: str) -> None:
    definition = DEFINITION.model_copy(
        update={
            "metrics": DEFINITION.metrics.model_copy(update={"primary": metric}),
            "gate": DEFINITION.gate.model_copy(update={"margins": {metric: 0.0}}),
        }
    )

    found = margin_for(definition, 0.5)

    assert (found.value, found.default) == (0.0, False)


def test_the_default_margin_is_called_so() -> None:
    verdict = judge(primary("auc", margins={}), interval(-0.01, 0.01))

    assert rule(verdict).words.endswith("by more than the margin of 0.0105 (the default)")


def test_the_primary_metric_has_no_rule_by_its_value_alone() -> None:
    """An interval may exclude a loss beyond the margin only where the value is within it."""
    verdict = judge(primary("auc", margins={"auc": 0.02, "log_loss": 0.05}), passing_evaluation())

    assert {each.metric for each in verdict.rules if each.name == "champion margin"} == {"log_loss"}


def test_an_interval_and_a_margin_that_would_look_alike_are_told_apart() -> None:
    words = rule(judge(DEFINITION, interval(-0.0203, 0.01))).words

    assert "(−0.020 to " not in words
    assert words.endswith("may be worse by more than the margin of 0.02")


@pytest.mark.parametrize(
    ("loss", "shown"),
    [
        (0.3, "−0.14 (−0.30 to +0.01)"),
        (0.0201, "−0.0050 (−0.0201 to +0.0100)"),
        (0.02003, "−0.00501 (−0.02003 to +0.01000)"),
        (0.020000003, "−0.005000001 (−0.020000003 to +0.010000000)"),
        (0.0200000003, "−0.005 (−0.020 to +0.010)"),  # no reader would count so many digits
        (0.02, "−0.005 (−0.020 to +0.010)"),
        (0.01999999, "−0.00499999 (−0.01999999 to +0.01000000)"),
    ],
)
def test_an_interval_has_as_many_decimals_as_tell_it_from_the_margin(
    loss: float, shown: str
) -> None:
    words = rule(judge(DEFINITION, interval(-loss, 0.01))).words

    assert words.startswith(f"AUC differs from the champion's by {shown}: ")


@pytest.mark.parametrize(
    ("margin", "value", "low", "high", "shown"),
    [
        (0.02, -0.00015, -0.0201, -0.0001, "(−0.0201 to −0.0001)"),
        (0.002, 0.001, -0.0021, 0.5, "(−0.0021 to +0.5000)"),
        (0.002, 0.5, -0.0021, 0.001, "(−0.0021 to +0.0010)"),
    ],
)
def test_the_loss_is_told_from_the_margin_whichever_number_is_the_largest(
    margin: float, value: float, low: float, high: float, shown: str
) -> None:
    evaluation = interval(low, high)
    evaluation["difference"]["auc"]["value"] = value

    words = rule(judge(primary("auc", margins={"auc": margin}), evaluation)).words

    assert shown in words


def test_a_margin_is_written_like_every_threshold() -> None:
    found = rule(
        judge(primary("log_loss", margins={"log_loss": 1200}), interval(-1, 1, "log_loss"))
    )

    assert found.words.endswith("not worse by more than the margin of 1,200")


# ---- the reference


def slid(low: float, high: float, **changes: Any) -> dict[str, Any]:
    """As good as the champion; this is the interval of the difference to the reference."""
    difference = {"auc": {"value": (low + high) / 2, "low": low, "high": high}}
    reference = {**passing_evaluation()["reference"], "difference": difference, **changes}
    return interval(-0.01, 0.01, reference=reference)


def test_a_slow_slide_is_stopped_by_the_reference() -> None:
    verdict = judge(DEFINITION, slid(-0.05, -0.03))

    assert rule(verdict).outcome == "pass"
    assert rule(verdict, "reference").outcome == verdict.verdict == "reject"
    assert verdict.summary == (
        "reject: AUC differs from the reference's (release 2, the last that a person approved) by "
        "−0.04 (−0.05 to −0.03): it is worse by more than the margin of 0.02"
    )


@pytest.mark.parametrize(("worst", "best", "outcome", "words"), PLACES)
def test_the_reference_is_judged_by_the_same_rule(
    worst: float, best: float, outcome: str, words: str
) -> None:
    found = rule(judge(DEFINITION, slid(worst, best)), "reference")

    assert (found.outcome, found.words.endswith(f": {words}")) == (outcome, True)


def test_the_default_margin_follows_the_model_that_is_compared() -> None:
    metrics = {"auc": {"value": 0.9, "low": 0.88, "high": 0.92}}

    verdict = judge(primary("auc", margins={}), slid(-0.004, 0.004, metrics=metrics))

    assert rule(verdict).bar == pytest.approx(-0.05 * (1 - 0.79))
    assert rule(verdict, "reference").bar == pytest.approx(-0.05 * (1 - 0.9))


def test_the_first_release_is_the_reference_where_no_person_approved_one() -> None:
    words = rule(judge(DEFINITION, slid(-0.01, 0.01, why="first", release=1)), "reference").words

    assert words.startswith("AUC differs from the reference's (release 1, the first) by ")


def test_a_reference_whose_number_is_none_is_still_compared() -> None:
    words = rule(judge(DEFINITION, slid(-0.01, 0.01, release="two")), "reference").words

    assert words.startswith("AUC differs from the reference's (release not reported, the last ")


def test_a_reference_that_is_the_champion_is_compared_once() -> None:
    verdict = judge(DEFINITION, {**passing_evaluation(), "reference": None})

    assert [each.name for each in verdict.rules].count("champion non-inferiority") == 1
    assert "reference non-inferiority" not in {each.name for each in verdict.rules}


def test_an_evaluation_of_the_earlier_format_has_no_reference() -> None:
    evaluation = {**passing_evaluation(), "format": 1}
    del evaluation["reference"]

    verdict = judge(DEFINITION, evaluation)

    assert verdict.verdict == "promote"
    assert "reference non-inferiority" not in {each.name for each in verdict.rules}


def test_an_evaluation_that_leaves_the_reference_out_is_rejected() -> None:
    evaluation = passing_evaluation()
    del evaluation["reference"]

    assert rule(judge(DEFINITION, evaluation), "reference").outcome == "reject"


def test_a_reference_that_could_not_be_compared_holds_and_says_why() -> None:
    reference = {"release": 2, "why": "approved", "obstacle": "its target is another"}

    verdict = judge(DEFINITION, {**passing_evaluation(), "reference": reference})

    assert verdict.verdict == rule(verdict, "reference").outcome == "hold"
    assert "its target is another" in verdict.summary


# ---- too few test rows


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
