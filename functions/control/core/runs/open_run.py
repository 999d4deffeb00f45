"""Open Run: take the model's lock, snapshot the data, and see whether anything in it is new."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.cost.estimate import estimates
from core.definition.compute import SPOT
from core.definition.parse import apply_parameters
from core.definition.schema import ModelDefinition
from core.names import check_run_name, job_prefix, package_group
from core.runs.current_definition import StoredDefinition, stored_definition
from core.runs.fingerprint import fingerprint
from core.runs.gather import to_gather
from core.runs.instances import listed
from core.runs.lock import Asked, take_lock
from core.runs.reference import find_reference
from core.runs.request import RunRequest, parse_request
from core.runs.resources import resources_of
from core.runs.rungs import Wish, rung_of
from core.runs.seen import seen_of
from core.runs.snapshot import Snapshot, take_snapshot
from core.runs.train_step import base_uri, step_images
from core.stage.images import RUN_STEPS, StepImage
from core.stage.registry import FINGERPRINT, RUN, Group, champion_of, first_with
from core.stage.release_records import Status
from core.stage.run_table import CLOSED
from core.words.catalogue import say
from core.words.formats import counted, size, timestamp
from core.words.lists import clauses
from core.words.reasons import reason_words

if TYPE_CHECKING:
    from core.stage.bucket import Store
    from core.stage.gateways import Stage

# A job's state allows this much above the job's own limit, for finding a machine, after waiting up
# to as long again for the account's quota.
SECONDS_TO_FIND_A_MACHINE = 15 * 60
SECONDS_TO_GET_QUOTA = 15 * 60
# So many jobs of a run are run again where the platform lost them, after a pause.
LOST_JOBS = 2
SECONDS_BEFORE_ANOTHER_TRY = 3 * 60
SECONDS_TO_CLOSE = 15 * 60
# A step that is a function first: its state's limit, and the pauses before it is called again.
SECONDS_AS_A_FUNCTION = 930 + 75
# As long as its state may try, after a query that may wait as long for its turn.
SECONDS_TO_READ_A_RESULT = 60 * 60
# The metric that counts a run, by its outcome; while its data is gathered it has none.
COUNTED = {"new": "RunsOpened", "nothing new": "RunsSkipped", "queued": "RunsQueued"}
# What a definition says about the model in service and about planning is no part of a run's model.
NOT_OF_A_RUN: Any = {
    **{"batch": True, "monitor": True, "resources": {"score", "monitor"}},
    "compute": {"score", "monitor"},
    **{"retrain": True, "quiet_hours": True, "budget": True},
}


def open_run(
    stage: Stage,
    name: object,
    request: object,
    now: datetime,
    has_ended: Callable[[str], bool],
) -> dict[str, Any]:
    """Return everything the rest of the run needs; twice for one run, the same twice."""
    run = check_run_name(name)
    asked_for = parse_request(request)
    known = stage.runs.run(asked_for.model, run)
    # A run that failed or was stopped released its lock; redriven, it must ask for it anew.
    if "answer" in known and known["status"] != "FAILED":
        return dict(json.loads(known["answer"]))
    definition = requested_definition(stage, asked_for)
    asked = take_lock(
        stage.runs,
        asked_for.model,
        run,
        int(now.timestamp()),
        seconds_needed(definition.content),
        asked_for.document(),
        has_ended,
    )
    record: dict[str, Any] = {
        **asked_for.model_dump(include={"reason", "note", "by"}),
        "instances": listed(asked_for.instances) or None,
        "opened_at": timestamp(now),
        "definition": definition.sha256,
    }
    if asked.outcome == "queued":
        answer = _queued(run, asked_for, asked)
        record |= {"status": "QUEUED", "behind": asked.behind or ""}
    else:
        stage.runs.write_run(asked_for.model, run, {**record, "status": "RUNNING"})
        behind = asked.behind if asked.outcome == "taken over" else None
        if definition.content.gather is not None:
            answer = to_gather(stage, run, asked_for, definition, behind)
        else:
            store, location = stage.store, definition.content.data.location
            objects = store.current_objects(location)
            snapshot = take_snapshot(asked_for.model, store.bucket, location, objects)
            answer = prepared(stage, run, asked_for, definition, snapshot, behind, now)
            record |= {"fingerprint": answer["fingerprint"], "snapshot": answer["snapshot"]}
    stage.runs.write_run(
        asked_for.model,
        run,
        {**record, "summary": answer["summary"], "answer": json.dumps(answer)},
    )
    return answer


def seconds_needed(definition: ModelDefinition) -> int:
    """After this long the lock may be taken over: no run of the model can still be alive."""
    resources = definition.resources
    gather = definition.gather
    minutes = [
        step.timeout_minutes for step in (resources.preprocess, resources.train, resources.evaluate)
    ]
    if gather is not None and not gather.is_query:
        minutes.append(gather.timeout_minutes)
    jobs = [*minutes, *[max(minutes)] * LOST_JOBS]
    waiting = len(jobs) * (SECONDS_TO_FIND_A_MACHINE + SECONDS_TO_GET_QUOTA)
    pauses = LOST_JOBS * SECONDS_BEFORE_ANOTHER_TRY
    functions = sum(definition.compute.may_be_function(step) for step in RUN_STEPS)
    train = resources.train
    # Before the job that it falls back on.
    spot = 0
    if definition.compute.rung("train") == SPOT:
        spot = train.timeout_minutes * 60 + train.spot_wait_seconds + SECONDS_TO_FIND_A_MACHINE
    gathering = 0
    if gather is not None:
        query = gather.timeout_minutes * 60 if gather.is_query else 0
        gathering = query + SECONDS_TO_READ_A_RESULT
    working = sum(jobs) * 60 + functions * SECONDS_AS_A_FUNCTION
    return gathering + spot + working + waiting + pauses + SECONDS_TO_CLOSE


def requested_definition(stage: Stage, request: RunRequest) -> StoredDefinition:
    """With the request's parameters in it."""
    stored = stored_definition(stage, request.model, request.definition)
    return replace(stored, content=apply_parameters(stored.content, request.parameters))


