"""Open Batch: pin the release in service, list the exact versions of the files, write the plan.

A batch that is resumed keeps its plan, and with it its release, whatever is in service by then.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from core.batches.plan import plan_document
from core.batches.request import BatchRequest, BatchRequestError, batch_of, parse_request
from core.batches.results import done_shards, shards_of
from core.names import job_prefix
from core.releases.live_release import live_release
from core.runs.current_definition import stored_definition
from core.runs.rungs import Wish, rung_of, text_mb
from core.runs.snapshot import EmptyDatasetError, UnknownFileKindError, data_objects
from core.stage.batch_table import RUNNING, SUCCEEDED
from core.words.catalogue import say
from core.words.formats import counted, size, timestamp
from core.words.reasons import reason_words

if TYPE_CHECKING:
    from core.definition.schema import ModelDefinition
    from core.stage.bucket import DataObject
    from core.stage.gateways import Stage

STEP = "score"
# As many as the functions and the step hold in memory, several times over.
MOST_FILES = 100_000
_READERS = 16


class BatchNotResumableError(Exception):
    """The batch is still scored, or has no plan; the message is one line."""


def open_batch(
    stage: Stage,
    execution: object,
    request: object,
    now: datetime,
    has_ended: Callable[[str], bool],
) -> dict[str, Any]:
    """Return what the rest of the execution needs; twice for one execution, the same twice."""
    asked = parse_request(request)
    batch = batch_of(asked, execution)
    name, model = str(execution), asked.model
    record = stage.batches.batch(model, batch)
    if record.get("execution") == name and "answer" in record:
        return dict(json.loads(record["answer"]))
    if asked.batch is not None:
        plan = _resumed(stage, asked, record, batch, name, has_ended)
        if plan is None:
            summary = say("batch.finished", batch=batch, summary=record.get("summary", ""))
            return {"outcome": "finished", "batch": batch, "model": model, "summary": summary}
    else:
        plan = _opened(stage, asked, batch, name, now)
    if has_ended(name):
        # It was stopped, and reported as failed, before this call took the batch: nothing else
        # would ever end it. Nobody reads the answer.
        stage.batches.fail(model, batch, name, {})
        return {"outcome": "finished", "batch": batch, "model": model, "summary": ""}
    answer = _answer(stage, plan, name)
    written = {
        "answer": json.dumps(answer),
        "summary": answer["summary"],
        "release": answer["release"],
        "files": len(plan["objects"]),
        "bytes": _bytes(plan),
        "hosts": plan["hosts"],
    }
    stage.batches.write(model, batch, written)
    return answer


def _opened(
    stage: Stage, request: BatchRequest, batch: str, execution: str, now: datetime
) -> dict[str, Any]:
    """The plan of a new batch, written."""
    model, store = request.model, stage.store
    began = {"asked_at": timestamp(now), "reason": request.reason, "attempts": 1}
    if not stage.batches.claim(model, batch, None, execution, began):
        raise BatchRequestError(say("batch.name_taken", batch=batch))
    # An earlier call of this execution that died after it wrote the plan asked for the release.
    if written := store.read_json_if_there(store.batch_key(model, batch, "plan.json")):
        return dict(written)
    definition = stored_definition(stage, model).content
    release = live_release(stage, model)
    objects = _objects(stage, request, definition)
    run = store.read_json(store.run_key(model, release.run, "run.json"))
    plan = plan_document(
        {"bucket": store.bucket, "stack": stage.name},
        batch,
        request,
        release,
        run["definition"]["content"],
        definition,
        objects,
        now,
    )
    store.write_json(store.batch_key(model, batch, "plan.json"), plan)
    return plan


def _objects(
    stage: Stage, request: BatchRequest, definition: ModelDefinition
) -> tuple[DataObject, ...]:
    """The files to score, each as it is now."""
    store, fix = stage.store, say("batch.unknown_kind")
    if request.objects is not None:
        # A request can name some thousand files, and this function has five minutes.
        with ThreadPoolExecutor(_READERS) as readers:
            keys = dict.fromkeys(request.objects)
            listed = list(readers.map(lambda key: _object(stage, key), keys))
        objects = data_objects(store.bucket, listed, fix)
        if left_out := sorted({each.key for each in listed} - {each.key for each in objects}):
            raise UnknownFileKindError(say("batch.hidden_file", where=store.uri(left_out[0])))
        return objects
    prefix = request.prefix or definition.batch.source or definition.data.location
    listed = list(islice(store.current_objects(prefix), MOST_FILES + 1))
    if len(listed) > MOST_FILES:
        raise BatchRequestError(
            say("batch.too_many", where=store.uri(prefix), most=f"{MOST_FILES:,}")
        )
    objects = data_objects(store.bucket, listed, fix)
    if not objects:
        raise EmptyDatasetError(
            say("batch.nothing_there", where=store.uri(prefix), model=request.model)
        )
    return objects


def _object(stage: Stage, key: str) -> DataObject:
    # S3 lists in the order of names, so the key itself comes before all that only begin with it.
    found = next(stage.store.current_objects(key), None)
    if found is None or found.key != key:
        raise EmptyDatasetError(say("batch.no_file", where=stage.store.uri(key)))
    return found


def _resumed(
    stage: Stage,
    request: BatchRequest,
    record: dict[str, Any],
    batch: str,
    execution: str,
    has_ended: Callable[[str], bool],
) -> dict[str, Any] | None:
    """The plan of a batch that is resumed now; None where it has all been scored."""
    named = {"batch": batch, "model": request.model}
    if not record:
        raise BatchNotResumableError(say("batch.resume.unknown", **named))
    if record["status"] == SUCCEEDED:
        return None
    seen = str(record["execution"])
    if record["status"] == RUNNING and seen != execution and not has_ended(seen):
        raise BatchNotResumableError(say("batch.resume.running", execution=seen, **named))
    plan = stage.store.read_json_if_there(stage.store.batch_key(request.model, batch, "plan.json"))
    if plan is None:
        raise BatchNotResumableError(say("batch.resume.no_plan", **named))
    # An execution whose call died after its claim is the same attempt when it is called again.
    number = int(record.get("attempts", 1)) + (seen != execution)
    attempts = {"attempts": number, "answer": None, "error": None}
    if not stage.batches.claim(request.model, batch, seen, execution, attempts):
        raise BatchNotResumableError(say("batch.resume.running", execution=seen, **named))
    return dict(plan)


def _answer(stage: Stage, plan: dict[str, Any], execution: str) -> dict[str, Any]:
    """For the state machine."""
    store, model, batch = stage.store, plan["model"], plan["batch"]
    release, image = plan["release"], stage.images((STEP,))[STEP].uri
    shards = shards_of(store, model, batch)
    done = done_shards(store, model, batch) if shards else set()
    left = None if shards is None else {each["shard"] for each in shards} - done
    scored = left is not None and not left
    return {
        "outcome": "scored" if scored else "planned",
        "batch": batch,
        "model": model,
        "execution": execution,
        "release": release["number"],
        "summary": _summary(plan, None if left is None else len(left)),
        "plan_uri": store.uri(store.batch_key(model, batch, "plan.json")),
        "model_uri": release["artifact_uri"],
        "image": image,
        "rung": _rung(stage, plan, execution, image),
        "job_prefix": job_prefix(stage.name, execution),
        "resources": {**plan["resources"], "instance_count": plan["hosts"]},
    }


def _rung(stage: Stage, plan: dict[str, Any], execution: str, image: str) -> str:
    """Where the rows are scored. A batch that is resumed may be one that outgrew Lambda."""
    if execution != plan["batch"] or "compute" not in plan:
        return "processing"
    wish = Wish(plan["compute"], plan["hosts"], plan["memory_mb"])
    mb = text_mb((each["key"], each["size"]) for each in plan["objects"])
    return rung_of(STEP, wish, mb, image, stage.step_functions).ran


def _bytes(plan: dict[str, Any]) -> int:
    return sum(int(each["size"]) for each in plan["objects"])


def _summary(plan: dict[str, Any], left: int | None) -> str:
    summary = say(
        "batch.opened",
        files=counted(len(plan["objects"]), "file"),
        size=size(_bytes(plan)),
        release=f"{plan['model']}/{plan['release']['number']}",
        reason=reason_words(plan["reason"]),
    )
    if left is None:
        return summary
    return say("batch.opened_again", summary=summary, left=counted(left, "shard"))
