"""The metrics against scikit-learn's, which is only ever asked here."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.metrics import FORMULAS, Scored, measure
from contract.plan import Costs
from core.metrics import DIRECTION, METRICS, advantage, error, metrics_of
from tests.support.training_cases import TASKS

NUMBERS = st.floats(-1e4, 1e4, width=32).map(lambda number: round(number, 3))
# Few distinct scores, so that ties are common.
PROBABILITIES = st.sampled_from([0.0, 0.1, 0.25, 0.4, 0.5, 0.8, 1.0])


@cache
def oracle() -> Any:
    """scikit-learn's metrics, which load for a second: not when pytest only reads this file."""
    from sklearn import metrics

    return metrics


REGRESSION = {
    "rmse": lambda truth, scores: oracle().root_mean_squared_error(truth, scores),
    "mae": lambda truth, scores: oracle().mean_absolute_error(truth, scores),
    "r2": lambda truth, scores: oracle().r2_score(truth, scores),
}
BY_SCORE = {
    "auc": lambda truth, scores: oracle().roc_auc_score(truth, scores),
    "average_precision": lambda truth, scores: oracle().average_precision_score(truth, scores),
    "log_loss": lambda truth, scores: oracle().log_loss(truth, scores.astype(np.float32)),
    "brier": lambda truth, scores: oracle().brier_score_loss(truth, scores),
}
BY_DECISION = {
    "accuracy": lambda truth, called: oracle().accuracy_score(truth, called),
    "precision": lambda truth, called: oracle().precision_score(truth, called, zero_division=0),
    "recall": lambda truth, called: oracle().recall_score(truth, called),
    "f1": lambda truth, called: oracle().f1_score(truth, called),
}


def test_the_steps_have_a_formula_for_every_metric_of_the_table_and_no_other():
    assert set(FORMULAS) == set(METRICS)


# Written by hand from what each metric measures, not from the table of the code.
BETTER = {
    "rmse": "lower",
    "mae": "lower",
    "mape": "lower",
    "r2": "higher",
    "auc": "higher",
    "average_precision": "higher",
    "log_loss": "lower",
    "brier": "lower",
    "accuracy": "higher",
    "precision": "higher",
    "recall": "higher",
    "f1": "higher",
    "macro_f1": "higher",
    "cost": "lower",
}
# What a mistake costs, for the metric that needs it.
COSTS = Costs(1, 20)


def test_every_metric_is_better_the_way_that_the_literature_says():
    assert BETTER == DIRECTION


@pytest.mark.parametrize(
    ("task", "metric"), [(task, metric) for task in TASKS for metric in metrics_of(task)]
)
def test_a_perfect_model_has_the_best_value_and_a_bad_one_is_worse(task, metric):
    """By behaviour: the direction, the best value, and how far from it the gate takes a value."""
    if task == "regression":
        labels = np.array([1.0, 2.0, 3.0, 4.0])
        perfect, bad = labels, labels + np.array([2.0, -1.0, 1.0, -2.0])
    elif task == "binary":
        labels = np.array([1.0, 0.0, 1.0, 0.0])
        perfect, bad = labels, np.array([0.1, 0.8, 0.9, 0.3])
    else:
        labels = np.array([0.0, 1.0, 2.0, 0.0])
        perfect = np.eye(3)[labels.astype(int)]
        bad = np.full((4, 3), 0.3) + 0.1 * np.eye(3)[[1, 1, 0, 2]]

    best = measure(metric, Scored(task, labels, perfect, costs=COSTS))
    worse = measure(metric, Scored(task, labels, bad, costs=COSTS))

    assert advantage(metric, worse, best) < 0 < advantage(metric, best, worse)
    assert error(metric, best) == pytest.approx(0, abs=1e-6)
    assert error(metric, worse) > 0.05


