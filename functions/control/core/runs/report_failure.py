"""Report Failure: release the failed run's lock, record the failure, put it on the bus."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.cost.settle import settle
from core.runs.failure import Failure, Occurrence, explain
from core.runs.failure_fact import failure_fact
from core.runs.lock import pass_lock_on
from core.stage.run_table import CLOSED
from core.words.formats import timestamp

if TYPE_CHECKING:
    from core.stage.gateways import Stage

# Where the runs are recorded whose request names no model that can exist.
_NO_MODEL = "no model"


def report_failure(stage: Stage, failed: Occurrence, now: datetime) -> tuple[dict[str, Any], bool]:
    """Record the failure and report what to fix, once for each occurrence.

    Returns what was reported, and whether this was the first time. Every part may be done again,
    so a function that dies between any two of them is made good by the next report: the same fact
    is put on the bus twice rather than never.
    """
    failure = explain(failed.error, failed.cause)
    model, run = failed.model, failed.run
    # At every report: a run that was redriven may hold the lock again.
    started = pass_lock_on(stage, model, run, now) if model else None
    known = stage.runs.run(model or _NO_MODEL, run)
    first = int(known.get("failures_told", 0)) <= failed.redrives
    if first:
        if known.get("status") not in CLOSED:
            stage.runs.write_run(model or _NO_MODEL, run, _record(failure, now))
        reason = known.get("reason")
        stage.events.put(failure_fact(stage, "run", run, failed, failure, reason, now))
        told = {"failures_told": str(failed.redrives + 1)}
        stage.runs.write_run(model or _NO_MODEL, run, told)
    if model:
        settle(stage, "retrain", model, f"run#{run}", run, now, good=False)
    reported = {
        "run": run,
        "model": model,
        "error": failure.error,
        "message": failure.message,
        "started_next": started,
    }
    return reported, first


def _record(failure: Failure, now: datetime) -> dict[str, str]:
    return {
        "status": "FAILED",
        "closed_at": timestamp(now),
        "summary": failure.message,
        "error": failure.error,
    }
