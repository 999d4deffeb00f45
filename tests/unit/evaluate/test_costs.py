"""A decision threshold by cost, from model.yaml to the decisions of both models."""

from dataclasses import replace

import numpy as np
import pytest

from contract.metrics import Scored, measure
from contract.plan import Costs, Plan
from core.definition.parse import parse_definition
from evaluate.evaluation import Evidence, Models, evaluate
from tests.support.training_cases import document, plan, rows
from train.model import train

COSTS = Costs(1, 20)
CHAMPION = {"run": "r-0", "package_arn": "arn:x", "version": 3}
REPORT = {
    "rows_read": 520,
    "rows_written": {"train": 300, "validation": 100, "test": 120},
    "rows_rejected": 0,
}


def model(**changes):
    return train(replace(plan("binary"), **changes), rows("binary"), rows("binary", 100, seed=1))


def test_the_cost_is_that_of_the_wrong_decisions_per_row():
    truth, scores = np.array([0.0, 0.0, 1.0, 1.0, 1.0]), np.array([0.9, 0.1, 0.9, 0.1, 0.2])

    assert measure("cost", Scored("binary", truth, scores, 0.5, Costs(1, 20))) == 41 / 5
    assert measure("cost", Scored("binary", truth, scores, 0.15, Costs(1, 20))) == 21 / 5
    assert np.isnan(measure("cost", Scored("binary", truth, scores, 0.5)))


def test_a_plan_with_costs_measures_the_cost():
    content = document("binary")
    content["definition"]["content"]["threshold"] = {
        "value": None, "false_positive": 1, "false_negative": 20,
    }  # fmt: skip
    fixed = document("binary")
    fixed["definition"]["content"]["threshold"] = {"value": 0.3}

    assert Plan.from_document(content).costs == COSTS
    assert Plan.from_document(content).metrics[-1] == "cost"
    assert Plan.from_document(fixed).threshold == 0.3
    assert "cost" not in Plan.from_document(fixed).metrics
    assert plan("binary").threshold is plan("binary").costs is None


@pytest.mark.parametrize(
    ("written", "metrics"),
    [
        ("threshold: {false_positive: 1, false_negative: 20}", ["auc", "cost"]),
        ("threshold: 0.3", ["auc"]),
    ],
)
def test_model_yaml_has_a_number_or_costs(written, metrics):
    definition = parse_definition(
        f"name: m1\ntask: binary\ntarget: y\npositive: yes\n{written}\n"
        "features: [{name: a, kind: numeric}]\nmetrics: {primary: auc}\n",
        "model.yaml",
    )

    assert definition.computed_metrics == metrics


def test_training_takes_the_fixed_threshold_or_the_cheapest():
    fixed, cheapest, by_f1 = model(threshold=0.3), model(costs=COSTS), model()

    assert fixed.artifact.threshold == 0.3
    assert cheapest.artifact.threshold < by_f1.artifact.threshold
    assert cheapest.artifact.native == by_f1.artifact.native


def test_each_model_is_judged_by_its_own_threshold_and_by_the_same_costs():
    candidate, champion = model(costs=COSTS).artifact, model(threshold=0.9).artifact
    test = rows("binary", 120, seed=2)
    changed = replace(
        plan("binary", champion=CHAMPION), costs=COSTS, metrics=("auc", "recall", "cost")
    )

    document = evaluate(
        changed, test, Models(candidate, champion), Evidence(REPORT, {"features": {}}, None)
    )
    found = document.document

    assert (found["threshold"], found["champion"]["threshold"]) == (candidate.threshold, 0.9)
    assert found["difference"]["auc"]["value"] == 0
    assert found["difference"]["recall"]["value"] > 0
    assert found["difference"]["cost"]["value"] < 0
    [_, [missed, caught]] = found["confusion"]["counts"]
    [[_, wrongly], _] = found["confusion"]["counts"]
    assert found["candidate"]["metrics"]["cost"]["value"] == pytest.approx(
        (20 * missed + wrongly) / 120
    )
    assert found["candidate"]["metrics"]["recall"]["value"] == caught / (missed + caught)
