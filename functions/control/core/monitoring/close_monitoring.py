"""Close Monitoring: the page, the record, the fact of a turn; or the failure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.cost.settle import settle, stage_prices
from core.monitoring.metrics import history_line, metrics_of
from core.monitoring.turning import next_watch, turns
from core.monitoring.words import (
    NO_DATA,
    alarms_of,
    check_words,
    state_of,
    summary,
    turn_summary,
)
from core.report.fact import Fact
from core.runs.failure import explain, occurrence
from core.runs.failure_fact import failure_fact
from core.stage.bucket import ObjectMissingError
from core.stage.monitoring_table import monitoring_item
from core.usage.places import LAMBDA
from core.usage.sizing import sizing
from core.usage.sizing_words import machine_words
from core.usage.step_usage import read_usage
from core.words.formats import timestamp

if TYPE_CHECKING:
    from core.stage.bucket import Store
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
    """Take {monitoring, model, outcome, at}, {monitoring, model, error, cause} or a status event.

    `at` is where the attempt that answered left its report.
    """
    if "detail" in event or "error" in event:
        return _failed(stage, event, now)
    return _ended(stage, render, event, now)


def _ended(stage: Stage, render: Render, event: Mapping[str, Any], now: datetime) -> Closed:
    """Every part may be done twice: a repeat writes the same, and finds its event put."""
    store, model, monitoring = stage.store, event["model"], event["monitoring"]

    def key(name: str) -> str:
        return store.monitoring_key(model, monitoring, name)

    plan = store.read_json(key("plan.json"))
    _adopt_report(store, event.get("at"), key("report.json"))
    report = _report(stage, plan, event["outcome"])
    closed_at = timestamp(now)
    words = summary(report, plan["settings"])
    if event["outcome"] == NO_DATA:
        store.write_json(key("report.json"), report)
    sized = _sizing(stage, plan, event)
    store.write_page(key("page.html"), render(plan, report, closed_at=closed_at, sizing=sized))
    alarming = alarms_of(report)
    alarms = [check_words(each, report) for each in alarming]
    state, page = state_of(report), store.uri(key("page.html"))
    record = {"state": state, "summary": words, "alarms": alarms[:_MOST_ALARMS], "page_uri": page}
    stage.monitorings.write(
        model,
        monitoring,
        {
            **record,
            "alarm_count": len(alarms),
            "machine": machine_words(sized) if "outcome" in sized else None,
            "status": "SUCCEEDED",
            "closed_at": closed_at,
        },
    )
    checks = {str(each.get("check")) for each in alarming}
    before = _turn(stage, plan, state, checks)
    cost = _settle(stage, model, monitoring, now, good=True)
    line = history_line(plan, report, sized, closed_at, cost)
    store.write_line(store.watch_metrics_key(model, monitoring), line)
    _report_turns(stage, plan, report, now)
    output = {"monitoring": monitoring, "model": model, "release": plan["release"]["number"]}
    # An earlier window that is watched again is no news for the model's metrics and alarm.
    late = before is not None and plan["window"]["to"] < before.until
    return Closed({**output, **record}, {} if late else metrics_of(report))


def _adopt_report(store: Store, at: object, key: str) -> None:
    """Copy what a function left in its attempt's folder; a job writes to the right place itself."""
    if isinstance(at, str) and store.key_of(f"{at}/report.json") != key:
        store.copy(store.key_of(f"{at}/report.json"), key)


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
        "state": NO_DATA,
        "rows": {"captured": 0, "batch": 0, "invalid": 0, "labelled": 0},
        "capture_share": plan["settings"]["capture_share"],
        "checks": [],
        "features": [],
        "predictions": None,
        "quality": None,
        "labels": None,
        "compacted": {"days": 0, "files": 0},
    }


def _sizing(stage: Stage, plan: Mapping[str, Any], event: Mapping[str, Any]) -> dict[str, Any]:
    """What the step used, from beside the report that it left; without rows it did not run."""
    if event["outcome"] == NO_DATA:
        return {"seconds": 0.0}
    store, at = stage.store, event.get("at")
    if isinstance(at, str):
        folder = store.key_of(at)
        place = {"rung": LAMBDA, "memory_mb": stage.step_functions.memory_mb}
    else:
        folder = store.monitoring_key(plan["model"], plan["monitoring"])
        place = {"rung": "processing", **plan.get("resources", {})}
    return asdict(sizing(read_usage(store, folder, hosts=1), place, stage_prices(store)))


def _turn(
    stage: Stage,
    plan: Mapping[str, Any],
    state: str,
    checks: Collection[str],
) -> Watch | None:
    """Change what is known of the model by this monitoring, once; what was known before.

    The write that changes it names the turn in the monitoring's record. So of monitorings that end
    at once a single one turns the state, and reports it however often its function is called.
    """
    model, monitoring = plan["model"], plan["monitoring"]
    release, until = plan["release"]["number"], plan["window"]["to"]
    while True:
        before = stage.monitorings.watch(model)
        known = next_watch(state, monitoring, release, until, before, checks)
        counted = "turned" in stage.monitorings.monitoring(model, monitoring)
        if known is None or counted:
            return before
        if stage.monitorings.turn_watch(model, known, before, turns(before, known)):
            return before


def _report_turns(
    stage: Stage, plan: Mapping[str, Any], report: Mapping[str, Any], now: datetime
) -> None:
    """Report once the turns that the monitoring's record names, if it names any."""
    model, monitoring = plan["model"], plan["monitoring"]
    record = stage.monitorings.monitoring(model, monitoring)
    turned = record.get("turned", ())
    if not turned or "noticed_at" in record:
        return
    for event in turned:
        stage.events.put(
            Fact(
                event=event,
                key=monitoring,
                stack=stage.name,
                stage=stage.short_name,
                at=timestamp(now),
                summary=turn_summary(event, report, plan["settings"]),
                model=model,
                reason=plan.get("reason"),
                monitoring=monitoring,
                release=plan["release"]["number"],
                review_uri=record["page_uri"],
            )
        )
    stage.monitorings.write(model, monitoring, {"noticed_at": timestamp(now)})


def _settle(stage: Stage, model: str, monitoring: str, now: datetime, good: bool) -> float | None:
    item = monitoring_item(monitoring)
    return settle(stage, "monitor", model, item, monitoring, now, good)


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
        reason = known.get("reason")
        stage.events.put(
            failure_fact(stage, "monitoring", monitoring, failed, failure, reason, now)
        )
        stage.monitorings.write(model, monitoring, {"failures_told": failed.redrives + 1})
    if known.get("status") == "SUCCEEDED" and "turned" in known:
        # It ended well, and its function died for good before it could report that.
        plan, report = (
            stage.store.read_json(stage.store.monitoring_key(model, monitoring, name))
            for name in ("plan.json", "report.json")
        )
        _report_turns(stage, plan, report, now)
    if failed.model:
        _settle(stage, model, monitoring, now, good=False)
    output = {
        "monitoring": monitoring,
        "model": failed.model,
        "error": failure.error,
        "message": failure.message,
    }
    return Closed(output, failed=first and not failed.stopped)
