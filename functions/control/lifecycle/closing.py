"""Closing a run, well or badly: record it, hand its turn over, tell whoever wants to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lifecycle.failure import Occurrence, explain
from lifecycle.ledger import CLOSED, Ledger
from lifecycle.notice import Notice, NoticeBoard
from lifecycle.wording import moment
from lifecycle.workflow import Workflow


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
            "closed_at": moment(now),
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
        "equals": event.get("equals"),
        "started_next": started,
    }


def report_failure(closing: Closing, failed: Occurrence, now: datetime) -> dict[str, Any]:
    """Record the failure, give the turn back if this run holds it, and say what is to mend."""
    failure = explain(failed.error, failed.cause)
    started = None
    if failed.model is not None:
        if closing.ledger.run_record(failed.model, failed.run).get("status") not in CLOSED:
            closing.ledger.write_run(
                failed.model,
                failed.run,
                {
                    "status": "FAILED",
                    "closed_at": moment(now),
                    "summary": failure.message,
                    "error": failure.error,
                },
            )
        started = _hand_over(closing, failed.model, failed.run, now)
    closing.notices.publish(
        Notice(
            event="run failed",
            stack=closing.stack,
            model=failed.model or "unknown model",
            run=failed.run,
            at=moment(now),
            summary=failure.message,
            error=failure.error,
        )
    )
    return {
        "run": failed.run,
        "model": failed.model,
        "error": failure.error,
        "message": failure.message,
        "started_next": started,
    }


def _hand_over(closing: Closing, model: str, run: str, now: datetime) -> str | None:
    """The turn first, then the start: a crash between the two is mended by the repeat."""
    handed = closing.ledger.hand_over_turn(model, run, int(now.timestamp()))
    if handed is None:
        return None
    closing.workflow.start(handed.to, handed.input)
    return handed.to


def _notice_closed(closing: Closing, event: Mapping[str, Any], now: datetime) -> None:
    closing.notices.publish(
        Notice(
            event="nothing new" if event["outcome"] == "nothing new" else "candidate registered",
            stack=closing.stack,
            model=event["model"],
            run=event["run"],
            at=moment(now),
            summary=event["summary"],
            verdict=event.get("verdict"),
            package_arn=event.get("package_arn"),
            review_uri=event.get("review_uri"),
        )
    )
    closing.ledger.write_run(event["model"], event["run"], {"noticed_at": moment(now)})
