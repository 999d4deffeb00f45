"""Plan: at every tick, decide what is retrained, scored in batch and monitored, and start it."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from aws_lambda_powertools.utilities.typing import LambdaContext

from core.plan.sources import limits_of
from core.plan.tick import tick
from core.stage.gateways import stage
from core.words.formats import parsed

logger = Logger()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take {at}, the time of the tick; return the decision and what came of it."""
    now = datetime.now(UTC)
    limits = limits_of(os.environ.get("MONTHLY_BUDGET_USD"), os.environ.get("PLANNED_AT_ONCE"))
    done = tick(stage(), limits, parsed(event.get("at")) or now, now)
    for start in done.decision["starts"]:
        if start["model"] in done.outcome.lost:
            continue
        named = {name: start[name] for name in ("model", "work", "name")}
        logger.info(start["input"]["reason"], extra={"planned": named})
    for name, problem in done.outcome.left.items():
        logger.warning("%s could not be started, the next tick tries again: %s", name, problem)
    # Only where there is something to count: a metric of every tick would be billed by the month.
    counts = {
        "PlannedStarts": len(done.outcome.started),
        "PlannedStartsLeft": len(done.outcome.left),
        "ArrivalsOfNoModel": done.unknown,
    }
    for name, count in counts.items():
        if count:
            logger.info("%s: %s", name, count)
            with single_metric(name, MetricUnit.Count, count):
                pass
    return done.document()
