"""Take Snapshot: go on with a run whose query has ended, as Open Run does where there is none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.cost.settle import stage_prices
from core.names import check_run_name
from core.runs.gather import lineage, result_of
from core.runs.open_run import prepared, requested_definition
from core.runs.request import parse_request

if TYPE_CHECKING:
    from core.stage.gateways import Stage


def go_on(stage: Stage, event: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Go on with a run whose query has ended; twice for one run, the same twice.

    Take {run, request, gathered: {prefix, query_id, scanned_bytes}}; return what Open Run returns
    where no query is asked.
    """
    run, request = check_run_name(event["run"]), parse_request(event["request"])
    known = stage.runs.run(request.model, run)
    asked = dict(json.loads(known["answer"]))
    if asked["outcome"] != "gather":
        return asked
    asked_for = request.model_copy(update={"definition": known["definition"]})
    definition = requested_definition(stage, asked_for)
    gathered = event["gathered"]
    prefix = gathered["prefix"].removeprefix(stage.store.uri(""))
    result = result_of(stage.store, stage.row_hasher, request.model, prefix)
    prices = stage_prices(stage.store)
    made = lineage(asked["gather"], gathered, result.rows, prices)
    answer = prepared(stage, run, request, definition, result.snapshot, asked["behind"], now, made)
    stage.runs.write_run(
        request.model,
        run,
        {
            **{name: answer[name] for name in ("fingerprint", "snapshot", "summary")},
            "answer": json.dumps(answer),
        },
    )
    # Not before: a repeat reads these files again.
    stage.store.remove(each.key for each in result.needless)
    return answer
