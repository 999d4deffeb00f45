"""The gate: each rule about one model by itself, and what holds of all rules."""

import json
import math
import random
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.definition.schema import ModelDefinition
from core.gate.rules import judge
from core.metrics import advantage
from tests.support.control_cases import DEFINITION, passing_evaluation
from tests.support.gate_cases import SEVERITY, changed, rules, values

VERDICTS = ["promote", "hold", "reject"]
UNUSABLE = [None, math.nan, math.inf, -math.inf, "0.9", True, [], {}, 10**400]
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


def test_a_candidate_that_passes_every_rule_is_promoted() -> None:
    verdict = judge(DEFINITION, passing_evaluation())

    assert verdict.verdict == "promote"
    assert verdict.summary == ("promote: every rule passed, AUC 0.80 (0.75 to 0.85), champion 0.79")
    assert {rule.outcome for rule in verdict.rules} == {"pass"}
    assert [rule.name for rule in verdict.rules] == [
        *["metric computed"] * 3,
        *["floor"] * 2,
        "champion non-inferiority",
        "reference non-inferiority",
        "champion margin",
        *["segment margin"] * 2,
        "fairness",
        "rejected rows",
        "parity",
    ]


def test_no_champion_is_a_named_case_and_every_comparison_says_so() -> None:
    evaluation = {**passing_evaluation(), "champion": None, "difference": None}

    verdict = judge(DEFINITION, evaluation)

    assert verdict.verdict == "promote"
    assert verdict.summary.endswith("; no champion yet, so nothing to compare with")
    compared = ("champion margin", "segment margin", "champion non-inferiority")
    assert {rule.words.split(": ")[1] for name in compared for rule in rules(verdict, name)} == {
        "no champion yet, so nothing to compare with"
    }


def test_a_champion_left_out_of_the_evaluation_is_not_the_same_as_none() -> None:
    evaluation = passing_evaluation()
    del evaluation["champion"]

    assert judge(DEFINITION, evaluation).verdict == "reject"


# Every number the gate reads, and the rule that must reject without it.
READ = [
    ("candidate.metrics.auc.value", "metric computed"),
    ("candidate.metrics.recall.value", "metric computed"),
    ("candidate.metrics.auc.value", "floor"),
    ("candidate.metrics.log_loss.value", "champion margin"),
    ("champion.metrics.log_loss.value", "champion margin"),
    ("champion.metrics.auc.value", "champion non-inferiority"),
    ("segments.0.candidate.auc", "segment margin"),
    ("segments.1.champion.auc", "segment margin"),
    ("segments.0.rows", "segment margin"),
    ("difference.auc.value", "champion non-inferiority"),
    ("difference.auc.low", "champion non-inferiority"),
    ("difference.auc.high", "champion non-inferiority"),
    ("reference.metrics.auc.value", "reference non-inferiority"),
    ("reference.difference.auc.value", "reference non-inferiority"),
    ("reference.difference.auc.low", "reference non-inferiority"),
    ("reference.difference.auc.high", "reference non-inferiority"),
    ("fairness.0.gap", "fairness"),
    ("data.rejected_share", "rejected rows"),
    ("parity.rows", "parity"),
    ("parity.mismatches", "parity"),
    ("rows.test", "parity"),
]


@pytest.mark.parametrize(("path", "rule"), READ)
@pytest.mark.parametrize("value", ["-", *UNUSABLE], ids=repr)
def test_a_missing_or_unusable_number_is_rejected_never_passed(
    path: str, rule: str, value: Any
) -> None:
    verdict = judge(DEFINITION, changed(path, value))

    assert verdict.verdict == "reject"
    assert "reject" in {found.outcome for found in rules(verdict, rule)}


@pytest.mark.parametrize(
    "part",
    ["candidate", "difference", "reference", "segments", "fairness", "parity", "data", "rows"],
)
@given(broken=anything)
def test_a_broken_part_is_rejected_and_never_raises(part: str, broken: Any) -> None:
    if part == "reference" and broken is None:
        return  # there is none: a named case
    verdict = judge(DEFINITION, {**passing_evaluation(), part: broken})

    assert verdict.verdict == "reject"


@given(evaluation=st.dictionaries(st.sampled_from([*passing_evaluation()]), anything))
def test_every_evaluation_gets_a_verdict_that_is_its_worst_outcome_and_valid_json(
    evaluation: dict[str, Any],
) -> None:
    verdict = judge(DEFINITION, {**passing_evaluation(), **evaluation})

    worst = max(SEVERITY[rule.outcome] for rule in verdict.rules)
    assert verdict.verdict == VERDICTS[worst]
    assert json.dumps(asdict(verdict), allow_nan=False)
    assert all(rule.words and "\n" not in rule.words for rule in verdict.rules)


@pytest.mark.parametrize("metric", ["auc", "log_loss"])
@given(one=values, other=values)
def test_a_better_value_never_worsens_a_floor(metric: str, one: float, other: float) -> None:
    better, worse = (one, other) if advantage(metric, one, other) >= 0 else (other, one)

    outcome_of = {
        value: rules(
            judge(DEFINITION, changed(f"candidate.metrics.{metric}.value", value)), "floor", metric
        )[0].outcome
        for value in (better, worse)
    }

    assert SEVERITY[outcome_of[better]] <= SEVERITY[outcome_of[worse]]


