"""A definition and an evaluation that pass, for tests to bend."""

from __future__ import annotations

import copy
from typing import Any

from core.definition.parse import parse_definition
from core.definition.schema import ModelDefinition

MODEL_YAML = """\
name: churn
description: Who leaves next month.
owners: [team@example.com]
task: binary
target: churn
positive: yes
features:
  - {name: gender, kind: categorical}
  - {name: tenure, kind: numeric, minimum: 0}
metrics: {primary: auc, also: [log_loss, recall]}
gate:
  floors: {auc: 0.7, log_loss: 0.6}
  margins: {auc: 0.02, log_loss: 0.05}
  segment_margins: {auc: 0.05}
  minimum_segment_rows: 30
  fairness: [{column: gender, metric: recall, max_gap: 0.1}]
  maximum_rejected_share: 0.01
segments: [gender]
"""

DEFINITION: ModelDefinition = parse_definition(MODEL_YAML, "models/churn/model.yaml")

_EVALUATION: dict[str, Any] = {
    "format": 2,
    "run": "churn-261121055501-x7k",
    "model": "churn",
    "task": "binary",
    "primary": "auc",
    "metrics": ["auc", "log_loss", "recall"],
    "rows": {"train": 700, "validation": 150, "test": 150},
    "candidate": {
        "metrics": {
            "auc": {"value": 0.8, "low": 0.75, "high": 0.85},
            "log_loss": {"value": 0.5, "low": 0.4, "high": 0.6},
            "recall": {"value": 0.6, "low": 0.5, "high": 0.7},
        }
    },
    "champion": {
        "run": "churn-261101055501-a1b",
        "package_arn": "arn:aws:sagemaker:us-east-1:123456789012:model-package/kanmon-churn/3",
        "version": 3,
        "metrics": {
            "auc": {"value": 0.79, "low": 0.74, "high": 0.84},
            "log_loss": {"value": 0.51, "low": 0.41, "high": 0.61},
            "recall": {"value": 0.6, "low": 0.5, "high": 0.7},
        },
    },
    "difference": {"auc": {"value": 0.01, "low": 0.001, "high": 0.019}},
    "reference": {
        "release": 2,
        "why": "approved",
        "run": "churn-261001055501-c3d",
        "package_arn": "arn:aws:sagemaker:us-east-1:123456789012:model-package/kanmon-churn/2",
        "version": 2,
        "metrics": {"auc": {"value": 0.78, "low": 0.73, "high": 0.83}},
        "difference": {"auc": {"value": 0.02, "low": 0.011, "high": 0.029}},
    },
    "segments": [
        {
            "column": "gender",
            "value": value,
            "rows": 75,
            "candidate": {"auc": 0.8},
            "champion": {"auc": 0.79},
            "difference": None,
        }
        for value in ("f", "m")
    ],
    "fairness": [{"column": "gender", "metric": "recall", "gap": 0.05, "groups": []}],
    "parity": {"rows": 150, "mismatches": 0, "largest_difference": 1e-7, "tolerance": 1e-5},
    "data": {"rows_read": 1000, "rows_rejected": 0, "rejected_share": 0.0, "warnings": []},
}


def passing_evaluation() -> dict[str, Any]:
    return copy.deepcopy(_EVALUATION)
