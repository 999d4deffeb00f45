"""The evaluation as a whole: the models that are compared, parity and oddities."""

import json
from functools import cache

import numpy as np
import polars as pl
import pytest

from contract.artifact import Artifact
from contract.bootstrap import compare
from contract.metrics import Scored, measure
from contract.onnx_scoring import onnx_scores, parity
from contract.step import StepError
from core.definition.parse import parse_definition
from core.gate.non_inferiority import compare_primary
from core.gate.rules import judge
from evaluate.diagnostics import importance
from evaluate.evaluation import Evidence, Models, evaluate, scored
from evaluate.model_quality import model_quality
from tests.support.training_cases import HOSTILE, LIBRARIES, METRICS, TASKS, plan, rows
from train.model import train

REPORT = {
    "rows_read": 500,
    "rows_written": {"train": 300, "validation": 100, "test": 100},
    "rows_rejected": 5,
    "warnings": ["a word"],
}
EVIDENCE = Evidence(REPORT, {"features": {}}, None)
DEFINITION = """
name: m1
task: regression
target: target
features: [{name: size, kind: numeric}]
metrics: {primary: rmse}
"""
CHAMPION = {"run": "r-0", "package_arn": "arn:x", "version": 3}
REFERENCE = {"release": 2, "why": "approved", "run": "r-1", "package_arn": "arn:y", "version": 2}


def model(task, library="lightgbm", **settings) -> Artifact:
    return _trained(task, library, json.dumps(settings))


@cache
def _trained(task, library, settings) -> Artifact:
    """The model with these settings, trained once: the same settings give the same bytes."""
    run = plan(task, library, **json.loads(settings))
    return train(run, rows(task), rows(task, 100, seed=1)).artifact


def evaluated(
    task, candidate, champion=None, test=None, evidence=EVIDENCE, reference=None, **settings
):
    changes = {"champion": CHAMPION if champion else None, **settings}
    if reference:
        changes["reference"] = REFERENCE
    test = rows(task, 120, seed=2) if test is None else test
    run = plan(task, candidate.library, **changes)
    given = evaluate(run, test, Models(candidate, champion, reference), evidence)
    return given.document, given.comparison


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("task", TASKS)
def test_the_report_is_complete_and_strict_json(task, library):
    candidate = model(task, library)

    document, comparison = evaluated(task, candidate, segments=["colour", "size"])

    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert document["metrics"] == METRICS[task]
    assert set(document["candidate"]["metrics"]) == set(METRICS[task])
    assert (document["champion"], document["difference"]) == (None, None)
    assert document["rows"] == {"train": 300, "validation": 100, "test": 120}
    assert document["data"] == {
        "rows_read": 500,
        "rows_rejected": 5,
        "rejected_share": 0.01,
        "rejected": [],
        "warnings": ["a word"],
        "drift": None,
    }
    assert document["parity"]["mismatches"] == 0
    assert document["parity"]["rows"] == 120
    parts = ("calibration", "curves", "residuals", "predictions", "confusion")
    assert {part for part in parts if document[part]} == {
        "regression": {"residuals", "predictions"},
        "binary": {"calibration", "curves", "confusion"},
        "multiclass": {"confusion"},
    }[task]
    assert (document["format"], document["consequences"]) == (2, None)
    assert (document["threshold"] is not None) == (task == "binary")
    for column in ("colour", "size"):
        mine = [part["rows"] for part in document["segments"] if part["column"] == column]
        assert sum(mine) == 120
    estimates = comparison.candidate[METRICS[task][0]]
    assert document["candidate"]["metrics"][METRICS[task][0]]["value"] == estimates.value


@pytest.mark.parametrize("task", TASKS)
def test_a_model_does_not_differ_from_itself(task):
    same = model(task)

    document, _ = evaluated(task, same, champion=same, segments=["colour"])

    assert document["champion"]["metrics"] == document["candidate"]["metrics"]
    assert document["champion"]["run"] == "r-0"
    for name in METRICS[task]:
        assert document["difference"][name] == {"value": 0.0, "low": 0.0, "high": 0.0}
    for part in document["segments"]:
        assert part["candidate"] == part["champion"]
    assert document["consequences"]["rows"] == 120
    for part in ("calibration", "curves", "residuals"):
        assert document["champion"][part] == document[part]


