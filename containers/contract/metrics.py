"""The metrics, each one formula over weighted rows.

A metric takes the rows and weights of shape [samples, rows], and returns one value per sample. With
all weights 1 it is the metric itself. The bootstrap passes how often it drew each row, so interval
and value come from the same formula. Where a metric is undefined for a sample (AUC with only one
class drawn), its value there is NaN.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from contract.plan import Costs, Task

Floats = NDArray[np.float64]
# A model's scores are float32: closer to 0 or 1 than this, a difference means nothing.
SMALLEST_PROBABILITY = float(np.finfo(np.float32).eps)


@dataclass(frozen=True)
class Scored:
    """Rows with the truth and a model's scores.

    labels: shape [rows]; the target, or for classifiers the class's position (binary: 0 or 1).
    scores: for regression the prediction, for binary the probability of the positive class, both
    [rows]; for multiclass the probabilities [rows, classes].
    threshold: the score from which a row counts as positive (binary only).
    costs: what wrong decisions cost (binary only, and only where model.yaml says so).
    """

    task: Task
    labels: Floats
    scores: Floats
    threshold: float = 0.5
    costs: Costs | None = None

    def take(self, rows: NDArray[np.int64]) -> "Scored":
        """Only these rows."""
        return replace(self, labels=self.labels[rows], scores=self.scores[rows])

    @property
    def decisions(self) -> Floats:
        """The predicted class of each row, shape [rows]; classifiers only."""
        if self.task == "binary":
            return (self.scores >= self.threshold).astype(np.float64)
        best: NDArray[np.int64] = self.scores.argmax(axis=1)
        return best.astype(np.float64)


Metric = Callable[[Scored, Floats], Floats]


def measure(name: str, rows: Scored) -> float:
    """The metric over all rows; NaN where it is undefined.

    >>> truth, scores = np.array([1.0, 2.0]), np.array([1.0, 4.0])
    >>> measure("mae", Scored("regression", truth, scores))
    1.0
    """
    if not len(rows.labels):
        return float("nan")
    return float(FORMULAS[name](rows, np.ones((1, len(rows.labels))))[0])


def _ratio(above: Floats, below: Floats) -> Floats:
    """Divide; NaN where the divisor is 0."""
    return np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)


def _mean(losses: Floats, weights: Floats) -> Floats:
    return _ratio(weights @ losses, weights.sum(axis=1))


def _rmse(rows: Scored, weights: Floats) -> Floats:
    return np.sqrt(_mean((rows.scores - rows.labels) ** 2, weights))


def _mae(rows: Scored, weights: Floats) -> Floats:
    return _mean(np.abs(rows.scores - rows.labels), weights)


def _mape(rows: Scored, weights: Floats) -> Floats:
    """Rows with target 0 have no relative error and are left out."""
    given = rows.labels != 0
    relative = np.abs(rows.scores[given] - rows.labels[given]) / np.abs(rows.labels[given])
    return _mean(relative, weights[:, given])


def _r2(rows: Scored, weights: Floats) -> Floats:
    # Centred first: with a mean far from 0, the difference of the two sums would lose precision.
    labels = rows.labels - rows.labels.mean()
    total = weights.sum(axis=1)
    spread = weights @ labels**2 - _ratio((weights @ labels) ** 2, total)
    return 1 - _ratio(weights @ (rows.scores - rows.labels) ** 2, spread)


def _by_score(rows: Scored, weights: Floats) -> tuple[Floats, Floats]:
    """The weight of positives and negatives at each distinct score, lowest score first."""
    order = np.argsort(rows.scores, kind="stable")
    starts = np.flatnonzero(np.diff(rows.scores[order], prepend=-np.inf))
    ordered = weights[:, order]
    positives = ordered * rows.labels[order]
    return (
        np.add.reduceat(positives, starts, axis=1),
        np.add.reduceat(ordered - positives, starts, axis=1),
    )


def _auc(rows: Scored, weights: Floats) -> Floats:
    positives, negatives = _by_score(rows, weights)
    beaten = np.cumsum(negatives, axis=1) - negatives / 2  # a tie counts half
    pairs = positives.sum(axis=1) * negatives.sum(axis=1)
    return _ratio((positives * beaten).sum(axis=1), pairs)


def _average_precision(rows: Scored, weights: Floats) -> Floats:
    positives, negatives = (side[:, ::-1] for side in _by_score(rows, weights))
    found = np.cumsum(positives, axis=1)
    precision = _ratio(found, found + np.cumsum(negatives, axis=1))
    return _ratio((np.nan_to_num(precision) * positives).sum(axis=1), positives.sum(axis=1))


def _log_loss(rows: Scored, weights: Floats) -> Floats:
    if rows.task == "binary":
        scores = np.clip(rows.scores, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
        return _mean(-np.log(np.where(rows.labels == 1, scores, 1 - scores)), weights)
    given = rows.scores[np.arange(len(rows.labels)), rows.labels.astype(np.int64)]
    return _mean(-np.log(np.clip(given, SMALLEST_PROBABILITY, 1.0)), weights)


def _brier(rows: Scored, weights: Floats) -> Floats:
    return _mean((rows.scores - rows.labels) ** 2, weights)


def _accuracy(rows: Scored, weights: Floats) -> Floats:
    return _mean((rows.decisions == rows.labels).astype(np.float64), weights)


def _precision(rows: Scored, weights: Floats) -> Floats:
    """0 if no row was predicted positive, as in scikit-learn: such a model finds nothing."""
    called = weights @ rows.decisions
    return np.where(called > 0, _ratio(weights @ (rows.decisions * rows.labels), called), 0.0)


def _recall(rows: Scored, weights: Floats) -> Floats:
    return _ratio(weights @ (rows.decisions * rows.labels), weights @ rows.labels)


def _f1(rows: Scored, weights: Floats) -> Floats:
    return _class_f1(rows.labels, rows.decisions, weights)


def _cost(rows: Scored, weights: Floats) -> Floats:
    """The mean cost of a row's decision; undefined without costs."""
    if rows.costs is None:
        return np.full(len(weights), np.nan)
    called, missed = rows.decisions * (1 - rows.labels), (1 - rows.decisions) * rows.labels
    costs = rows.costs.false_positive * called + rows.costs.false_negative * missed
    return _mean(costs, weights)


def _macro_f1(rows: Scored, weights: Floats) -> Floats:
    """The mean over the classes that occur in the sample or are predicted there."""
    total, present = np.zeros(len(weights)), np.zeros(len(weights))
    for code in range(rows.scores.shape[1]):
        truly = (rows.labels == code).astype(np.float64)
        called = (rows.decisions == code).astype(np.float64)
        score = _class_f1(truly, called, weights)
        total += np.nan_to_num(score)
        present += ~np.isnan(score)
    return _ratio(total, present)


def _class_f1(truly: Floats, called: Floats, weights: Floats) -> Floats:
    return _ratio(2 * (weights @ (truly * called)), weights @ (truly + called))


# Which of these a task has is decided when the run is opened: a plan names no other.
FORMULAS: dict[str, Metric] = {
    "rmse": _rmse,
    "mae": _mae,
    "mape": _mape,
    "r2": _r2,
    "auc": _auc,
    "average_precision": _average_precision,
    "log_loss": _log_loss,
    "brier": _brier,
    "accuracy": _accuracy,
    "precision": _precision,
    "recall": _recall,
    "f1": _f1,
    "cost": _cost,
    "macro_f1": _macro_f1,
}

HIGHER_IS_BETTER = frozenset(
    {"r2", "auc", "average_precision", "accuracy", "precision", "recall", "f1", "macro_f1"}
)
