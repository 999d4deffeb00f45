"""Every rule of a verdict written out: its numbers, its outcome and its words."""

from collections.abc import Iterable
from dataclasses import astuple
from typing import Any

import pytest

from core.definition.schema import ModelDefinition
from core.gate.rule import Rule, metric_of, obstacle_of
from core.gate.rules import judge
from tests.support.control_cases import DEFINITION, passing_evaluation

# The words of each rule by its name, metric, segment, value, bar, gap and outcome.
Written = dict[tuple[Any, ...], str]

PASSING: Written = {
    ("metric computed", "auc", None, 0.8, None, None, "pass"): "AUC is 0.80 (0.75 to 0.85)",
    ("metric computed", "log_loss", None, 0.5, None, None, "pass"): (
        "log loss is 0.50 (0.40 to 0.60)"
    ),
    ("metric computed", "recall", None, 0.6, None, None, "pass"): "recall is 0.6 (0.5 to 0.7)",
    ("floor", "auc", None, 0.8, 0.7, 0.1, "pass"): "AUC 0.80 must be at least 0.7: passes by 0.10",
    ("floor", "log_loss", None, 0.5, 0.6, 0.1, "pass"): (
        "log loss 0.50 must be at most 0.6: passes by 0.10"
    ),
    ("champion non-inferiority", "auc", None, 0.01, -0.02, 0.021, "pass"): (
        "AUC differs from the champion's by +0.010 (+0.001 to +0.019): it is better"
    ),
    ("reference non-inferiority", "auc", None, 0.02, -0.02, 0.031, "pass"): (
        "AUC differs from the reference's (release 2, the last that a person approved) by "
        "+0.020 (+0.011 to +0.029): it is better"
    ),
    ("champion margin", "log_loss", None, 0.5, 0.56, 0.06, "pass"): (
        "log loss 0.50, champion 0.51: better by 0.01"
    ),
    ("segment margin", "auc", "gender = f", 0.8, 0.74, 0.06, "pass"): (
        "gender = f: AUC 0.80, champion 0.79: better by 0.01"
    ),
    ("segment margin", "auc", "gender = m", 0.8, 0.74, 0.06, "pass"): (
        "gender = m: AUC 0.80, champion 0.79: better by 0.01"
    ),
    ("fairness", "recall", "gender", 0.05, 0.1, 0.05, "pass"): (
        "recall differs by 0.05 between groups of gender, at most 0.1 is allowed: passes"
    ),
    ("rejected rows", None, None, 0.0, 0.01, 0.01, "pass"): (
        "0 % of the rows were rejected, at most 1 % is allowed: passes"
    ),
    ("parity", None, None, 0.0, 0.0, 0.0, "pass"): (
        "the ONNX model answers like the trained model on all 150 rows"
    ),
}
NOTHING_REPORTED: Written = {
    ("metric computed", "auc", None, None, None, None, "reject"): (
        "AUC is missing from the evaluation or is not a number"
    ),
    ("metric computed", "log_loss", None, None, None, None, "reject"): (
        "log loss is missing from the evaluation or is not a number"
    ),
    ("metric computed", "recall", None, None, None, None, "reject"): (
        "recall is missing from the evaluation or is not a number"
    ),
    ("floor", "auc", None, None, 0.7, None, "reject"): (
        "AUC is missing, so it cannot be compared with its threshold 0.7"
    ),
    ("floor", "log_loss", None, None, 0.6, None, "reject"): (
        "log loss is missing, so it cannot be compared with its threshold 0.6"
    ),
    ("champion non-inferiority", "auc", None, None, None, None, "reject"): (
        "the difference between the candidate's AUC and the champion's is missing"
    ),
    ("reference non-inferiority", "auc", None, None, None, None, "reject"): (
        "the difference between the candidate's AUC and the reference's (release not "
        "reported, the first) is missing"
    ),
    ("champion margin", "log_loss", None, None, None, None, "reject"): (
        "the candidate's log loss is missing, so the two models cannot be compared"
    ),
    ("segment margin", None, "gender", None, None, None, "reject"): (
        "the evaluation has no segments of gender"
    ),
    ("fairness", "recall", "gender", None, 0.1, None, "reject"): (
        "the gap in recall between groups of gender is missing"
    ),
    ("rejected rows", None, None, None, 0.01, None, "reject"): (
        "the share of rejected rows is missing from the evaluation"
    ),
    ("parity", None, None, None, 0.0, None, "reject"): (
        "the comparison of the ONNX model with the trained model is missing"
    ),
}
# A rule that compares with nothing has words only.
NO_CHAMPION: Written = {
    ("champion non-inferiority", "auc", None, None, None, None, "pass"): (
        "AUC: no champion yet, so nothing to compare with"
    ),
    ("champion margin", "log_loss", None, None, None, None, "pass"): (
        "log loss: no champion yet, so nothing to compare with"
    ),
    ("segment margin", "auc", None, None, None, None, "pass"): (
        "AUC: no champion yet, so nothing to compare with"
    ),
}
NOT_COMPARABLE: Written = {
    ("champion non-inferiority", "auc", None, None, None, None, "hold"): (
        "AUC: its target is another"
    ),
    ("reference non-inferiority", "auc", None, None, None, None, "hold"): "AUC: its image is gone",
    ("champion margin", "log_loss", None, None, None, None, "hold"): (
        "log loss: its target is another"
    ),
    ("segment margin", "auc", None, None, None, None, "hold"): "AUC: its target is another",
}
FAILING: Written = {
    ("floor", "auc", None, 0.65, 0.7, -0.05, "reject"): (
        "AUC 0.65 must be at least 0.7: fails by 0.05"
    ),
    ("floor", "log_loss", None, 0.65, 0.6, -0.05, "reject"): (
        "log loss 0.65 must be at most 0.6: fails by 0.05"
    ),
    ("champion margin", "log_loss", None, 0.65, 0.56, -0.09, "reject"): (
        "log loss 0.65, champion 0.51: worse by 0.14, more than the margin of 0.05"
    ),
    ("segment margin", None, "gender = f", None, 30, None, "reject"): (
        "gender = f: the number of rows is missing"
    ),
    ("segment margin", None, "gender = m", 29.0, 30, None, "pass"): (
        "gender = m: not judged, 29 rows (at least 30 needed)"
    ),
    ("fairness", "recall", "gender", 0.2, 0.1, -0.1, "reject"): (
        "recall differs by 0.2 between groups of gender, at most 0.1 is allowed: fails"
    ),
    ("rejected rows", None, None, 0.02, 0.01, -0.01, "reject"): (
        "2 % of the rows were rejected, at most 1 % is allowed: fails"
    ),
    ("parity", None, None, 0.0, 0.0, None, "reject"): (
        "the ONNX model was compared on 150 rows, not on all 151"
    ),
}