@pytest.mark.parametrize("task", TASKS)
def test_a_champion_of_another_library_and_other_features_is_scored_by_its_own_encoding(task):
    champion = model(task, "xgboost", features={"colour": "categorical", "size": "numeric"})
    candidate = model(task)
    test = rows(task, 120, seed=2)

    document, _ = evaluated(task, candidate, champion, test)

    alone, _ = evaluated(task, champion, None, test)
    expected = {name: each["value"] for name, each in alone["candidate"]["metrics"].items()}
    found = {name: each["value"] for name, each in document["champion"]["metrics"].items()}
    assert found == pytest.approx(expected)


def test_a_champion_that_lacks_a_class_gives_it_no_chance():
    champion_rows = rows("multiclass").filter(pl.col("target") != "mid")
    champion = train(plan("multiclass"), champion_rows, champion_rows).artifact
    test = rows("multiclass", 120, seed=2)

    document, _ = evaluated("multiclass", model("multiclass"), champion, test)

    share = (test["target"] != "mid").mean()
    assert document["champion"]["metrics"]["accuracy"]["value"] <= share
    assert document["confusion"]["labels"] == ["high", "low", "mid"]


def test_a_champion_with_a_class_that_is_gone_is_still_compared():
    gone = rows("multiclass").filter(pl.col("target") != "mid")
    candidate = train(plan("multiclass"), gone, gone).artifact
    test = rows("multiclass", 120, seed=2).filter(pl.col("target") != "mid")

    document, _ = evaluated("multiclass", candidate, model("multiclass"), test)

    assert document["confusion"]["labels"] == ["high", "low", "mid"]
    assert document["parity"]["mismatches"] == 0


@pytest.mark.parametrize(
    ("champion", "words"),
    [
        (lambda: model("binary"), "its task is 'binary', the candidate's is 'regression'; give"),
        (
            lambda: (
                train(
                    plan(target="weight", features={"size": "numeric"}), rows(missing=False), rows()
                ).artifact
            ),
            "its target is 'weight', the candidate's is 'target'; give",
        ),
        # A definition may drop a feature that the champion still needs.
        (lambda: model("regression"), "the rows to score have no column 'weight'"),
    ],
)
def test_a_champion_that_cannot_be_compared_is_reported_and_never_passes(champion, words):
    candidate = model("regression", features={"size": "numeric"})
    test = rows(count=80, seed=2).drop("weight")

    document, _ = evaluated("regression", candidate, champion(), test, segments=["colour"])

    nothing = {"value": None, "low": None, "high": None}
    assert words in document["data"]["warnings"][-1]
    assert "; decide in the review whether" in document["champion"]["obstacle"]
    assert document["champion"]["metrics"] == dict.fromkeys(METRICS["regression"], nothing)
    assert document["difference"] == dict.fromkeys(METRICS["regression"], nothing)
    assert document["segments"][0]["champion"] == dict.fromkeys(METRICS["regression"])
    assert document["candidate"]["metrics"]["rmse"]["value"] > 0
    gate = parse_definition(DEFINITION, "model.yaml")
    # It is held and not rejected: whether the change was meant is for a person to say.
    [held] = [rule for rule in judge(gate, document).rules if rule.outcome == "hold"]
    assert (held.name, words in held.words) == ("champion non-inferiority", True)


@pytest.mark.parametrize("task", TASKS)
def test_the_reference_is_scored_on_the_same_rows_as_the_champion(task):
    candidate, other = model(task), model(task, rounds=3)

    document, _ = evaluated(task, candidate, champion=other, reference=other)

    primary = METRICS[task][0]
    named = ("release", "why", "run", "package_arn", "version")
    assert {key: document["reference"][key] for key in named} == REFERENCE
    for key, same in (("metrics", document["champion"]["metrics"]),
                      ("difference", document["difference"])):  # fmt: skip
        assert document["reference"][key] == {primary: same[primary]}


