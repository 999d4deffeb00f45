"""Close Monitoring: the page, the record, the fact of a turn; or the failure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.cost.settle import settle
from core.monitoring.metrics import history_line, metrics_of
from core.monitoring.open_monitoring import NO_DATA
from core.monitoring.turning import Turn, next_watch, turns
from core.monitoring.words import alarms_of, check_words, state_of, summary
from core.report.fact import Event, Fact
from core.runs.failure import Failure, Occurrence, explain, occurrence
from core.stage.bucket import ObjectMissingError
from core.stage.monitoring_table import monitoring_item
from core.words.formats import timestamp

if TYPE_CHECKING:
    from core.stage.gateways import Stage
    from core.stage.monitoring_table import Watch

Render = Callable[..., str]
# Where monitorings are recorded whose request names no model that can exist.
_NO_MODEL = "no model"
# What the record and the mail hold; the page and the report have all.
_MOST_ALARMS = 20


@dataclass(frozen=True)
class Closed:
    """What the workflow goes on with, and the metrics to send for the model."""

    output: dict[str, Any]
    metrics: Mapping[str, float] = field(default_factory=dict)
    failed: bool = False


def close_monitoring(
    stage: Stage, render: Render, event: Mapping[str, Any], now: datetime
) -> Closed:
    """Take {monitoring, model, outcome}, {monitoring, model, error, cause} or a status event."""
    if "detail" in event or "error" in event:
        return _failed(stage, event, now)
    return _ended(stage, render, event, now)


def _ended(stage: Stage, render: Render, event: Mapping[str, Any], now: datetime) -> Closed:
    """Every part may be done twice: a repeat writes the same, and finds its event put."""
    store, model, monitoring = stage.store, event["model"], event["monitoring"]

    def key(name: str) -> str:
        return store.monitoring_key(model, monitoring, name)

    plan = store.read_json(key("plan.json"))
    report = _report(stage, plan, event["outcome"])
    closed_at = timestamp(now)
    words = summary(report, plan["settings"])
    if event["outcome"] == NO_DATA:
        store.write_json(key("report.json"), report)
    store.write_page(key("page.html"), render(plan, report, closed_at=closed_at))
    store.write_line(
        store.watch_metrics_key(model, monitoring), history_line(plan, report, closed_at)
    )
    alarming = alarms_of(report)
    alarms = [check_words(each, report) for each in alarming]
    state, page = state_of(report), store.uri(key("page.html"))
    record = {"state": state, "summary": words, "alarms": alarms[:_MOST_ALARMS], "page_uri": page}
    stage.monitorings.write(
        model,
        monitoring,
        {**record, "alarm_count": len(alarms), "status": "SUCCEEDED", "closed_at": closed_at},
    )
    checks = {str(each.get("check")) for each in alarming}
    before = _tell(stage, plan, record, checks, now)
    _settle(stage, model, monitoring, now, good=True)
    output = {"monitoring": monitoring, "model": model, "release": plan["release"]["number"]}
    # An earlier window that is watched again is no news for the model's metrics and alarm.
    late = before is not None and plan["window"]["to"] < before.until
    return Closed({**output, **record}, {} if late else metrics_of(report))


def _report(stage: Stage, plan: Mapping[str, Any], outcome: str) -> dict[str, Any]:
    """What the job wrote; without rows there was no job."""
    store = stage.store
    if outcome != NO_DATA:
        key = store.monitoring_key(plan["model"], plan["monitoring"], "report.json")
        written = store.read_json(key)
        if not isinstance(written, dict):
            raise ObjectMissingError(f"{store.uri(key)} is not a report")
        return written
    return {
        "format": 1,
        "monitoring": plan["monitoring"],
        "model": plan["model"],
        "release": plan["release"]["number"],
        "window": plan["window"],
        "state": "no data",
        "rows": {"captured": 0, "batch": 0, "invalid": 0, "labelled": 0},
        "capture_share": plan["settings"]["capture_share"],
        "checks": [],
        "features": [],
        "predictions": None,
        "quality": None,
        "labels": None,
        "compacted": {"days": 0, "files": 0},
        "seconds": 0,
    }


def _tell(
    stage: Stage,
    plan: Mapping[str, Any],
    record: Mapping[str, Any],
    checks: Collection[str],
    now: datetime,
) -> Watch | None:
    """Report once when the model's state turns, not at every monitoring; what was known before.

    Another monitoring of the model may end at the same moment: then it is judged again by that.
    """
    model, monitoring = plan["model"], plan["monitoring"]
    release, until = plan["release"]["number"], plan["window"]["to"]
    while True:
        before = stage.monitorings.watch(model)
        known = next_watch(record["state"], monitoring, release, until, before, checks)
        _report_turns(stage, plan, turns(before, known), record, now)
        if known is None or stage.monitorings.write_watch(model, known, before):
            return before


def _report_turns(
    stage: Stage,
    plan: Mapping[str, Any],
    turned: Iterable[Turn],
    record: Mapping[str, Any],
    now: datetime,
) -> None:
    model, monitoring = plan["model"], plan["monitoring"]
    told = stage.monitorings.monitoring(model, monitoring)
    if not turned or "noticed_at" in told:
        return
    for event in turned:
        stage.events.put(
            Fact(
                event=event,
                key=monitoring,
                stack=stage.name,
                stage=stage.short_name,
                at=timestamp(now),
                summary=record["summary"],
                model=model,
                reason=plan.get("reason"),
                monitoring=monitoring,
                release=plan["release"]["number"],
                review_uri=record["page_uri"],
            )
        )
    stage.monitorings.write(model, monitoring, {"noticed_at": timestamp(now)})


def _settle(stage: Stage, model: str, monitoring: str, now: datetime, good: bool) -> None:
    item = monitoring_item(monitoring)
    settle(stage, "monitor", model, item, monitoring, now, good)


def _failed(stage: Stage, event: Mapping[str, Any], now: datetime) -> Closed:
    """Record the failure and report it, once for each time the execution failed."""
    named = event if "detail" in event else {**event, "run": event["monitoring"]}
    failed = occurrence(named)
    failure = explain(failed.error, failed.cause, "monitoring")
    model, monitoring = failed.model or _NO_MODEL, failed.run
    known = stage.monitorings.monitoring(model, monitoring)
    first = int(known.get("failures_told", 0)) <= failed.redrives
    if first and known.get("status") != "SUCCEEDED":
        stage.monitorings.write(
            model,
            monitoring,
            {
                "status": "FAILED",
                "closed_at": timestamp(now),
                "opened_at": known.get("opened_at", timestamp(now)),
                "summary": failure.message,
                "error": failure.error,
            },
        )
        stage.events.put(_failure(stage, failed, failure, known.get("reason"), now))
        stage.monitorings.write(model, monitoring, {"failures_told": failed.redrives + 1})
    if failed.model:
        _settle(stage, model, monitoring, now, good=False)
    output = {
        "monitoring": monitoring,
        "model": failed.model,
        "error": failure.error,
        "message": failure.message,
    }
    return Closed(output, failed=first and not failed.stopped)


def _failure(
    stage: Stage, failed: Occurrence, failure: Failure, reason: str | None, now: datetime
) -> Fact:
    return Fact(
        event=_event(failed, failure),
        key=f"{failed.run}/{failed.redrives}",
        stack=stage.name,
        stage=stage.short_name,
        at=timestamp(now),
        summary=failure.message,
        model=failed.model,
        reason=reason,
        monitoring=failed.run,
        error=failure.error,
    )


def _event(failed: Occurrence, failure: Failure) -> Event:
    """Nothing has run where SageMaker gave no machine: no fault of the model or its data."""
    if failure.unstarted:
        return "job could not start"
    return "monitoring stopped" if failed.stopped else "monitoring failed"