@pytest.mark.parametrize(
    ("value", "outcome", "words"),
    [
        (0.7, "pass", "AUC 0.70 must be at least 0.7: passes by 0"),
        (0.69, "reject", "AUC 0.69 must be at least 0.7: fails by 0.01"),
        (0.699999, "reject", "AUC 0.699999 must be at least 0.7: fails by 1×10⁻⁶"),
    ],
)
def test_a_floor_says_value_threshold_and_gap(value: float, outcome: str, words: str) -> None:
    [rule] = rules(judge(DEFINITION, changed("candidate.metrics.auc.value", value)), "floor", "auc")

    assert (rule.outcome, rule.words, rule.bar) == (outcome, words, 0.7)


def test_a_metric_where_less_is_better_must_be_at_most_its_floor() -> None:
    verdict = judge(DEFINITION, changed("candidate.metrics.log_loss.value", 0.61))

    [rule] = rules(verdict, "floor", "log_loss")
    assert rule.words == "log loss 0.61 must be at most 0.6: fails by 0.01"
    assert rule.gap == -0.01
    assert verdict.summary == f"reject: {rule.words} (and 1 more)"


@pytest.mark.parametrize(
    ("path", "value", "rule", "outcome"),
    [
        ("candidate.metrics.auc.value", 0.7, "floor", "pass"),
        ("candidate.metrics.auc.value", 0.6999, "floor", "reject"),
        ("candidate.metrics.log_loss.value", 0.56, "champion margin", "pass"),
        ("candidate.metrics.log_loss.value", 0.5601, "champion margin", "reject"),
        ("fairness.0.gap", 0.1, "fairness", "pass"),
        ("fairness.0.gap", 0.1001, "fairness", "reject"),
        ("fairness.0.gap", 0, "fairness", "pass"),
        ("fairness.0.gap", -0.01, "fairness", "reject"),
        ("data.rejected_share", 0.01, "rejected rows", "pass"),
        ("data.rejected_share", 0.0101, "rejected rows", "reject"),
        ("data.rejected_share", 0, "rejected rows", "pass"),
        ("data.rejected_share", -0.01, "rejected rows", "reject"),
        ("parity.mismatches", 0, "parity", "pass"),
        ("parity.mismatches", 1, "parity", "reject"),
        ("parity.mismatches", -1, "parity", "reject"),
        ("parity.rows", 150, "parity", "pass"),
        ("parity.rows", 149, "parity", "reject"),
        ("parity.rows", 151, "parity", "pass"),
        ("rows.test", 151, "parity", "reject"),
    ],
)
def test_the_boundaries_of_every_rule(path: str, value: float, rule: str, outcome: str) -> None:
    verdict = judge(DEFINITION, changed(path, value))

    metric = path.split(".")[2] if path.startswith("candidate") else None
    [found] = rules(verdict, rule, metric)
    assert found.outcome == outcome


@pytest.mark.parametrize(
    ("rows", "mismatches", "words", "gap"),
    [
        (150, 0, "the ONNX model answers like the trained model on all 150 rows", 0.0),
        (150, 3, "the ONNX model answers differently on 3 of 150 rows", -3.0),
        (149, 0, "the ONNX model was compared on 149 rows, not on all 150", None),
    ],
)
def test_parity_says_how_many_rows_agree(
    rows: int, mismatches: int, words: str, gap: float | None
) -> None:
    evaluation = changed("parity.rows", rows)
    evaluation["parity"]["mismatches"] = mismatches

    [rule] = rules(judge(DEFINITION, evaluation), "parity")

    assert (rule.words, rule.gap, rule.value, rule.bar) == (words, gap, mismatches, 0.0)


def test_parity_over_no_rows_at_all_is_rejected() -> None:
    evaluation = changed("rows.test", 0)
    evaluation["parity"]["rows"] = 0

    [rule] = rules(judge(DEFINITION, evaluation), "parity")

    assert rule.outcome == "reject"


@given(share=st.floats(0, 1))
def test_rejected_rows_pass_up_to_the_share_that_is_allowed(share: float) -> None:
    [rule] = rules(judge(DEFINITION, changed("data.rejected_share", share)), "rejected rows")

    if abs(share - 0.01) > 1e-9:
        assert (rule.outcome == "pass") is (share < 0.01)


@given(rows=st.integers(0, 300), mismatches=st.integers(0, 300))
def test_parity_passes_only_when_every_test_row_was_compared_and_none_differs(
    rows: int, mismatches: int
) -> None:
    evaluation = changed("parity.rows", rows)
    evaluation["parity"]["mismatches"] = mismatches

    [rule] = rules(judge(DEFINITION, evaluation), "parity")

    assert (rule.outcome == "pass") is (rows >= 150 and mismatches == 0)


@given(seed=st.integers(0, 1000))
def test_the_verdict_does_not_depend_on_the_order_of_anything(seed: int) -> None:
    shuffle = random.Random(seed)  # noqa: S311

    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            keys = shuffle.sample([*value], len(value))
            return {key: shuffled(value[key]) for key in keys}
        if isinstance(value, list) and all(isinstance(each, dict) for each in value):
            return [shuffled(each) for each in shuffle.sample(value, len(value))]
        return value

    definition = ModelDefinition.model_validate(shuffled(DEFINITION.model_dump()))

    assert judge(definition, shuffled(passing_evaluation())) == judge(
        DEFINITION, passing_evaluation()
    )
