"""The curves of the review page: few points, the same picture, and the metrics untouched."""

from __future__ import annotations

import numpy as np
import pytest

from contract.metrics import Scored, measure
from evaluate.curves import MOST_POINTS, SAMPLED_ROWS, curves, predictions


def binary(rows: int, seed: int = 0, *, decimals: int = 9, threshold: float = 0.5) -> Scored:
    random = np.random.default_rng(seed)
    labels = (random.random(rows) < 0.2).astype(float)
    scores = 1 / (1 + np.exp(-(labels * 1.5 - 1 + random.normal(size=rows))))
    return Scored("binary", labels, scores.round(decimals), threshold)


def area(points: list[list[float]]) -> float:
    x, y = np.array(points).T
    return float(((y[1:] + y[:-1]) / 2 * np.diff(x)).sum())


# Few rows keep every point; scores of one decimal are tied.
@pytest.mark.parametrize(("rows", "decimals"), [(30, 9), (500, 1), (500, 9), (50_000, 9)])
def test_a_thinned_curve_has_the_area_of_the_whole(rows: int, decimals: int) -> None:
    scored = binary(rows, decimals=decimals)

    found = curves(scored)

    assert len(found["roc"]) <= MOST_POINTS
    assert len(found["precision_recall"]) <= MOST_POINTS
    assert (found["roc"][0], found["roc"][-1]) == ([0.0, 0.0], [1.0, 1.0])
    assert found["precision_recall"][-1] == pytest.approx([1.0, scored.labels.mean()], abs=1e-6)
    assert area(found["roc"]) == pytest.approx(measure("auc", scored), abs=0.003)
    if rows == 50_000:
        average = measure("average_precision", scored)
        assert area(found["precision_recall"]) == pytest.approx(average, abs=0.01)


def test_curves_never_turn_back() -> None:
    found = curves(binary(5000))

    for name in ("roc", "precision_recall"):
        x = [point[0] for point in found[name]]
        assert x == sorted(x)
    heights = [point[1] for point in found["roc"]]
    assert heights == sorted(heights)


def test_the_threshold_has_its_place_on_each_curve() -> None:
    scored = binary(400, threshold=0.6)

    place = curves(scored)["threshold"]

    assert place["precision_recall"] == pytest.approx(
        [measure("recall", scored), measure("precision", scored)], abs=1e-6
    )
    assert place["roc"][1] == pytest.approx(measure("recall", scored), abs=1e-6)


def test_a_model_that_calls_nothing_positive_has_no_precision_at_its_threshold() -> None:
    assert curves(binary(400, threshold=2.0))["threshold"]["precision_recall"] is None


@pytest.mark.parametrize("labels", [[0.0, 0.0], [1.0, 1.0]])
def test_one_class_alone_has_no_curve(labels: list[float]) -> None:
    assert curves(Scored("binary", np.array(labels), np.array([0.1, 0.9]))) is None


def test_predictions_are_a_sample_of_the_rows_and_the_same_each_time() -> None:
    random = np.random.default_rng(0)
    scored = Scored("regression", *random.normal(size=(2, 3000)))

    found = predictions(scored)

    assert found["rows"] == 3000
    assert len(found["points"]) == SAMPLED_ROWS
    assert predictions(scored) == found
    rows = {
        (float(f"{a:.6g}"), float(f"{b:.6g}"))
        for a, b in zip(scored.labels, scored.scores, strict=True)
    }
    assert {tuple(point) for point in found["points"]} <= rows


def test_few_rows_are_all_shown() -> None:
    found = predictions(Scored("regression", np.array([2.0, 1.0]), np.array([3.0, 1.5])))

    assert found == {"rows": 2, "points": [[1.0, 1.5], [2.0, 3.0]]}
