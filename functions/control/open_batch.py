"""Open Batch: pin the release in service, list what is scored, write the batch's plan."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from core.batches.open_batch import open_batch
from core.stage.gateways import stage

logger = Logger()
metrics = Metrics()


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take {execution, request}; return what the rest of the batch needs."""
    metrics.add_metric("BatchesAsked", MetricUnit.Count, 1)
    name, request = event.get("execution"), event.get("request")
    now, has_ended = datetime.now(UTC), stage().scoring.has_ended
    opened = open_batch(stage(), name, request, now, has_ended)
    logger.info(opened["summary"], extra={"batch": opened["batch"], "model": opened["model"]})
    return opened