def failing_evaluation() -> dict[str, Any]:
    """Bad in every way that has its own words."""
    evaluation = passing_evaluation()
    evaluation["candidate"]["metrics"] |= {"auc": {"value": 0.65}, "log_loss": {"value": 0.65}}
    evaluation["segments"][0]["rows"], evaluation["segments"][1]["rows"] = None, 29
    evaluation["fairness"][0]["gap"] = 0.2
    evaluation["data"]["rejected_share"] = 0.02
    evaluation["rows"]["test"] = 151
    return evaluation


def with_gate(**gate: Any) -> ModelDefinition:
    """The definition with other settings of its gate."""
    return DEFINITION.model_copy(update={"gate": DEFINITION.gate.model_copy(update=gate)})


def written(rules: Iterable[Rule]) -> list[tuple[tuple[Any, ...], str]]:
    return [(astuple(rule)[:-1], rule.words) for rule in rules]


def named(name: str, definition: ModelDefinition, evaluation: dict[str, Any]) -> Written:
    return dict(written(each for each in judge(definition, evaluation).rules if each.name == name))


def test_every_rule_of_a_passing_evaluation_shows_what_it_compared() -> None:
    assert written(judge(DEFINITION, passing_evaluation()).rules) == list(PASSING.items())


def test_every_rule_of_an_empty_evaluation_says_what_is_missing() -> None:
    verdict = judge(DEFINITION, {})

    assert written(verdict.rules) == list(NOTHING_REPORTED.items())
    assert verdict.summary == (
        "reject: AUC is missing from the evaluation or is not a number (and 11 more)"
    )


