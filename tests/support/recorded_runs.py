"""A run as a stage holds it when it has ended, and the events about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from core.report.fact import Event, Fact
from tests.support.sample_documents import JUDGED_AT
from tests.support.stage_in_memory import RUN, Stage

PLAN: dict[str, Any] = {
    "format": 1,
    "run": RUN,
    "model": "churn",
    "reason": "new data",
    "note": "a slower rate",
    "by": "arn:aws:iam::123456789012:user/ada",
    "commit": "1a2b3c",
    "opened_at": "2026-11-21T05:55:01Z",
    "fingerprint": "f" * 64,
    "bucket": "kanmon-test-data",
    "snapshot": {"id": "0b7d" * 8, "uri": "s3://b/snapshots/churn/0b7d.json"},
    "definition": {
        "sha256": "d" * 64,
        "uri": "s3://b/definitions/churn/d/",
        "content": {
            "task": "binary",
            "target": "churn",
            "features": [{"name": "tenure"}, {"name": "gender"}],
            "metrics": {"primary": "auc", "also": []},
            "split": {"train": 0.7, "by": None},
            "trainer": {
                "library": "lightgbm",
                "rounds": 2000,
                "parameters": {"learning_rate": 0.05, "objective": "binary"},
            },
        },
    },
    "images": {"train": "1.dkr.ecr.us-east-1.amazonaws.com/steps@sha256:" + "8" * 64},
    "champion": None,
}
LINE: dict[str, Any] = {
    "model": "churn",
    "run": RUN,
    "judged_at": JUDGED_AT,
    "verdict": "promote",
    "summary": "promote: every rule passed",
    "metrics": [
        {
            **{"name": "auc", "value": 0.84, "low": 0.82, "high": 0.86},
            **{"champion_value": 0.83, "champion_low": None, "champion_high": None},
            **{"difference_value": 0.01, "difference_low": -0.002, "difference_high": 0.02},
        }
    ],
    "rows_train": 700.0,
    "rows_test": 150.0,
    "rejected_share": 0.0,
    "seconds": 4.6,
    "usd": None,
}
WATCHED: dict[str, Any] = {
    "model": "churn",
    "monitoring": "churn-261201060000-m3q",
    "closed_at": "2026-12-01T06:00:30Z",
    "state": "healthy",
    "summary": "nothing drifted",
    "release": 7,
    "run": RUN,
    "rows_captured": 120.0,
    "rows_labelled": 80.0,
    "alarms": 0,
    "drifted": 0,
    "primary_metric": "auc",
    "quality": 0.81,
    "quality_low": 0.7,
    "quality_high": 0.9,
    "labelled_share": 0.66,
}
REGISTERED = Fact(
    event="candidate registered",
    key=RUN,
    stack="kanmon-test",
    stage="dev",
    at="2026-11-21T06:08:00Z",
    summary="promote: every rule passed",
    model="churn",
    run=RUN,
    release=7,
    verdict="promote",
)


def put_run(stage: Stage, **fields: str) -> None:
    """The run's documents and its record, ended well unless the fields say otherwise."""
    stage.put(f"runs/churn/{RUN}/run.json", PLAN)
    stage.put(f"metrics/model=churn/{RUN}.json", LINE)
    stage.write_item(
        f"run#{RUN}",
        **{
            "status": "SUCCEEDED",
            "opened_at": str(PLAN["opened_at"]),
            "closed_at": "2026-11-21T06:08:00Z",
            "reason": "new data",
            "fingerprint": str(PLAN["fingerprint"]),
            "summary": "promote: every rule passed",
            "verdict": "promote",
            "package_arn": "arn:aws:sagemaker:us-east-1:123456789012:model-package/churn/7",
            "review_uri": f"s3://kanmon-test-data/runs/churn/{RUN}/review.html",
            **fields,
        },
    )


def put_monitoring(stage: Stage) -> None:
    """What a monitoring of its release left."""
    stage.put(f"watch-metrics/model=churn/{WATCHED['monitoring']}.json", WATCHED)
    stage.write_item(f"monitoring#{WATCHED['monitoring']}", status="SUCCEEDED")


def event_of(fact: Fact) -> dict[str, Any]:
    """As EventBridge calls a function with it."""
    return {"source": "kanmon", "detail-type": fact.event, "detail": fact.document()}


def about(event: Event, at: str, by: str | None = None) -> dict[str, Any]:
    """An event of the run's release."""
    return event_of(replace(REGISTERED, event=event, key="churn/7", at=at, by=by))


def monitored() -> dict[str, Any]:
    """The end of a monitoring's execution, as AWS tells it."""
    detail = {"name": WATCHED["monitoring"], "status": "SUCCEEDED", "input": '{"model": "churn"}'}
    return {"source": "aws.states", "detail-type": "any", "detail": detail}