@given(pairs=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=40))
def test_regression_metrics_are_scikit_learns(pairs):
    truth, scores = np.array(pairs).T
    for name, expected in REGRESSION.items():
        if name == "r2" and np.ptp(truth) == 0:
            continue  # scikit-learn has a convention there, we say undefined
        found = measure(name, Scored("regression", truth, scores))
        assert found == pytest.approx(expected(truth, scores), rel=1e-6, abs=1e-9)


def test_mape_leaves_out_rows_whose_target_is_zero():
    rows = Scored("regression", np.array([0.0, 2.0, -4.0]), np.array([1.0, 3.0, -4.0]))

    assert measure("mape", rows) == pytest.approx(0.25)


@given(pairs=st.lists(st.tuples(st.booleans(), PROBABILITIES), min_size=2, max_size=40))
def test_binary_metrics_are_scikit_learns(pairs):
    truth, scores = np.array(pairs, dtype=np.float64).T
    if len(set(truth)) < 2:
        return
    rows = Scored("binary", truth, scores, threshold=0.4)

    for name, expected in BY_SCORE.items():
        assert measure(name, rows) == pytest.approx(expected(truth, scores), rel=1e-5), name
    for name, expected in BY_DECISION.items():
        assert measure(name, rows) == pytest.approx(expected(truth, scores >= 0.4)), name


@given(data=st.data(), count=st.integers(2, 40))
def test_multiclass_metrics_are_scikit_learns(data, count):
    truth = np.array(data.draw(st.lists(st.integers(0, 3), min_size=count, max_size=count)))
    raw = np.array(
        data.draw(
            st.lists(
                st.lists(st.floats(0.01, 1), min_size=4, max_size=4),
                min_size=count,
                max_size=count,
            )
        )
    )
    scores = raw / raw.sum(axis=1, keepdims=True)
    rows = Scored("multiclass", truth.astype(np.float64), scores)
    called = scores.argmax(axis=1)

    assert measure("accuracy", rows) == pytest.approx(oracle().accuracy_score(truth, called))
    assert measure("macro_f1", rows) == pytest.approx(
        oracle().f1_score(truth, called, average="macro", zero_division=0)
    )
    assert measure("log_loss", rows) == pytest.approx(
        oracle().log_loss(truth, scores, labels=[0, 1, 2, 3]), rel=1e-5
    )


@given(data=st.data(), count=st.integers(2, 30))
@pytest.mark.parametrize("task", TASKS)
def test_a_weight_of_two_is_a_row_twice(task, data, count):
    """What the bootstrap rests on: counts as weights are the rows drawn that often."""
    random = np.random.default_rng(data.draw(st.integers(0, 1000)))
    counts = np.array(data.draw(st.lists(st.integers(0, 3), min_size=count, max_size=count)))
    if not counts.sum():
        return
    labels = random.integers(1 if task == "regression" else 0, 3 if task == "multiclass" else 2,
                             count).astype(float)  # fmt: skip
    scores = random.random((count, 3) if task == "multiclass" else count).round(1)
    rows = Scored(task, labels, scores)
    drawn = rows.take(np.repeat(np.arange(count), counts))

    for name in metrics_of(task):
        weighted = FORMULAS[name](rows, counts[None, :].astype(float))[0]
        assert weighted == pytest.approx(measure(name, drawn), nan_ok=True), name


@pytest.mark.parametrize(
    ("task", "name", "labels"),
    [
        ("binary", "auc", [1.0, 1.0]),  # nothing to rank above
        ("binary", "average_precision", [0.0, 0.0]),
        ("binary", "recall", [0.0, 0.0]),  # no positive to find
        ("regression", "r2", [3.0, 3.0]),  # no variance to explain
        ("regression", "mape", [0.0, 0.0]),
        ("regression", "rmse", []),
    ],
)
def test_a_metric_that_makes_no_sense_is_not_a_number(task, name, labels):
    assert np.isnan(measure(name, Scored(task, np.array(labels), np.full(len(labels), 0.3))))
