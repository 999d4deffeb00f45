"""trainer.class_weight: exact weights, the same bytes, in both libraries."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from contract.encoding import Encoding
from contract.native_model import native_model
from contract.onnx_scoring import onnx_scores, parity
from contract.plan import Plan
from contract.step import StepError
from core.definition.parse import apply_parameters
from tests.support.control_cases import DEFINITION
from tests.support.training_cases import LIBRARIES, document, plan, rows
from train.model import train
from train.weights import class_weights, row_weights


def weighed(task: str, weight: object, library: str = "lightgbm") -> Plan:
    content = document(task, library)
    content["definition"]["content"]["trainer"]["class_weight"] = weight
    return Plan.from_document(content)


def trained(task: str, weight: object, library: str):
    return train(weighed(task, weight, library), rows(task), rows(task, 100, seed=1)).artifact


def test_balanced_classes_weigh_the_same_and_a_row_weighs_one_on_average():
    frame = pl.DataFrame({"size": [1.0] * 6, "target": ["a", "b", "b", "c", "c", "c"]})
    some = replace(weighed("multiclass", "balanced"), features=plan().features[:1])
    encoding = Encoding.learn(pl.concat([frame, frame]), some)
    labels = encoding.labels(frame, "training")

    weights = class_weights(some, encoding, labels)

    assert weights.tolist() == [2.0, 1.0, 6 / 9]
    assert row_weights(weights, labels).mean() == pytest.approx(1)
    assert row_weights(None, labels) is None


def test_a_class_without_a_weight_weighs_one_and_an_unknown_class_is_refused():
    encoding = Encoding.learn(rows("binary"), plan("binary"))
    labels = encoding.labels(rows("binary"), "training")

    assert class_weights(weighed("binary", {"yes": 10}), encoding, labels).tolist() == [1.0, 10.0]
    with pytest.raises(StepError, match=r"class_weight: 'maybe' is no class of 'target', which ha"):
        class_weights(weighed("binary", {"maybe": 2}), encoding, labels)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_weight_of_two_trains_as_each_row_twice(library):
    """Exact, not only in direction: the library sees the same sums."""
    plain = (
        {"min_data_in_leaf": 1, "min_data_in_bin": 1, "max_bin": 1000}
        if library == "lightgbm"
        else {}
    )
    frame, validation = rows("binary", missing=False), rows("binary", 100, seed=1, missing=False)
    content = document("binary", library, parameters=plain, rounds=5, patience=0)
    twice = Plan.from_document(content)
    content["definition"]["content"]["trainer"]["class_weight"] = {"yes": 2, "no": 2}
    doubled = Plan.from_document(content)

    by_weight = train(doubled, frame, validation).artifact
    by_rows = train(twice, pl.concat([frame, frame]), validation).artifact

    np.testing.assert_allclose(
        onnx_scores(by_weight, validation), onnx_scores(by_rows, validation), atol=1e-5
    )


@pytest.mark.parametrize("task", ["binary", "multiclass"])
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_heavier_class_is_scored_higher_the_same_every_time(library, task):
    name = "yes" if task == "binary" else "high"
    test = rows(task, 120, seed=2)

    plain, heavy = trained(task, None, library), trained(task, {name: 10}, library)

    column = 0 if task == "binary" else heavy.encoding.classes.index(name)
    assert onnx_scores(heavy, test)[:, column].mean() > onnx_scores(plain, test)[:, column].mean()
    assert heavy.pack() == trained(task, {name: 10}, library).pack()
    native = native_model(library, heavy.native).scores(heavy.encoding.matrix(test))
    assert parity(task, onnx_scores(heavy, test).astype(float), native).mismatches == 0


def test_a_run_may_weigh_classes():
    assert apply_parameters(DEFINITION, {"class_weight": "balanced"}).trainer.class_weight == (
        "balanced"
    )
