"""Take Snapshot: the snapshot of what a query or a job wrote; is there anything new in it?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from core.runs.go_on import go_on
from core.runs.open_run import COUNTED
from core.stage.gateways import stage

logger = Logger()
metrics = Metrics()


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take {run, request, gathered}; return what Open Run returns where nothing makes the data."""
    opened = go_on(stage(), event, datetime.now(UTC))
    metrics.add_metric(COUNTED[opened["outcome"]], MetricUnit.Count, 1)
    logger.info(opened["summary"], extra={"run": opened["run"], "model": opened["model"]})
    return opened