@pytest.mark.parametrize(
    ("champion", "reference", "expected", "verdict"),
    [
        (None, None, NO_CHAMPION, "promote"),
        (
            {"obstacle": "its target is another"},
            {"obstacle": "its image is gone"},
            NOT_COMPARABLE,
            "hold",
        ),
    ],
)
def test_a_rule_without_a_model_to_compare_with_has_words_and_no_numbers(
    champion: dict[str, Any] | None,
    reference: dict[str, Any] | None,
    expected: Written,
    verdict: str,
) -> None:
    evaluation = {**passing_evaluation(), "champion": champion, "reference": reference}

    found = judge(DEFINITION, evaluation)

    compared = [rule for rule in found.rules if rule.name.endswith(("margin", "non-inferiority"))]
    assert written(compared) == list(expected.items())
    assert found.verdict == verdict


def test_every_rule_that_fails_says_by_how_much() -> None:
    verdict = judge(DEFINITION, failing_evaluation())

    found = [rule for rule in verdict.rules if rule.outcome != "pass" or rule.value == 29]
    assert written(found) == list(FAILING.items())
    assert verdict.summary == "reject: AUC 0.65 must be at least 0.7: fails by 0.05 (and 6 more)"


def test_rules_come_in_the_order_of_their_metrics_however_the_definition_has_them() -> None:
    margins = {"recall": 0.1, "log_loss": 0.05}
    definition = with_gate(margins=margins, segment_margins={"log_loss": 0.05, "auc": 0.05})
    evaluation = passing_evaluation()

    for obstacle in (None, "its target is another"):
        evaluation["champion"]["obstacle"] = obstacle
        rules = judge(definition, evaluation).rules

        named = [rule.metric for rule in rules if rule.name == "champion margin"]
        segments = [rule.metric for rule in rules if rule.name == "segment margin"]
        assert named == ["log_loss", "recall"]
        assert segments[:2] == ["auc", "log_loss"]


def test_without_a_margin_no_segment_is_judged() -> None:
    evaluation = passing_evaluation()
    evaluation["segments"] = []

    verdict = judge(with_gate(segment_margins={}), evaluation)

    assert verdict.verdict == "promote"
    assert "segment margin" not in {rule.name for rule in verdict.rules}


def test_a_threshold_is_written_like_every_number() -> None:
    words = [rule.words for rule in judge(with_gate(floors={"rmse": 1200.0}), {}).rules]

    assert "RMSE is missing, so it cannot be compared with its threshold 1,200" in words


def test_the_segments_of_each_column_are_judged_once_and_in_the_order_of_their_values() -> None:
    definition = DEFINITION.model_copy(update={"segments": ["plan", "gender"]})
    evaluation = passing_evaluation()
    template = evaluation["segments"][0]
    # However odd the values are.
    places = [("gender", "m"), ("plan", 2), ("other", "x"), ("gender", None), ("plan", "1")]
    evaluation["segments"] = [
        {**template, "column": column, "value": value} for column, value in places
    ]

    found = [
        rule.segment
        for rule in judge(definition, evaluation).rules
        if rule.name == "segment margin"
    ]

    assert found == ["plan = 1", "plan = 2", "gender = None", "gender = m"]


def test_a_segment_without_a_number_says_whose_is_missing() -> None:
    evaluation = passing_evaluation()
    evaluation["segments"][0]["candidate"], evaluation["segments"][1]["champion"] = {}, {}

    assert named("segment margin", DEFINITION, evaluation) == {
        ("segment margin", "auc", "gender = f", None, None, None, "reject"): (
            "gender = f: the candidate's AUC is missing, so the two models cannot be compared"
        ),
        ("segment margin", "auc", "gender = m", 0.8, None, None, "reject"): (
            "gender = m: the champion's AUC is missing, so the two models cannot be compared"
        ),
    }


