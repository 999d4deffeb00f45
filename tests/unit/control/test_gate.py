"""The gate: each rule by itself, and what holds of all of them."""

import json
import math
import random
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.definition.schema import ModelDefinition
from core.gate.rule import Rule, Verdict
from core.gate.rules import judge
from core.metrics import DIRECTION, advantage
from tests.support.control_cases import DEFINITION, passing_evaluation

SEVERITY = {"pass": 0, "hold": 1, "reject": 2}
VERDICTS = ["promote", "hold", "reject"]
UNUSABLE = [None, math.nan, math.inf, -math.inf, "0.9", True, [], {}, 10**400]
values = st.floats(-10, 10, allow_nan=False)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


WIDE = {"recall": 0.5}


def with_gate(**gate: Any) -> ModelDefinition:
    """The definition with other settings of its gate."""
    changes = DEFINITION.gate.model_copy(update=gate)
    return DEFINITION.model_copy(update={"gate": changes})


def rules(verdict: Verdict, name: str, metric: str | None = None) -> list[Rule]:
    return [
        rule
        for rule in verdict.rules
        if rule.name == name and (metric is None or rule.metric == metric)
    ]


def changed(path: str, value: Any) -> dict[str, Any]:
    """The passing evaluation with one value replaced; `path` is dotted, `-` removes."""
    evaluation = passing_evaluation()
    *parents, last = path.split(".")
    part: Any = evaluation
    for name in parents:
        part = part[int(name) if name.isdigit() else name]
    if value == "-":
        del part[last]
    else:
        part[last] = value
    return evaluation


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
