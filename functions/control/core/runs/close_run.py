"""Close Run: record the run, pass its lock on, put its outcome on the bus."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.cost.settle import settle
from core.report.fact import Fact, metric_of
from core.runs.lock import pass_lock_on
from core.words.formats import timestamp

if TYPE_CHECKING:
    from core.stage.gateways import Stage


def close_run(stage: Stage, event: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Take {run, model, outcome, summary, fingerprint, …}; return the execution's output.

    Every part may be done twice: a repeat finds its record, its hand-over and its event done.
    """
    model, run = event["model"], event["run"]
    nothing_new = event["outcome"] == "nothing new"
    steps = event.get("steps")
    # Before the lock is passed on: the next run looks for this fingerprint.
    stage.runs.remember_fingerprint(model, event["fingerprint"], event.get("equals") or run)
    before = stage.runs.write_run(
        model,
        run,
        {
            "status": "NOTHING_NEW" if nothing_new else "SUCCEEDED",
            "closed_at": timestamp(now),
            "summary": event["summary"],
            "verdict": event.get("verdict"),
            "package_arn": event.get("package_arn"),
            "review_uri": event.get("review_uri"),
            "equals": event.get("equals"),
            "ran": json.dumps(steps["ran"], sort_keys=True) if steps else None,
        },
    )
    if steps:
        stage.runs.remember_steps(model, steps["seen"])
    started = pass_lock_on(stage, model, run, now)
    settle(stage, "retrain", model, f"run#{run}", run, now, good=not nothing_new)
    if "noticed_at" not in before:
        _report(stage, event, before.get("reason"), now)
    return {
        "run": run,
        "model": model,
        "outcome": event["outcome"],
        "verdict": event.get("verdict"),
        "summary": event["summary"],
        "package_arn": event.get("package_arn"),
        "review_uri": event.get("review_uri"),
        "release": event.get("release"),
        "equals": event.get("equals"),
        "started_next": started,
    }


def _report(stage: Stage, event: Mapping[str, Any], reason: str | None, now: datetime) -> None:
    stage.events.put(
        Fact(
            event="nothing new" if event["outcome"] == "nothing new" else "candidate registered",
            key=event["run"],
            stack=stage.name,
            stage=stage.short_name,
            at=timestamp(now),
            summary=event["summary"],
            model=event["model"],
            reason=reason,
            run=event["run"],
            release=event.get("release"),
            verdict=event.get("verdict"),
            approval=event.get("approval"),
            package_arn=event.get("package_arn"),
            review_uri=event.get("review_uri"),
            metric=metric_of(event.get("metric")),
        )
    )
    stage.runs.write_run(event["model"], event["run"], {"noticed_at": timestamp(now)})
