"""Open Monitoring: pin the live release, list what it answered, plan the comparison."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.monitoring.contents import LABEL_DAYS, Contents, contents_of
from core.monitoring.request import MonitorRequest, Window, parse_monitor_request, window_of
from core.monitoring.settings import settings_of
from core.monitoring.words import NO_DATA
from core.names import check_run_name, job_prefix
from core.releases.live_release import LiveRelease, live_release
from core.runs.current_definition import stored_definition
from core.runs.rungs import Wish, rung_of
from core.words.catalogue import say
from core.words.formats import counted, timestamp

if TYPE_CHECKING:
    from core.definition.schema import ModelDefinition
    from core.stage.gateways import Stage

STEP = "monitor"
TO_WATCH = "to watch"


def open_monitoring(
    stage: Stage,
    name: object,
    request: object,
    now: datetime,
    has_ended: Callable[[str], bool],
) -> dict[str, Any]:
    """Return everything the rest of the monitoring needs; twice for one of them, the same twice."""
    monitoring = check_run_name(name, "monitor", "kanmon monitor")
    asked = parse_monitor_request(request)
    model = asked.model
    known = stage.monitorings.monitoring(model, monitoring)
    if "answer" in known and known.get("status") != "FAILED":
        return dict(json.loads(known["answer"]))
    definition = stored_definition(stage, model).content
    window = window_of(asked, definition.monitor.window_days, now)
    live = live_release(stage, model)
    contents = contents_of(stage, model, live.number, window, definition.monitor.rows)
    plan = _plan(stage, monitoring, asked, definition, live, window, contents, now)
    stage.store.write_json(stage.store.monitoring_key(model, monitoring, "plan.json"), plan)
    answer = _answer(stage, monitoring, asked, definition, live, contents)
    opened = stage.monitorings.open(
        model,
        monitoring,
        known.get("status"),
        {
            "reason": asked.reason,
            "opened_at": timestamp(now),
            # Of a failure after which it was redriven.
            "error": None,
            "closed_at": None,
            "release": live.number,
            "run": live.run,
            "window_from": plan["window"]["from"],
            "window_to": plan["window"]["to"],
            "summary": answer["summary"],
            "answer": json.dumps(answer),
        },
    )
    if not opened:  # it was stopped meanwhile, or a call that was repeated was faster
        known = stage.monitorings.monitoring(model, monitoring)
        return dict(json.loads(known["answer"])) if "answer" in known else answer
    if has_ended(monitoring):
        # It was stopped, and reported as failed, before this call read its record: nothing else
        # would ever end it. Nobody reads the answer.
        why = {name: known.get(name) for name in ("summary", "error", "closed_at")}
        stage.monitorings.write(model, monitoring, {**why, "status": "FAILED"})
    return answer


def _plan(
    stage: Stage,
    monitoring: str,
    asked: MonitorRequest,
    definition: ModelDefinition,
    live: LiveRelease,
    window: Window,
    contents: Contents,
    now: datetime,
) -> dict[str, Any]:
    """The content of plan.json, which the job and the page are made from."""
    store, model = stage.store, asked.model
    run = store.read_json(store.run_key(model, live.run, "run.json"))
    evaluation = store.read_json_if_there(
        store.run_key(model, live.run, "evaluate/evaluation.json")
    )
    released: Mapping[str, Any] = run["definition"]["content"]
    return {
        "format": 1,
        "monitoring": monitoring,
        "run": monitoring,
        "model": model,
        "reason": asked.reason,
        "asked_at": timestamp(now),
        "bucket": store.bucket,
        "stack": stage.name,
        "window": window.document(),
        "release": {
            "number": live.number,
            "run": live.run,
            "artifact_uri": live.artifact_uri,
            "artifact_version": live.artifact_version,
            "artifact_sha256": live.artifact_sha256,
            "definition_sha256": live.definition_sha256,
            "promoted_at": live.promoted_at,
        },
        "definition": {"content": released},
        "settings": {
            **settings_of(definition, released, evaluation or {}),
            "label_days": LABEL_DAYS,
        },
        "memory_mb": definition.resources.monitor.memory_mb,
        "resources": definition.resources.monitor.model_dump(
            include={"instance_type", "volume_gb"}
        ),
        "capture": contents.capture,
        "batches": contents.batches,
        "labels": contents.labels,
        "prefix": store.monitoring_key(model, monitoring),
    }


def _answer(
    stage: Stage,
    monitoring: str,
    asked: MonitorRequest,
    definition: ModelDefinition,
    live: LiveRelease,
    contents: Contents,
) -> dict[str, Any]:
    store, model = stage.store, asked.model
    answer: dict[str, Any] = {
        "outcome": TO_WATCH if contents.rows_in_window else NO_DATA,
        "monitoring": monitoring,
        "model": model,
        "release": live.number,
        "prefix": store.uri(store.monitoring_key(model, monitoring)),
        "run_prefix": store.uri(store.run_key(model, live.run)),
        "job_prefix": job_prefix(stage.name, monitoring),
        "summary": _summary(live, contents),
    }
    if not contents.rows_in_window:
        return answer
    settings = definition.resources.monitor.model_dump(mode="json")
    image = stage.images((STEP,))[STEP].uri
    wish = Wish.of(definition, STEP)
    return {
        **answer,
        "image": image,
        "rung": rung_of(STEP, wish, contents.text_mb, image, stage.step_functions).ran,
        "attempts": store.uri(store.attempts_key(model, monitoring)),
        "resources": {**settings, "timeout_seconds": settings["timeout_minutes"] * 60},
    }


def _summary(live: LiveRelease, contents: Contents) -> str:
    if not contents.rows_in_window:
        return say("monitoring.opened.nothing", release=live.number)
    return say(
        "monitoring.opened.opened",
        release=live.number,
        files=counted(len(contents.capture), "file"),
        batches=counted(len(contents.batches), "batch"),
    )
