"""The primary rule: the candidate is not worse than another model beyond the margin."""

import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.gate.non_inferiority import decide, margin_for
from core.gate.rules import judge
from core.metrics import METRICS
from core.words.metrics import metric_label
from tests.support.control_cases import DEFINITION, passing_evaluation
from tests.support.primary_rule import interval, primary, rule

SEVERITY = {"pass": 0, "hold": 1, "reject": 2}
ends = st.floats(-10, 10, allow_nan=False)


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
