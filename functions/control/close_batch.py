"""Close Batch: prove that every row was scored or rejected once, and record the batch.

Called by the state machine also for a batch that failed, and by EventBridge for one that was
stopped or timed out. A failure that the machine reported gives a status event as well: the same
occurrence, so it is reported once.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from core.batches.close_batch import close_batch
from core.batches.report_failure import failed_batch, is_failure, report_batch_failure
from core.stage.gateways import stage

logger = Logger()
metrics = Metrics()


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take {batch, model, …}, {run, error, cause, …} or a status event; return the outcome."""
    if is_failure(event):
        return _failed(event)
    metrics.add_metric("BatchesClosed", MetricUnit.Count, 1)
    closed = close_batch(stage(), event, datetime.now(UTC))
    metrics.add_metric("RowsScored", MetricUnit.Count, closed["rows"]["scored"])
    logger.info(closed["summary"], extra={"batch": closed["batch"], "model": closed["model"]})
    return closed


def _failed(event: dict[str, Any]) -> dict[str, Any]:
    metrics.add_metric("BatchFailuresReported", MetricUnit.Count, 1)
    failed = failed_batch(event)
    reported, first = report_batch_failure(stage(), failed, datetime.now(UTC))
    if first and not failed.execution.stopped:
        metrics.add_metric("BatchesFailed", MetricUnit.Count, 1)
    named = {name: reported[name] for name in ("batch", "model", "error")}
    logger.error(reported["message"], extra=named)
    return reported
