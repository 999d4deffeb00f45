"""Close Run: record the run, pass its lock on, put its outcome on the bus."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from core.runs.close_run import close_run
from core.stage.gateways import stage

logger = Logger()
metrics = Metrics()


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take {run, model, outcome, summary, fingerprint, …}; return the execution's output."""
    metrics.add_metric("RunsClosed", MetricUnit.Count, 1)
    closed = close_run(stage(), event, datetime.now(UTC))
    logger.info(
        closed["summary"],
        extra={"run": closed["run"], "model": closed["model"], "next": closed["started_next"]},
    )
    return closed
