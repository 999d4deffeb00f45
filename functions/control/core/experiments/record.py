"""Record Experiment: an event of a run, a release or a monitoring, written to MLflow."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.experiments.entry import Recorded, entry_of
from core.experiments.tracking_server import UnreachableError
from core.reading import Document, mapping
from core.report.fact import Fact, read

if TYPE_CHECKING:
    from core.experiments.entry import Entry
    from core.experiments.tracking_server import TrackingServer
    from core.stage.gateways import Stage

_OF_WORKFLOWS = "aws.states"


def record(
    stage: Stage, server: TrackingServer, event: Mapping[str, Any], now: datetime
) -> str | None:
    """Write the event's run to MLflow; the run's name, or None where there is nothing to write.

    Done again it writes the same: what is written is what the stage holds of the run by now.
    """
    entry, model = _entry(stage, event)
    if entry is None:
        return None
    with stage.experiments.writing(model, entry.run, stage.mlflow_tracking, now) as place:
        ids = server.write(entry, place.id)
        if ids is not None:
            place.experiment, place.id = ids
    return entry.run


def record_waiting(
    stage: Stage, server: TrackingServer, has_time: Callable[[], bool], now: datetime
) -> tuple[int, str | None]:
    """Record what waits, until nothing does, time is short or the server does not answer.

    How many were recorded, and what ended it before the queue was empty. One that fails stays in
    the queue; a server that is down is asked once.
    """
    done, problem = 0, None
    while has_time():
        waiting = stage.waiting_records.next()
        if waiting is None:
            break
        try:
            record(stage, server, waiting.event, now)
        except UnreachableError as error:
            return done, str(error)
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
            continue
        stage.waiting_records.remove(waiting)
        done += 1
    return done, problem


def _entry(stage: Stage, event: Mapping[str, Any]) -> tuple[Entry | None, str]:
    if event.get("waiting"):  # a call of the schedule that failed: the next one does its work
        return None, ""
    if event.get("source") == _OF_WORKFLOWS:
        return _of_monitoring(stage, mapping(event.get("detail")))
    fact = read(event.get("detail"))
    if fact.model is None:
        return None, ""
    known = _recorded(stage, fact.model, _run_of(stage, fact), fact.release)
    return (entry_of(known, fact) if known else None), fact.model


def _of_monitoring(stage: Stage, detail: Document) -> tuple[Entry | None, str]:
    """The monitoring's line has the release's run; one of a model that was removed has none."""
    model = str(mapping(json.loads(str(detail.get("input") or "{}"))).get("model") or "")
    monitoring = str(detail.get("name"))
    if not model or not stage.monitorings.monitoring(model, monitoring):
        return None, model
    line = mapping(stage.store.read_json(stage.store.watch_metrics_key(model, monitoring)))
    known = _recorded(stage, model, line.get("run"), line.get("release"))
    return (entry_of(known, watched=line) if known else None), model


def _run_of(stage: Stage, fact: Fact) -> str | None:
    if fact.run is None and fact.release is not None and fact.model is not None:
        release = stage.releases.release(fact.model, fact.release)
        return release.run if release else None
    return fact.run


def _recorded(stage: Stage, model: str, run: object, number: object) -> Recorded | None:
    """What the stage holds of the run; None for one that was never opened, or was removed."""
    if not isinstance(run, str) or not run:
        return None
    item = stage.runs.run(model, run)
    if not item:
        return None
    store = stage.store
    # Of a run that failed before it knew its data or was judged, these are not there.
    plan = store.read_json(store.run_key(model, run, "run.json")) if "fingerprint" in item else {}
    line = store.read_json(store.metrics_key(model, run)) if "verdict" in item else {}
    number = number if number is not None else item.get("release")
    release = stage.releases.release(model, int(str(number))) if number is not None else None
    return Recorded(
        stack=stage.name,
        stage=stage.short_name,
        model=model,
        run=run,
        item=item,
        plan=mapping(plan),
        line=mapping(line),
        release=release.document() if release else {},
    )
