"""A batch that failed or was stopped: record why and report it, once for each failure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.cost import host_time
from core.cost.settle import settle
from core.runs.failure import Failure, Occurrence, explain, occurrence
from core.runs.failure_fact import failure_fact
from core.stage.batch_table import batch_item
from core.words.formats import timestamp

if TYPE_CHECKING:
    from core.stage.gateways import Stage

# Where the batches are recorded whose request names no model that can exist.
_NO_MODEL = "no model"
_LONGEST_NAME = 80


@dataclass(frozen=True)
class FailedBatch:
    """A failed execution and the batch that it worked on; `lost`: the platform lost a job of it,
    whose time nobody knows."""

    batch: str
    execution: Occurrence
    lost: bool = False

    @property
    def told(self) -> str:
        """The failure's name among all of the batch: an execution that is redriven fails anew."""
        return f"{self.execution.run}#{self.execution.redrives}"


def is_failure(event: Mapping[str, Any]) -> bool:
    """Is it a failure, or the event of one, rather than a batch to close?"""
    return "error" in event or "detail" in event


def failed_batch(event: Mapping[str, Any]) -> FailedBatch:
    """Read what the state Report Failure passes, or the status event of an execution."""
    detail = event.get("detail")
    execution = occurrence(event)
    request = detail.get("input") if isinstance(detail, Mapping) else event.get("request")
    resumed = _batch(request)
    return FailedBatch(resumed or execution.run, execution, bool(event.get("lost")))


def _batch(request: object) -> str | None:
    """The batch that a request resumes."""
    if isinstance(request, str):
        try:
            request = json.loads(request)
        except (ValueError, RecursionError):
            return None
    found = request.get("batch") if isinstance(request, Mapping) else None
    return found[:_LONGEST_NAME] if isinstance(found, str) and found else None


def report_batch_failure(
    stage: Stage, failed: FailedBatch, now: datetime
) -> tuple[dict[str, Any], bool]:
    """Record the failure and report what to fix, once; returns what was reported, and whether
    this was the first time.

    An execution that does not work on the batch any more, because another one resumed it, or never
    did, leaves the batch's record alone.
    """
    execution = failed.execution
    failure = explain(execution.error, execution.cause, "batch")
    model, batch = execution.model or _NO_MODEL, failed.batch
    record = stage.batches.batch(model, batch)
    first = record.get("told") != failed.told
    if first:
        stage.batches.fail(model, batch, execution.run, _record(failure, record, failed, now))
        reason = record.get("reason")
        stage.events.put(failure_fact(stage, "batch", batch, execution, failure, reason, now))
        if record or execution.run == batch:
            stage.batches.write(model, batch, {"told": failed.told})
    if execution.model and (record or execution.run == batch):
        settle(stage, "score", model, batch_item(batch), execution.run, now, good=False)
    reported = {
        "batch": batch,
        "model": execution.model,
        "error": failure.error,
        "message": failure.message,
    }
    return reported, first


def _record(
    failure: Failure, record: Mapping[str, Any], failed: FailedBatch, now: datetime
) -> dict[str, Any]:
    execution = failed.execution
    worked = None if failed.lost else _job_seconds(execution.cause)
    untold = failed.lost or execution.error.startswith("Execution.")
    spent = record.get("host_seconds", "0")
    counted = record.get("counted") == failed.told  # by a report that died before its event
    if not counted and (worked is not None or (untold and "answer" in record)):
        spent = host_time.with_attempt(record, worked, int(record.get("hosts", 1)))
    return {
        # A request that was refused has no record yet.
        "asked_at": record.get("asked_at", timestamp(now)),
        "closed_at": timestamp(now),
        "summary": failure.message,
        "error": failure.error,
        "host_seconds": spent,
        "counted": failed.told,
    }


def _job_seconds(cause: str) -> float | None:
    """How long the failed job worked, from its description in the Cause."""
    try:
        job = json.loads(cause)
    except (ValueError, RecursionError):
        return None
    if not isinstance(job, Mapping) or "ProcessingJobName" not in job:
        return None
    return host_time.seconds_between(job.get("ProcessingStartTime"), job.get("ProcessingEndTime"))