def prepared(
    stage: Stage,
    run: str,
    request: RunRequest,
    definition: StoredDefinition,
    snapshot: Snapshot,
    behind: str | None,
    now: datetime,
    gathered: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The answer for a run that holds the lock and knows its data.

    `behind`: whose lock it took over. `gathered`: the lineage of data that a query made.
    """
    store, model = stage.store, request.model
    images = step_images(stage, definition.content)
    base = base_uri(stage, definition.content)
    identity = fingerprint(
        snapshot.id,
        definition.sha256,
        {step: image.content for step, image in images.items()},
        request.parameters,
    )
    group = stage.registry.group(package_group(stage.name, model))
    equals = None if request.force else _equal_run(stage, model, identity, group)
    candidate = _without_release(stage, model, group, equals) if equals else None
    champion, reference = _rivals(stage, model) if equals is None else (None, None)
    answer = {
        "outcome": "nothing new" if equals else "new",
        "run": run,
        "model": model,
        "equals": equals,
        "behind": None,
        "summary": _summary(request, snapshot, equals, behind, reopened=candidate is not None),
        "candidate": candidate,
        **_places(store, model, run, snapshot, definition),
        **({"base_uri": base} if base else {}),
        "fingerprint": identity,
        "images": {step: image.uri for step, image in images.items()},
        "job_prefix": job_prefix(stage.name, run),
        "resources": resources_of(definition.content, request.instances),
        **_rungs(stage, request, definition.content, snapshot, images),
        "attempts": store.uri(store.attempts_key(model, run)),
        "champion": champion,
        "reference": reference,
        "package_group": group.name,
        "package_group_exists": group.exists,
    }
    if equals is None:
        plan = _plan(stage, answer, request, definition, snapshot, now)
        _write(store, answer, snapshot, plan | ({"gather": dict(gathered)} if gathered else {}))
    return answer


def _write(
    store: Store, answer: Mapping[str, Any], snapshot: Snapshot, plan: dict[str, Any]
) -> None:
    model, run = answer["model"], answer["run"]
    store.write_json(store.snapshot_key(model, snapshot.id), snapshot.document())
    store.write_json(store.run_key(model, run, "run.json"), plan)


def _rungs(
    stage: Stage,
    request: RunRequest,
    definition: ModelDefinition,
    snapshot: Snapshot,
    images: Mapping[str, StepImage],
) -> dict[str, dict[str, Any]]:
    """Where each step computes, as far as that is known before it does, and why there."""
    before, mb = stage.runs.steps(request.model), snapshot.text_mb
    functions = stage.step_functions
    wishes = {
        step: Wish.of(definition, step, machine=step in request.instances) for step in RUN_STEPS
    }
    seen = {step: seen_of(before.get(step)) for step in RUN_STEPS}
    rungs = {
        step: rung_of(step, wish, mb, images[step].uri, functions, seen[step])
        for step, wish in wishes.items()
    }
    return {
        "outgrew_mb": {step: one.outgrew_mb for step, one in seen.items() if one},
        "rungs": {step: rung.ran for step, rung in rungs.items()},
        "rungs_why": {step: rung.why for step, rung in rungs.items()},
    }


def _places(
    store: Store, model: str, run: str, snapshot: Snapshot, definition: StoredDefinition
) -> dict[str, str]:
    """Where the run reads from and writes to."""
    return {
        "bucket": store.bucket,
        "prefix": store.uri(store.run_key(model, run)),
        "snapshot": snapshot.id,
        "snapshot_uri": store.uri(store.snapshot_key(model, snapshot.id)),
        "definition_uri": store.uri(store.definition_key(model, definition.sha256)),
    }


def _equal_run(stage: Stage, model: str, identity: str, group: Group) -> str | None:
    """The earlier run with this fingerprint, which would give the same model again.

    The registry knows one that registered its candidate and was killed before it was recorded.
    """
    recorded = stage.runs.run_with_fingerprint(model, identity)
    if recorded is not None:
        return recorded
    package = first_with(stage.registry.recent(group), FINGERPRINT, identity)
    return package.metadata.get(RUN) if package is not None else None


def _without_release(stage: Stage, model: str, group: Group, equals: str) -> dict[str, str] | None:
    """The candidate of an equal run that died between registering it and opening its release.

    This run opens it: nothing else ever would, because all later runs are skipped.
    """
    record = stage.runs.run(model, equals)
    if record.get("status") in CLOSED or _has_release(stage, model, equals):
        return None
    package = first_with(stage.registry.recent(group), RUN, equals)
    if package is None or package.metadata.get("verdict") not in ("promote", "hold"):
        return None
    return {"run": equals, "package_arn": package.arn, "verdict": package.metadata["verdict"]}


def _has_release(stage: Stage, model: str, run: str) -> bool:
    """Has the run a release that is in the pipeline, or was?"""
    number = stage.releases.release_of_run(model, run)
    release = stage.releases.release(model, number) if number is not None else None
    return release is not None and not (
        release.status == Status.WAITING and release.execution is None
    )


def _rivals(stage: Stage, model: str) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """What the release pipeline promoted last, and the reference if it is another release.

    No champion is a named case, not a failure.
    """
    promoted = stage.releases.champion(model)
    if promoted is None:
        return None, None
    champion = champion_of(promoted, stage.registry.find(promoted.package_arn))
    return champion, find_reference(stage.releases.releases(model), promoted, stage.registry)


def _plan(
    stage: Stage,
    answer: dict[str, Any],
    request: RunRequest,
    definition: StoredDefinition,
    snapshot: Snapshot,
    now: datetime,
) -> dict[str, Any]:
    """The content of run.json, which the steps and the verdict are made from."""
    return {
        "format": 1,
        "run": answer["run"],
        "model": request.model,
        "reason": request.reason,
        "estimate_usd": estimates(stage.costs.item(request.model))["retrain"],
        "commit": request.commit,
        "note": request.note,
        "by": request.by,
        "opened_at": timestamp(now),
        "fingerprint": answer["fingerprint"],
        "bucket": stage.store.bucket,
        "stack": stage.name,
        "snapshot": {
            "id": snapshot.id,
            "uri": answer["snapshot_uri"],
            "objects": len(snapshot.objects),
            "bytes": snapshot.bytes,
            "text_mb": snapshot.text_mb,
        },
        "definition": {
            "sha256": definition.sha256,
            "uri": answer["definition_uri"],
            "content": definition.content.model_dump(mode="json", exclude=NOT_OF_A_RUN),
        },
        "parameters": dict(request.parameters),
        "instances": dict(request.instances),
        "outgrew_mb": answer["outgrew_mb"],
        "images": answer["images"],
        "champion": answer["champion"],
        "reference": answer["reference"],
    }


def _queued(run: str, request: RunRequest, asked: Asked) -> dict[str, Any]:
    how = "instead" if asked.replaced else "behind"
    summary = say(f"run.queued.{how}", behind=asked.behind, model=request.model)
    return {
        "outcome": "queued",
        "run": run,
        "model": request.model,
        "equals": None,
        "behind": asked.behind,
        "summary": summary,
        "fingerprint": None,
    }


def _summary(
    request: RunRequest,
    snapshot: Snapshot,
    equals: str | None,
    behind: str | None,
    *,
    reopened: bool,
) -> str:
    if equals:
        summary = say("run.opened.nothing_new", run=equals)
    else:
        summary = say(
            "run.opened.new",
            files=counted(len(snapshot.objects), "file"),
            size=size(snapshot.bytes),
            reason=reason_words(request.reason),
        )
    if behind is not None:
        summary = say("run.opened.taken_over", summary=summary, behind=behind)
    return clauses([summary, say("run.opened.without_release")]) if reopened else summary