def test_numbers_of_rows_are_written_like_every_number() -> None:
    evaluation = passing_evaluation()
    del evaluation["segments"][1]
    evaluation["segments"][0]["rows"] = 1200

    assert named("segment margin", with_gate(minimum_segment_rows=1500), evaluation) == {
        ("segment margin", None, "gender = f", 1200.0, 1500, None, "pass"): (
            "gender = f: not judged, 1,200 rows (at least 1,500 needed)"
        )
    }


def test_a_gain_is_written_with_the_metrics_decimals() -> None:
    evaluation = passing_evaluation()
    evaluation["candidate"]["metrics"]["log_loss"] = {"value": 0.4}
    evaluation["champion"]["metrics"]["log_loss"] = {"value": 0.51237}

    assert list(named("champion margin", DEFINITION, evaluation).values()) == [
        "log loss 0.4000, champion 0.5124: better by 0.1124"
    ]


def test_a_gap_between_groups_is_written_with_the_metrics_name_and_decimals() -> None:
    allowed = DEFINITION.gate.fairness[0].model_copy(update={"metric": "auc", "max_gap": 0.3})
    evaluation = passing_evaluation()
    evaluation["fairness"] = [{"column": "gender", "metric": "auc", "gap": 0.123456}]

    assert named("fairness", with_gate(fairness=[allowed]), evaluation) == {
        ("fairness", "auc", "gender", 0.123456, 0.3, 0.176544, "pass"): (
            "AUC differs by 0.12 between groups of gender, at most 0.3 is allowed: passes"
        )
    }


@pytest.mark.parametrize("name", ["floor", "fairness", "rejected rows"])
def test_a_value_on_its_bar_passes_although_floats_do_not_add_up(name: str) -> None:
    value = 0.1 + 0.2
    assert value > 0.3
    allowed = DEFINITION.gate.fairness[0].model_copy(update={"max_gap": 0.3})
    gate = {"floors": {"log_loss": 0.3}, "fairness": [allowed], "maximum_rejected_share": 0.3}
    evaluation = passing_evaluation()
    evaluation["candidate"]["metrics"]["log_loss"]["value"] = value
    evaluation["fairness"][0]["gap"] = evaluation["data"]["rejected_share"] = value

    [rule] = [each for each in judge(with_gate(**gate), evaluation).rules if each.name == name]

    assert (rule.outcome, rule.gap) == ("pass", 0.0)


def test_a_number_of_mismatches_below_zero_is_none_at_all() -> None:
    evaluation = passing_evaluation()
    evaluation["parity"]["mismatches"] = -1

    assert named("parity", DEFINITION, evaluation) == {
        ("parity", None, None, None, 0.0, None, "reject"): (
            "the comparison of the ONNX model with the trained model is missing"
        )
    }


def test_parity_over_one_row_is_enough_for_a_test_set_of_one() -> None:
    evaluation = passing_evaluation()
    evaluation["parity"]["rows"] = evaluation["rows"]["test"] = 1

    [found] = named("parity", DEFINITION, evaluation)
    assert found == ("parity", None, None, 0.0, 0.0, 0.0, "pass")


def test_a_value_without_an_interval_is_written_alone() -> None:
    evaluation = passing_evaluation()
    evaluation["candidate"]["metrics"]["auc"] = {"value": 0.81}

    verdict = judge(DEFINITION, evaluation)

    assert verdict.rules[0].words == "AUC is 0.81"
    assert verdict.summary == "promote: every rule passed, AUC 0.81, champion 0.79"


def test_parity_over_too_few_rows_shows_how_many_differed() -> None:
    evaluation = passing_evaluation()
    evaluation["parity"] |= {"rows": 149, "mismatches": 3}

    assert named("parity", DEFINITION, evaluation) == {
        ("parity", None, None, 3.0, 0.0, None, "reject"): (
            "the ONNX model was compared on 149 rows, not on all 150"
        )
    }


def test_no_model_has_no_obstacle_and_no_metric() -> None:
    assert (obstacle_of(None), metric_of(None, "auc")) == ("", None)
