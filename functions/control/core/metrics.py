"""The metrics Kanmon knows: which task each belongs to, and which way is better."""

from typing import Literal

Task = Literal["regression", "binary", "multiclass"]

DIRECTION: dict[str, Literal["higher", "lower"]] = {
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
}

METRICS_BY_TASK: dict[Task, tuple[str, ...]] = {
    "regression": ("rmse", "mae", "mape", "r2"),
    "binary": (
        "auc",
        "average_precision",
        "log_loss",
        "brier",
        "accuracy",
        "precision",
        "recall",
        "f1",
    ),
    "multiclass": ("accuracy", "macro_f1", "log_loss"),
}


def advantage(metric: str, value: float, other: float) -> float:
    """How much better `value` is than `other` in this metric's own unit; negative is worse."""
    return value - other if DIRECTION[metric] == "higher" else other - value