def test_without_a_reference_the_evaluation_says_so():
    document, _ = evaluated("regression", model("regression"), champion=model("regression"))

    assert (document["format"], document["reference"]) == (2, None)


def test_a_class_that_only_the_reference_knows_changes_no_other_result():
    gone = rows("multiclass").filter(pl.col("target") != "mid")
    candidate = train(plan("multiclass"), gone, gone).artifact
    test = rows("multiclass", 120, seed=2).filter(pl.col("target") != "mid")

    alone, _ = evaluated("multiclass", candidate, candidate, test)
    document, _ = evaluated("multiclass", candidate, candidate, test, reference=model("multiclass"))

    assert document["confusion"] == alone["confusion"]
    assert document["candidate"] == alone["candidate"]
    assert document["parity"]["mismatches"] == 0
    assert document["reference"]["metrics"]["macro_f1"]["value"] > 0


def test_a_reference_that_cannot_be_compared_is_held_with_the_reason():
    candidate = model("regression", features={"size": "numeric"})
    test = rows(count=80, seed=2).drop("weight")

    document, _ = evaluated(
        "regression", candidate, champion=candidate, test=test, reference=model("regression")
    )

    gate = parse_definition(DEFINITION, "model.yaml")
    [held] = [rule for rule in judge(gate, document).rules if rule.outcome == "hold"]
    assert held.name == "reference non-inferiority"
    assert "the rows to score have no column 'weight'" in held.words


def test_a_reference_whose_package_is_gone_is_held_with_the_reason():
    candidate = model("regression")

    gone = {**REFERENCE, "obstacle": "its package is gone"}
    run = plan("regression", champion=CHAMPION, reference=gone)
    models = Models(candidate, candidate)

    document = evaluate(run, rows(count=120, seed=2), models, EVIDENCE).document

    assert document["reference"]["obstacle"].startswith(
        "the reference could not be compared: its package is gone; decide in the review"
    )


def noisy(task, count, seed):
    """Rows whose target no model can foretell, as in real data."""
    frame, random = rows(task, count, seed), np.random.default_rng(seed)
    if task == "regression":
        return frame.with_columns(target=pl.col("target") + random.normal(0, 1, count))
    flipped = pl.Series(random.random(count) < 0.15)
    other = pl.when(pl.col("target") == "yes").then(pl.lit("no")).otherwise(pl.lit("yes"))
    return frame.with_columns(target=pl.when(flipped).then(other).otherwise(pl.col("target")))


@pytest.mark.parametrize("task", ["regression", "binary"])
def test_of_twelve_retrainings_by_another_seed_the_great_majority_is_promoted(task):
    """A model that differs by chance alone is no worse, and must not wait for a person."""
    drawn = {"bagging_fraction": 0.8, "bagging_freq": 1, "learning_rate": 0.05}
    settings = {"rounds": 100, "parameters": {"num_leaves": 7, **drawn}}
    training, validation, test = (noisy(task, *each) for each in ((2000, 0), (500, 1), (1500, 2)))
    primary = METRICS[task][0]
    content = DEFINITION.replace("regression", task).replace("rmse", primary)
    positive = "positive: yes\n" if task == "binary" else ""
    gate = parse_definition(content + positive, "model.yaml")

    def trained(seed):
        run = plan(task, seed=seed, **settings)
        artifact = train(run, training, validation).artifact
        return scored(run, artifact, test, artifact.encoding.labels(test, "test"), ())

    champion, outcomes = trained(7), []
    for seed in range(20, 32):
        found = compare(trained(seed), champion, [primary])
        estimates = {"metrics": found.champion, "difference": found.difference}
        written = {
            key: {name: vars(each) for name, each in value.items()}
            for key, value in estimates.items()
        }
        evaluation = {"format": 2, "champion": written, "reference": None, **written}
        [rule] = compare_primary(gate, evaluation)
        outcomes.append(rule.outcome)

    assert outcomes.count("pass") >= 10, outcomes


