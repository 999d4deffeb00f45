"""Close Monitoring: the page, the record, the metrics and the notice of a monitoring.

Called by the state machine when a monitoring ends, well or badly, and by EventBridge for one that
was stopped or timed out.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from aws_lambda_powertools.utilities.typing import LambdaContext

from core.monitoring.close_monitoring import close_monitoring
from core.monitoring.page.page import render
from core.stage.gateways import stage

logger = Logger()
metrics = Metrics()


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take {monitoring, model, outcome}, {…, error, cause} or a status event; return the output."""
    metrics.add_metric("MonitoringsClosed", MetricUnit.Count, 1)
    closed = close_monitoring(stage(), render, event, datetime.now(UTC))
    if closed.failed:
        metrics.add_metric("MonitoringsFailed", MetricUnit.Count, 1)
    for name, value in closed.metrics.items():
        with single_metric(name, MetricUnit.NoUnit, value) as metric:
            metric.add_dimension("model", closed.output["model"])
    words = closed.output.get("summary") or closed.output["message"]
    named = {name: closed.output[name] for name in ("monitoring", "model")}
    logger.info(words, extra=named)
    return closed.output
