"""The table of metrics: which way each is better, and the tasks that have it.

containers/contract/metrics.py has a formula for each name; a test holds the two together.
"""

from dataclasses import dataclass
from typing import Literal

Task = Literal["regression", "binary", "multiclass"]


@dataclass(frozen=True)
class Metric:
    better: Literal["higher", "lower"]
    tasks: tuple[Task, ...]


METRICS = {
    "rmse": Metric("lower", ("regression",)),
    "mae": Metric("lower", ("regression",)),
    "mape": Metric("lower", ("regression",)),
    "r2": Metric("higher", ("regression",)),
    "auc": Metric("higher", ("binary",)),
    "average_precision": Metric("higher", ("binary",)),
    "log_loss": Metric("lower", ("binary", "multiclass")),
    "brier": Metric("lower", ("binary",)),
    "accuracy": Metric("higher", ("binary", "multiclass")),
    "precision": Metric("higher", ("binary",)),
    "recall": Metric("higher", ("binary",)),
    "f1": Metric("higher", ("binary",)),
    "cost": Metric("lower", ("binary",)),
    "macro_f1": Metric("higher", ("multiclass",)),
}

# What early stopping may watch: what both libraries compute themselves after every round.
WATCHED: dict[Task, tuple[str, ...]] = {
    "regression": ("rmse", "mae", "mape"),
    "binary": ("log_loss", "auc", "average_precision"),
    "multiclass": ("log_loss", "accuracy"),
}

DIRECTION = {name: metric.better for name, metric in METRICS.items()}


def metrics_of(task: Task) -> tuple[str, ...]:
    return tuple(name for name, metric in METRICS.items() if task in metric.tasks)


def advantage(metric: str, value: float, other: float) -> float:
    """How much better `value` is than `other` in this metric's own unit; negative is worse."""
    return value - other if DIRECTION[metric] == "higher" else other - value


def error(metric: str, value: float) -> float:
    """How far a value is from the best one: 1 for a metric that is better higher, 0 for the others.

    >>> round(error("auc", 0.85), 6), error("rmse", 2.5)
    (0.15, 2.5)
    """
    return abs(1 - value) if DIRECTION[metric] == "higher" else abs(value)
