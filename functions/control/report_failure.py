"""Report Failure: what failed, in one line; and the failed run's lock is released.

Called by the state machine and, for a run that was stopped or timed out, by EventBridge. A run that
the machine reported gives a status event as well: the same occurrence, so it is reported once. A
run that is redriven and fails again has failed twice.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from core.runs.failure import occurrence
from core.runs.report_failure import report_failure
from core.stage.gateways import stage

logger = Logger()
metrics = Metrics()


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take {run, model, error, cause, redrives} or a status event; return what was reported."""
    metrics.add_metric("FailuresReported", MetricUnit.Count, 1)
    failed = occurrence(event)
    reported, first = report_failure(stage(), failed, datetime.now(UTC))
    if first and not failed.stopped:
        metrics.add_metric("RunsFailed", MetricUnit.Count, 1)
    logger.error(
        reported["message"],
        extra={"run": failed.run, "model": failed.model, "error": reported["error"]},
    )
    return reported
