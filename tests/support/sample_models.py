"""Three models, one of each task, with numbers like those of real ones."""

from __future__ import annotations

from typing import Any

from core.definition.schema import ModelDefinition

Documents = dict[str, Any]

# fmt: off
SHELL = (
    "length", "diameter", "height", "whole_weight", "shucked_weight", "viscera_weight",
    "shell_weight",
)
USE = ("tenure_months", "monthly_charge", "total_charge", "support_calls", "data_used_gb")
VISITS = ("visits", "pages_per_visit", "minutes", "purchases", "days_since_last")
# fmt: on
FEATURES = {
    "regression": [
        {"name": "sex", "kind": "categorical"},
        *({"name": name, "kind": "numeric", "minimum": 0} for name in SHELL),
    ],
    "binary": [
        {"name": "gender", "kind": "categorical"},
        {"name": "contract", "kind": "categorical"},
        {"name": "region", "kind": "categorical"},
        *({"name": name, "kind": "numeric"} for name in USE),
    ],
    "multiclass": [
        {"name": "device", "kind": "categorical"},
        *({"name": name, "kind": "numeric"} for name in VISITS),
    ],
}
METRICS = {
    "regression": {"rmse": (2.0931, 0.083), "mae": (1.4907, 0.047), "r2": (0.5632, 0.021)},
    "binary": {
        "auc": (0.8476, 0.0107),
        "average_precision": (0.6689, 0.0214),
        "log_loss": (0.4183, 0.0132),
        "recall": (0.7512, 0.0243),
    },
    "multiclass": {
        "macro_f1": (0.8127, 0.0153),
        "accuracy": (0.8342, 0.0136),
        "log_loss": (0.4416, 0.028),
    },
}
GAINS = {
    "rmse": -0.0418,
    "mae": -0.0127,
    "r2": 0.0173,
    "auc": 0.0034,
    "average_precision": 0.0081,
    "log_loss": -0.0041,
    "recall": -0.0192,
    "accuracy": 0.0112,
    "macro_f1": 0.0162,
}
MODELS = {
    "regression": ("abalone", "Age of abalone, in rings, from measurements of the shell."),
    "binary": ("churn", "Customers who leave within the next month."),
    "multiclass": ("segments", "Which of four segments a site's member belongs to."),
}
SEGMENTS = {
    "regression": {"sex": [("M", 229, -0.051), ("I", 203, -0.062), ("F", 195, 0.014)]},
    "binary": {
        "gender": [("female", 521, 0.002), ("male", 535, 0.005)],
        "contract": [
            ("month-to-month", 584, 0.006),
            ("two-year", 250, -0.013),
            ("one-year", 222, 0.001),
        ],
        "region": [("north", 402, 0.008), ("south", 391, 0.003), ("islands", 17, 0.09)],
    },
    "multiclass": {
        "device": [("phone", 603, 0.021), ("desktop", 311, 0.014), ("tablet", 86, 0.002)]
    },
}

TASKS = list(METRICS)


def definition(task: str) -> Documents:
    """A definition with its defaults filled in, as the run plan holds it."""
    model, about = MODELS[task]
    primary, *also = METRICS[task]
    written = {
        "name": model,
        "description": about,
        "owners": ["ml-team@example.com"],
        "task": task,
        "target": {"regression": "rings", "binary": "churned", "multiclass": "segment"}[task],
        "features": FEATURES[task],
        "trainer": {"library": "lightgbm", "parameters": {"learning_rate": 0.05, "num_leaves": 23}},
        "metrics": {"primary": primary, "also": also},
        "gate": GATES[task],
        "segments": list(SEGMENTS[task]),
    }
    if task == "binary":
        written["positive"] = "yes"
    return ModelDefinition.model_validate(written).model_dump(mode="json")


GATES: dict[str, Documents] = {
    "regression": {
        "floors": {"rmse": 2.5},
        "margins": {"rmse": 0.05, "mae": 0.05},
        "segment_margins": {"rmse": 0.3},
        "minimum_segment_rows": 30,
    },
    "binary": {
        "floors": {"auc": 0.8},
        "margins": {"auc": 0.01, "recall": 0.01},
        "segment_margins": {"auc": 0.02},
        "minimum_segment_rows": 30,
        "fairness": [{"column": "gender", "metric": "recall", "max_gap": 0.1}],
    },
    "multiclass": {"floors": {"macro_f1": 0.75}, "margins": {"macro_f1": 0.02}},
}


def package_arn(task: str) -> str:
    group = f"kanmon-local-{MODELS[task][0]}"
    return f"arn:aws:sagemaker:eu-west-1:123456789012:model-package/{group}/3"
