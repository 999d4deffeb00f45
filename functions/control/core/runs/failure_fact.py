"""The fact of a failed execution: the same for a run, a batch and a monitoring."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from core.report.fact import Event, Fact
from core.runs.failure import Failure, Occurrence, Work
from core.words.formats import timestamp

if TYPE_CHECKING:
    from core.stage.gateways import Stage

_FAILED: Mapping[Work, Event] = {
    "run": "run failed",
    "batch": "batch failed",
    "monitoring": "monitoring failed",
}
_STOPPED: Mapping[Work, Event] = {
    "run": "run stopped",
    "batch": "batch stopped",
    "monitoring": "monitoring stopped",
}


def failure_fact(
    stage: Stage,
    work: Work,
    name: str,
    failed: Occurrence,
    failure: Failure,
    reason: str | None,
    now: datetime,
) -> Fact:
    """`name` is the run's, batch's or monitoring's; an execution that resumes a batch has another.

    `reason` is why the work was started.
    """
    execution = f"{failed.run}/{failed.redrives}"
    return Fact(
        event=_event(work, failed, failure),
        key=f"{name}/{execution}" if work == "batch" else execution,
        stack=stage.name,
        stage=stage.short_name,
        at=timestamp(now),
        summary=failure.message,
        model=failed.model,
        reason=reason,
        run=name if work == "run" else None,
        batch=name if work == "batch" else None,
        monitoring=name if work == "monitoring" else None,
        error=failure.error,
    )


def _event(work: Work, failed: Occurrence, failure: Failure) -> Event:
    """Nothing has run where SageMaker gave no machine: no fault of the model or its data."""
    if failure.unstarted:
        return "job could not start"
    return _STOPPED[work] if failed.stopped else _FAILED[work]
