"""statistics.json: the candidate's metrics in SageMaker's format for model quality.

Metrics that this format also defines (rmse, mae, r2, auc, accuracy, precision, recall, f1) mean the
same there. Other metrics keep their own names.
"""

from collections.abc import Mapping
from typing import Any

from contract.bootstrap import Estimates
from contract.plan import Task

SECTIONS: dict[Task, str] = {
    "regression": "regression_metrics",
    "binary": "binary_classification_metrics",
    "multiclass": "multiclass_classification_metrics",
}


def model_quality(
    task: Task, candidate: Estimates, confusion: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Take the metrics, and the confusion matrix as in evaluation.json.

    Undefined metrics are left out: unlike evaluation.json, the format cannot express them.
    """
    section: dict[str, Any] = {
        name: {"value": estimate.value, "standard_deviation": estimate.deviation}
        for name, estimate in candidate.items()
        if estimate.value is not None
    }
    if confusion is not None:
        labels = confusion["labels"]
        section["confusion_matrix"] = {
            actual: dict(zip(labels, counts, strict=True))
            for actual, counts in zip(labels, confusion["counts"], strict=True)
        }
    return {"version": 0.0, SECTIONS[task]: section}
