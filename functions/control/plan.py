"""Plan: at every tick, decide what is retrained, scored in batch and monitored, and start it."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from aws_lambda_powertools.utilities.typing import LambdaContext

from core.plan.sources import limits_of
from core.plan.tick import tick, time_of
from core.stage.gateways import stage
from core.words.formats import parsed

logger = Logger()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take {at}, the time of the tick; return the decision and what came of it."""
    now = datetime.now(UTC)
    names = ("MONTHLY_BUDGET_USD", "PLANNED_AT_ONCE", "APPROVAL_MINUTES")
    limits = limits_of(*(os.environ.get(name) for name in names))
    at = time_of(parsed(event.get("at")) or now, now, os.environ["STAGE"])
    done = tick(stage(), limits, at, now)
    for start in done.decision["starts"]:
        if start["model"] in done.outcome.lost:
            continue
        named = {name: start[name] for name in ("model", "work", "name")}
        logger.info(start["input"]["reason"], extra={"planned": named})
    for name, problem in done.outcome.left.items():
        logger.warning("%s could not be started, the next tick tries again: %s", name, problem)
    for name, problem in done.outcome.refused.items():
        logger.error("%s could not be started and is given up: %s", name, problem)
    for identity in done.outcome.unreadable:
        logger.error("the fact %s is of another version and is dropped", identity)
    if done.outcome.silent:
        logger.warning(
            "the bus takes no events, the next tick tries again: %s", done.outcome.silent
        )
    # Only where there is something to count: a metric of every tick would be billed by the month.
    counts = {
        "PlannedStarts": len(done.outcome.started),
        "PlannedStartsLeft": len(done.outcome.left),
        "PlannedStartsRefused": len(done.outcome.refused),
        "ArrivalsOfNoModel": done.unknown,
    }
    for name, count in counts.items():
        if count:
            logger.info("%s: %s", name, count)
            with single_metric(name, MetricUnit.Count, count):
                pass
    return done.document()
