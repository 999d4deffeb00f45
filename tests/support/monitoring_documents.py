"""The plan and the report of a monitoring of churn, for tests to bend."""

from __future__ import annotations

import copy
from datetime import date, timedelta
from typing import Any

MONITORING = "churn-261121055501-m7k"
DAYS = [(date(2026, 11, 15) + timedelta(days=n)).isoformat() for n in range(7)]
_PLAN: dict[str, Any] = {
    "resources": {"instance_type": "ml.m5.large", "volume_gb": 30},
    "format": 1,
    "monitoring": MONITORING,
    "run": MONITORING,
    "model": "churn",
    "reason": "manual",
    "asked_at": "2026-11-21T05:55:01Z",
    "bucket": "kanmon-test-data",
    "stack": "kanmon-test",
    "window": {"from": "2026-11-15", "to": "2026-11-22"},
    "release": {
        "number": 7,
        "run": "churn-261101055501-a1b",
        "artifact_uri": "s3://kanmon-test-data/runs/churn/churn-261101055501-a1b/train/model.tar.gz",
        "artifact_version": "v1",
        "artifact_sha256": "e" * 64,
        "definition_sha256": "d" * 64,
        "promoted_at": "2026-11-02T00:00:00Z",
    },
    "definition": {"content": {"name": "churn", "task": "binary"}},
    "settings": {
        "window_days": 7,
        "minimum_rows": 100,
        "minimum_labels": 100,
        "drift": 0.1,
        "prediction_drift": 0.1,
        "missing": 0.05,
        "unknown": 0.05,
        "invalid": 0.01,
        "metric": "auc",
        "quality": 0.02,
        "capture_share": 0.1,
        "label_days": 90,
    },
    "capture": [],
    "batches": [],
    "labels": [],
    "prefix": f"monitoring/churn/{MONITORING}",
}


def check(kind: str, feature: str | None, value: float, **more: Any) -> dict[str, Any]:
    known = {
        "check": kind,
        "feature": feature,
        "state": "compared",
        "value": value,
        "bar": 0.1,
        "practical": 0.1,
        "chance": 0.02,
        "p": 0.4,
        "alarm": False,
        "before": None,
        "now": None,
        "low": None,
        "high": None,
        "distance": None,
    }
    return {**known, **more}


def _by_day(psi: float, mean: float | None) -> list[dict[str, Any]]:
    return [
        {
            "day": day,
            "rows": 100 + n,
            "missing": 0.01,
            "unknown": 0.0,
            "mean": None if mean is None else mean + n,
            "psi": psi * n,
        }
        for n, day in enumerate(DAYS)
    ]


_METRIC = {"value": 0.79, "low": 0.75, "high": 0.83}
_REPORT: dict[str, Any] = {
    "format": 1,
    "monitoring": MONITORING,
    "model": "churn",
    "release": 7,
    "window": {"from": "2026-11-15", "to": "2026-11-22"},
    "state": "healthy",
    "rows": {"captured": 700, "batch": 300, "invalid": 2, "labelled": 400},
    "capture_share": 0.1,
    "checks": [
        check("drift", "tenure", 0.012),
        check("drift", "gender", 0.004),
        check("missing", "tenure", 0.001, before=0.01, now=0.011, bar=0.05),
        check("unknown", "gender", 0.0, before=0.0, now=0.0, bar=0.05),
        check("invalid", None, 0.002, before=0.0, now=0.002, bar=0.01),
        check("prediction", None, 0.02),
        check("quality", None, 0.01, before=0.8, now=0.79, bar=0.02),
    ],
    "features": [
        {
            "feature": "tenure",
            "kind": "numeric",
            "edges": [6.0, 24.0, 48.0],
            "categories": None,
            "before": [0.25, 0.25, 0.25, 0.25],
            "now": [0.24, 0.26, 0.26, 0.24],
            "unit_distance": 0.4,
            "by_day": _by_day(0.002, 30.0),
        },
        {
            "feature": "gender",
            "kind": "categorical",
            "edges": None,
            "categories": ["f", "m"],
            "new": [{"value": "x", "rows": 10}],
            "before": [0.5, 0.5, 0.0],
            "now": [0.49, 0.5, 0.01],
            "unit_distance": None,
            "by_day": _by_day(0.001, None),
        },
    ],
    "predictions": {
        "feature": "prediction",
        "kind": "numeric",
        "edges": [0.2, 0.5, 0.8],
        "categories": None,
        "before": [0.4, 0.3, 0.2, 0.1],
        "now": [0.38, 0.3, 0.2, 0.12],
        "unit_distance": 0.01,
        "by_day": _by_day(0.003, 0.3),
    },
    "quality": {
        "primary": "auc",
        "labelled": 280,
        "days": ["2026-11-15", "2026-11-21"],
        "metrics": {"auc": {**_METRIC, "test": 0.8}, "log_loss": {"value": 0.5, "test": 0.49}},
        "by_day": [
            {
                "day": day,
                "answered": 140,
                "labelled": 70 - 10 * n,
                "metrics": {"auc": _METRIC} if n < 4 else None,
            }
            for n, day in enumerate(DAYS)
        ],
        "segments": [
            {"column": "gender", "value": "f", "labelled": 210, "metrics": {"auc": _METRIC}},
            {"column": "gender", "value": "m", "labelled": 20, "metrics": None},
        ],
        "completeness": 0.4,
    },
    "labels": {
        "given": 420,
        "matched": 400,
        "late": 12,
        "repeated": 3,
        "contradicting": 2,
        "unknown": 15,
        "corrected": 0,
        "other_releases": 5,
        "samples": {"contradicting": [{"file": "labels/churn/may.csv", "row": 17}]},
    },
    "compacted": {"days": 6, "files": 812},
}


def sample_plan(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(_PLAN) | changes


def sample_report(**changes: Any) -> dict[str, Any]:
    """A healthy report."""
    return copy.deepcopy(_REPORT) | changes


def alarming_report() -> dict[str, Any]:
    """Tenure has drifted, gender has unknown values, and the quality is worse."""
    report = sample_report(state="alarm")
    report["checks"][0] |= {"value": 0.31, "alarm": True, "p": 1e-9, "distance": 14.2}
    report["checks"][3] |= {"value": 0.2, "now": 0.2, "alarm": True}
    report["checks"][6] |= {"value": 0.05, "now": 0.75, "alarm": True}
    return report


def no_data_report() -> dict[str, Any]:
    empty: dict[str, Any] = {
        "state": "no data",
        "checks": [],
        "features": [],
        "predictions": None,
        "quality": None,
        "labels": None,
        "rows": {"captured": 0, "batch": 0, "invalid": 0, "labelled": 0},
    }
    return sample_report(**empty)
