"""Take Snapshot: go on with a run whose data was gathered, as Open Run does with other data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.cost.settle import stage_prices
from core.names import check_run_name
from core.runs import gathering_job
from core.runs.gather import lineage, result_of
from core.runs.open_run import prepared, requested_definition
from core.runs.request import parse_request
from core.runs.snapshot import Snapshot, take_snapshot

if TYPE_CHECKING:
    from core.runs.current_definition import StoredDefinition
    from core.stage.bucket import DataObject
    from core.stage.gateways import Stage


def go_on(stage: Stage, event: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Go on with a run whose query or job has ended; twice for one run, the same twice.

    Take {run, request, gathered}, of a query {prefix, query_id, scanned_bytes}, of a job {job,
    said}; return what Open Run returns where nothing is gathered.
    """
    run, request = check_run_name(event["run"]), parse_request(event["request"])
    known = stage.runs.run(request.model, run)
    asked = dict(json.loads(known["answer"]))
    if asked["outcome"] != "gather":
        return asked
    asked_for = request.model_copy(update={"definition": known["definition"]})
    definition = requested_definition(stage, asked_for)
    found = _result_of(stage, request.model, definition, asked["gather"], event["gathered"])
    answer = prepared(
        stage, run, request, definition, found.snapshot, asked["behind"], now, found.lineage
    )
    stage.runs.write_run(
        request.model,
        run,
        {
            **{name: answer[name] for name in ("fingerprint", "snapshot", "summary")},
            "answer": json.dumps(answer),
        },
    )
    # Not before: a repeat reads these files again.
    stage.store.remove(each.key for each in found.needless)
    return answer


@dataclass(frozen=True)
class _Found:
    """The gathered data, what run.json says of how it was made, and files that nothing needs."""

    snapshot: Snapshot
    lineage: Mapping[str, Any]
    needless: tuple[DataObject, ...] = ()


def _result_of(
    stage: Stage,
    model: str,
    definition: StoredDefinition,
    asked: Mapping[str, Any],
    gathered: Mapping[str, Any],
) -> _Found:
    store = stage.store
    if gathering_job.is_of_a_job(asked):
        # All that is there: files that the job did not write are the model's data as well.
        location = definition.content.data.location
        snapshot = take_snapshot(model, store.bucket, location, store.current_objects(location))
        return _Found(snapshot, gathering_job.lineage(asked, gathered, snapshot))
    prefix = gathered["prefix"].removeprefix(store.uri(""))
    result = result_of(store, stage.row_hasher, model, prefix)
    made = lineage(asked, gathered, result.rows, stage_prices(store))
    return _Found(result.snapshot, made, result.needless)