def test_without_test_rows_there_is_nothing_to_say():
    with pytest.raises(StepError, match="there are no test rows"):
        evaluated("regression", model("regression"), test=rows(count=5).head(0))


@pytest.mark.parametrize("task", TASKS)
def test_hostile_names_and_values_go_through(task):
    names = (HOSTILE, HOSTILE + "2", "=cmd|' /C calc'!A0", HOSTILE + " target")
    categories = ("", HOSTILE, '"quoted"', "naïve, 'x'")
    settings = {
        "features": {names[0]: "numeric", names[1]: "numeric", names[2]: "categorical"},
        "target": names[3],
    }
    parts = [rows(task, 200, seed, names=names, categories=categories) for seed in (0, 1, 2)]
    candidate = train(plan(task, **settings), parts[0], parts[1]).artifact

    document, _ = evaluated(task, candidate, test=parts[2], segments=[names[2]], **settings)

    json.dumps(document, allow_nan=False)
    assert {part["value"] for part in document["segments"]} == {*categories, "(missing)"}
    assert {each["feature"] for each in document["importance"]} == set(names[:3])


def test_importance_finds_what_the_target_depends_on():
    candidate = model("regression")
    from contract.native_model import native_model

    native = native_model(candidate.library, candidate.native)
    found = importance(candidate, native, rows(count=200, seed=3))

    assert found[0]["feature"] == "size"
    assert sum(each["share"] for each in found) == pytest.approx(1)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("task", TASKS)
def test_contributions_sum_to_the_margin(task, library):
    from contract.native_model import native_model

    artifact = model(task, library)
    matrix = artifact.encoding.matrix(rows(task, 40, seed=4))
    native = native_model(library, artifact.native)

    margins = native.contributions(matrix).sum(axis=2)

    scores = native.scores(matrix).reshape(40, -1)
    if task == "binary":
        margins = 1 / (1 + np.exp(-margins))
    if task == "multiclass":
        margins = np.exp(margins) / np.exp(margins).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(margins, scores, atol=1e-4)


def test_parity_counts_every_row_that_differs_and_every_one_that_is_no_number():
    native = np.array([10.0, 10.0, 10.0, 10.0])
    served = np.array([10.0, 10.0001, 10.01, np.nan])

    found = parity("regression", served, native)

    assert (found.rows, found.mismatches, found.largest_difference) == (4, 2, None)


def test_parity_does_not_depend_on_the_targets_unit():
    native = np.array([1e-9, 2e-9])

    assert parity("regression", native * 1.001, native).mismatches == 2
    assert parity("regression", native, native).mismatches == 0


def test_a_changed_onnx_model_is_a_mismatch():
    candidate, other = model("regression"), model("regression", seed=8, rounds=3)
    broken = Artifact(candidate.native, other.onnx, candidate.encoding, candidate.description)

    document, _ = evaluated("regression", broken)

    assert document["parity"]["mismatches"] > 0


def test_the_served_scores_are_the_ones_measured():
    candidate = model("regression")
    test = rows(count=80, seed=2)

    document, _ = evaluated("regression", candidate, test=test)

    scores = onnx_scores(candidate, test)[:, 0].astype(np.float64)
    truth = test["target"].cast(pl.Float64).to_numpy()
    assert document["candidate"]["metrics"]["rmse"]["value"] == pytest.approx(
        measure("rmse", Scored("regression", truth, scores))
    )


def test_statistics_json_has_amazons_form():
    document, comparison = evaluated("binary", model("binary"))

    found = model_quality("binary", comparison.candidate, document["confusion"])

    section = found["binary_classification_metrics"]
    assert section["auc"] == {
        "value": comparison.candidate["auc"].value,
        "standard_deviation": comparison.candidate["auc"].deviation,
    }
    assert set(section["confusion_matrix"]) == {"no", "yes"}
