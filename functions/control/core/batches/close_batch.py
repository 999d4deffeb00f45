"""Close Batch: prove that the batch is whole, write its manifest, record it, report it once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.batches.manifest import Work, manifest_document
from core.batches.proof import prove
from core.batches.results import read_results
from core.cost import host_time
from core.cost.settle import settle, stage_prices
from core.reading import finite
from core.report.fact import Fact
from core.stage.batch_table import SUCCEEDED, batch_item
from core.usage.step_usage import read_usage
from core.words.catalogue import say
from core.words.formats import counted, dollars, timestamp

if TYPE_CHECKING:
    from core.stage.gateways import Stage


class UnprovenBatchError(Exception):
    """What was scored is not all of the batch, each row once; the message says what is wrong."""


def close_batch(stage: Stage, event: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Take {batch, model, lost, began, ended, memory_mb}; return the execution's output.

    `memory_mb` is that of the function that has scored; without it, a job has.

    Every part may be done twice: a repeat finds its manifest, its record and its event done.
    """
    model, batch, store = event["model"], event["batch"], stage.store
    plan = store.read_json(store.batch_key(model, batch, "plan.json"))
    # Before anything can fail: the job has worked, whatever its results are.
    record = _with_job(stage, event, plan["hosts"])
    results = read_results(store, model, batch)
    proof = prove(plan, results)
    if proof.problems:
        raise UnprovenBatchError(_unproven(batch, proof.problems))
    used = read_usage(store, store.batch_key(model, batch, "").rstrip("/"), plan["hosts"])
    work = Work(host_time.known(record), finite(record.get("function_mb")), used)
    manifest = manifest_document(plan, results, proof, now, work, stage_prices(store))
    key = store.batch_key(model, batch, "manifest.json")
    store.write_json(key, manifest)
    summary = _summary(manifest)
    fields = {**_record(manifest), "summary": summary, "error": None}
    stage.batches.write(model, batch, fields)
    execution = str(record.get("execution", batch))
    settle(stage, "score", model, batch_item(batch), execution, now, good=True)
    if "noticed_at" not in record:
        _report(stage, plan, summary, now)
    return {
        "batch": batch,
        "model": model,
        "outcome": "scored",
        "release": plan["release"]["number"],
        "summary": summary,
        "rows": manifest["rows"],
        "manifest_uri": store.uri(key),
    }


def _with_job(stage: Stage, event: Mapping[str, Any], hosts: int) -> dict[str, Any]:
    """The batch's record with the time of this attempt, if it has worked, counted once."""
    model, batch = event["model"], event["batch"]
    record = stage.batches.batch(model, batch)
    job = str(event.get("began"))  # no two jobs of a batch begin at once
    if (
        "began" not in event
        or record.get("status") == SUCCEEDED
        or job == record.get("counted_job")
    ):
        return record
    memory_mb = event.get("memory_mb")
    # Of jobs that the platform lost no times are known; and a sum is of one kind of machine.
    unknown = event.get("lost") or (
        host_time.known(record) and memory_mb != record.get("function_mb")
    )
    worked = None if unknown else host_time.seconds_between(event["began"], event.get("ended"))
    spent = host_time.with_attempt(record, worked, hosts)
    fields = {"host_seconds": spent, "counted_job": job, "function_mb": memory_mb}
    return stage.batches.write(model, batch, fields)


def _record(manifest: Mapping[str, Any]) -> dict[str, Any]:
    rows = manifest["rows"]
    return {
        "status": SUCCEEDED,
        "closed_at": manifest["closed_at"],
        "rows": rows["rows_in"],
        "scored": rows["scored"],
        "rejected": rows["rejected"],
    }


def _unproven(batch: str, problems: list[str]) -> str:
    more = len(problems) - 1
    first = problems[0]
    if more:
        first = say("batch.proof.more", problem=first, count=more)
    return say("batch.proof.failed", batch=batch, problem=first)


def _summary(manifest: Mapping[str, Any]) -> str:
    rows, usd = manifest["rows"], manifest["cost"]["usd"]
    summary = say(
        "batch.closed",
        rows=counted(rows["rows_in"], "row"),
        scored=counted(rows["scored"], "row"),
        rejected=counted(rows["rejected"], "row"),
        release=f"{manifest['model']}/{manifest['release']['number']}",
    )
    return summary if usd is None else say("batch.with_cost", summary=summary, cost=dollars(usd))


def _report(stage: Stage, plan: Mapping[str, Any], summary: str, now: datetime) -> None:
    stage.events.put(
        Fact(
            event="batch done",
            key=plan["batch"],
            stack=stage.name,
            stage=stage.short_name,
            at=timestamp(now),
            summary=summary,
            model=plan["model"],
            reason=plan.get("reason"),
            batch=plan["batch"],
            release=plan["release"]["number"],
        )
    )
    stage.batches.write(plan["model"], plan["batch"], {"noticed_at": timestamp(now)})
