"""The gate's rules that compare models, segments and groups."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.gate.rules import judge
from core.metrics import DIRECTION
from tests.support.control_cases import DEFINITION, passing_evaluation
from tests.support.gate_cases import SEVERITY, changed, rules, values, with_gate

WIDE = {"recall": 0.5}


@pytest.mark.parametrize("metric", ["recall", "log_loss"])
@given(champion=values, loss=st.floats(0, 1))
def test_a_loss_against_the_champion_passes_exactly_within_the_margin(
    metric: str, champion: float, loss: float
) -> None:
    candidate = champion - loss if DIRECTION[metric] == "higher" else champion + loss
    definition = with_gate(margins={metric: 0.05})
    evaluation = changed(f"candidate.metrics.{metric}.value", candidate)
    evaluation["champion"]["metrics"][metric]["value"] = champion

    [rule] = rules(judge(definition, evaluation), "champion margin", metric)

    margin = 0.05
    if abs(loss - margin) > 1e-9:  # on the bar itself, rounding may fall either way
        assert (rule.outcome == "pass") is (loss < margin)


@pytest.mark.parametrize("whose", ["candidate", "champion"])
@given(one=values, other=values)
def test_the_better_candidate_or_the_weaker_champion_never_worsens_a_margin(
    whose: str, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    easier, harder = (high, low) if whose == "candidate" else (low, high)

    outcomes = [
        SEVERITY[rules(judge(with_gate(**gate), changed(path, value)), name, metric)[0].outcome]
        for value in (easier, harder)
        for path, name, metric, gate in [
            (f"{whose}.metrics.recall.value", "champion margin", "recall", {"margins": WIDE}),
            (f"segments.0.{whose}.auc", "segment margin", "auc", {}),
        ]
    ]

    assert outcomes[0] <= outcomes[2]
    assert outcomes[1] <= outcomes[3]


def test_a_loss_of_exactly_the_margin_passes_although_floats_do_not_add_up() -> None:
    evaluation = changed("candidate.metrics.log_loss.value", 2.15)
    evaluation["champion"]["metrics"]["log_loss"]["value"] = 2.1

    [rule] = rules(judge(DEFINITION, evaluation), "champion margin", "log_loss")

    assert rule.outcome == "pass"
    assert rule.words == ("log loss 2.15, champion 2.10: worse by 0.05, within the margin of 0.05")


@given(rows=st.integers(0, 200), candidate=values)
def test_a_segment_with_too_few_rows_is_ignored_aloud(rows: int, candidate: float) -> None:
    evaluation = changed("segments.0.rows", rows)
    evaluation["segments"][0]["candidate"]["auc"] = candidate

    [rule] = [
        rule
        for rule in rules(judge(DEFINITION, evaluation), "segment margin")
        if rule.segment == "gender = f"
    ]

    if rows < 30:
        assert rule.outcome == "pass"
        assert f"not judged, {rows} row" in rule.words
        assert "at least 30 needed" in rule.words
    else:
        assert (rule.outcome == "pass") is (candidate >= 0.79 - 0.05)


@pytest.mark.parametrize(
    ("rows", "candidate", "outcome"),
    [
        (29, 0.1, "pass"),  # one row too few: not judged
        (30, 0.1, "reject"),
        (30, 0.74, "pass"),  # a loss of just the margin of 0.05
        (30, 0.7399, "reject"),
        (30, 0.79, "pass"),
        (0, 0.1, "pass"),
    ],
)
def test_the_boundaries_of_the_segment_rule(rows: int, candidate: float, outcome: str) -> None:
    evaluation = changed("segments.0.rows", rows)
    evaluation["segments"][0]["candidate"]["auc"] = candidate

    verdict = judge(DEFINITION, evaluation)

    assert rules(verdict, "segment margin")[0].outcome == outcome


def test_a_margins_threshold_is_the_champions_value_moved_by_it() -> None:
    verdict = judge(DEFINITION, passing_evaluation())

    [overall] = rules(verdict, "champion margin")
    segment = rules(verdict, "segment margin")[0]
    assert (overall.metric, overall.value) == ("log_loss", 0.5)
    assert (overall.bar, overall.gap) == (pytest.approx(0.56), pytest.approx(0.06))
    assert (segment.metric, segment.segment, segment.value) == ("auc", "gender = f", 0.8)
    assert (segment.bar, segment.gap) == (pytest.approx(0.74), pytest.approx(0.06))


@pytest.mark.parametrize(
    ("candidate", "champion", "words"),
    [
        (0.5, 0.5, "log loss 0.5, champion 0.5: equal"),
        (0.4, 0.5, "log loss 0.4, champion 0.5: better by 0.1"),
        (0.52, 0.5, "log loss 0.52, champion 0.50: worse by 0.02, within the margin of 0.05"),
        (0.7, 0.5, "log loss 0.7, champion 0.5: worse by 0.2, more than the margin of 0.05"),
        (None, 0.5, "the candidate's log loss is missing, so the two models cannot be compared"),
        (0.5, None, "the champion's log loss is missing, so the two models cannot be compared"),
    ],
)
def test_a_margin_says_how_the_two_models_compare(
    candidate: float | None, champion: float | None, words: str
) -> None:
    evaluation = changed("candidate.metrics.log_loss", {"value": candidate})
    evaluation["champion"]["metrics"]["log_loss"] = {"value": champion}

    [rule] = rules(judge(DEFINITION, evaluation), "champion margin")

    assert rule.words.replace("0.50", "0.5") == words.replace("0.50", "0.5")


def test_a_segment_column_without_any_segment_is_rejected() -> None:
    verdict = judge(DEFINITION, changed("segments", []))

    assert verdict.summary == "reject: the evaluation has no segments of gender"


@given(gap=st.floats(0, 1), other=st.floats(0, 1))
def test_a_smaller_fairness_gap_never_worsens_and_the_bar_is_kept(gap: float, other: float) -> None:
    outcomes = [
        rules(judge(DEFINITION, changed("fairness.0.gap", value)), "fairness")[0].outcome
        for value in sorted((gap, other))
    ]

    assert SEVERITY[outcomes[0]] <= SEVERITY[outcomes[1]]
    if abs(gap - 0.1) > 1e-9:
        [rule] = rules(judge(DEFINITION, changed("fairness.0.gap", gap)), "fairness")
        assert (rule.outcome == "pass") is (gap < 0.1)


def test_a_champion_that_could_not_be_compared_holds_and_says_why() -> None:
    evaluation = passing_evaluation()
    nothing = {"value": None, "low": None, "high": None}
    evaluation["champion"] = {
        **evaluation["champion"],
        "metrics": dict.fromkeys(evaluation["metrics"], nothing),
        "obstacle": "the champion could not be compared: its target is another",
    }
    evaluation["difference"] = dict.fromkeys(evaluation["metrics"], nothing)

    verdict = judge(DEFINITION, evaluation)

    held = [rule for rule in verdict.rules if rule.outcome == "hold"]
    assert verdict.verdict == "hold"
    assert {rule.name for rule in held} == {
        "champion margin",
        "segment margin",
        "champion non-inferiority",
    }
    assert all("its target is another" in rule.words for rule in held)


@pytest.mark.parametrize("obstacle", [None, "", 3, [], True])
def test_only_words_are_an_obstacle_and_a_missing_champion_still_rejects(obstacle: Any) -> None:
    evaluation = passing_evaluation()
    evaluation["champion"] = {"obstacle": obstacle}

    assert judge(DEFINITION, evaluation).verdict == "reject"
