"""Closing a run, well or badly: record it, hand its turn over, tell whoever wants to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.runs.failure import Failure, Occurrence, explain
from core.runs.run_table import CLOSED, Ledger
from core.stage.notices import Notice, NoticeBoard
from core.stage.state_machine import Workflow
from core.words.formats import timestamp


@dataclass(frozen=True)
class Closing:
    """What closing a run needs of its stage."""

    stack: str
    ledger: Ledger
    workflow: Workflow
    notices: NoticeBoard


def close_run(closing: Closing, event: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Take {run, model, outcome, summary, fingerprint, …}; answer with the execution's output.

    Every part may be done twice: a repeat finds its record, its hand-over and its mail done.
    """
    model, run = event["model"], event["run"]
    nothing_new = event["outcome"] == "nothing new"
    # Before the turn is handed over: the next run looks for this fingerprint.
    closing.ledger.remember_fingerprint(model, event["fingerprint"], event.get("equals") or run)
    before = closing.ledger.write_run(
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
        },
    )
    started = _hand_over(closing, model, run, now)
    if "noticed_at" not in before:
        _notice_closed(closing, event, now)
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


def give_turn_back(closing: Closing, failed: Occurrence, now: datetime) -> str | None:
    """End the failed run's turn if it holds it. Answers with the run started in its place.

    Safe to repeat, and to be done at every report: a run that was redriven may hold it again.
    """
    if failed.model is None:
        return None
    return _hand_over(closing, failed.model, failed.run, now)


def report_failure(closing: Closing, failed: Occurrence, now: datetime) -> dict[str, Any]:
    """Record the failure and tell the subscribers what is to mend."""
    failure = explain(failed.error, failed.cause)
    if failed.model is not None:
        _record_failure(closing.ledger, failed.model, failed.run, failure, now)
    closing.notices.publish(
        Notice(
            event="run failed",
            stack=closing.stack,
            model=failed.model or "unknown model",
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


def _record_failure(ledger: Ledger, model: str, run: str, failure: Failure, now: datetime) -> None:
    if ledger.run_record(model, run).get("status") in CLOSED:
        return
    ledger.write_run(
        model,
        run,
        {
            "status": "FAILED",
            "closed_at": timestamp(now),
            "summary": failure.message,
            "error": failure.error,
        },
    )


def _hand_over(closing: Closing, model: str, run: str, now: datetime) -> str | None:
    """The turn first, then the start: a crash between the two is mended by the repeat."""
    handed = closing.ledger.hand_over_turn(model, run, int(now.timestamp()))
    if handed is None:
        return None
    closing.workflow.start(handed.to, handed.input)
    for queued in handed.runs:
        closing.ledger.write_run(model, queued, {"taken_over_by": handed.to})
    return handed.to


def _notice_closed(closing: Closing, event: Mapping[str, Any], now: datetime) -> None:
    closing.notices.publish(
        Notice(
            event="nothing new" if event["outcome"] == "nothing new" else "candidate registered",
            stack=closing.stack,
            model=event["model"],
            run=event["run"],
            at=timestamp(now),
            summary=event["summary"],
            verdict=event.get("verdict"),
            package_arn=event.get("package_arn"),
            review_uri=event.get("review_uri"),
            release=event.get("release"),
        )
    )
    closing.ledger.write_run(event["model"], event["run"], {"noticed_at": timestamp(now)})
