"""Report Failure: release the failed run's lock, record the failure, notify the subscribers."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.runs.failure import Failure, Occurrence, explain
from core.runs.lock import pass_lock_on
from core.stage.notices import Notice
from core.stage.run_table import CLOSED, RunTable
from core.words.catalogue import say
from core.words.formats import timestamp

if TYPE_CHECKING:
    from core.stage.gateways import Stage


def release_lock_of(stage: Stage, failed: Occurrence, now: datetime) -> str | None:
    """Release the failed run's lock if it holds it; the run started in its place, if any.

    Safe to repeat, and to be done at every report: a run that was redriven may hold it again.
    """
    return pass_lock_on(stage, failed.model, failed.run, now) if failed.model else None


def report_failure(stage: Stage, failed: Occurrence, now: datetime) -> dict[str, Any]:
    """Record the failure and notify the subscribers of what to fix."""
    failure = explain(failed.error, failed.cause)
    if failed.model is not None:
        _record(stage.runs, failed.model, failed.run, failure, now)
    stage.notices.publish(
        Notice(
            event="run failed",
            stack=stage.name,
            model=failed.model or say("run.unknown_model"),
            run=failed.run,
            at=timestamp(now),
            summary=failure.message,
            error=failure.error,
        )
    )
    return {
        "run": failed.run,
        "model": failed.model,
        "error": failure.error,
        "message": failure.message,
    }


def _record(table: RunTable, model: str, run: str, failure: Failure, now: datetime) -> None:
    if table.run(model, run).get("status") in CLOSED:
        return
    table.write_run(
        model,
        run,
        {
            "status": "FAILED",
            "closed_at": timestamp(now),
            "summary": failure.message,
            "error": failure.error,
        },
    )
