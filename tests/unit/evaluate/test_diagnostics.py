"""Calibration, residuals and confusion: what the review page draws."""

import numpy as np
import pytest

from contract.metrics import Scored
from evaluate.diagnostics import calibration, confusion, residuals


def test_calibration_holds_the_share_observed_against_the_one_predicted():
    scores = np.repeat([0.1, 0.9], 50)
    labels = np.concatenate([np.arange(50) < 5, np.arange(50) < 45]).astype(float)

    found = calibration(Scored("binary", labels, scores))

    assert found == [
        {"predicted": pytest.approx(0.1), "observed": 0.1, "rows": 50},
        {"predicted": pytest.approx(0.9), "observed": 0.9, "rows": 50},
    ]


def test_residuals_count_every_row_once():
    random = np.random.default_rng(0)
    labels, scores = random.normal(size=(2, 500))

    found = residuals(Scored("regression", labels, scores))

    assert sum(found["counts"]) == sum(part["rows"] for part in found["by_decile"]) == 500
    assert len(found["edges"]) == len(found["counts"]) + 1


def test_residuals_of_a_perfect_model_are_one_bar():
    found = residuals(Scored("regression", np.ones(5), np.ones(5)))

    assert sum(found["counts"]) == 5


def test_the_residuals_of_two_models_are_counted_between_the_same_edges():
    random = np.random.default_rng(0)
    labels, scores, others = random.normal(size=(3, 500))
    found = residuals(Scored("regression", labels, scores))

    beside = residuals(Scored("regression", labels, others * 3), found["edges"])

    assert beside["edges"] == found["edges"]
    assert sum(beside["counts"]) == 500


def test_confusion_has_the_actual_class_in_rows():
    scored = Scored("binary", np.array([0.0, 0.0, 1.0]), np.array([0.9, 0.1, 0.9]))

    assert confusion(scored, ["no", "yes"]) == {"labels": ["no", "yes"], "counts": [[1, 1], [0, 1]]}
