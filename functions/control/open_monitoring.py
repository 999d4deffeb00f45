"""Open Monitoring: pin the live release, and list what it answered and the labels there are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from core.monitoring.open_monitoring import open_monitoring
from core.stage.gateways import stage

logger = Logger()
metrics = Metrics()


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take {monitoring, request}; return what the rest of the monitoring needs."""
    metrics.add_metric("MonitoringsOpened", MetricUnit.Count, 1)
    name, request = event.get("monitoring"), event.get("request")
    now, has_ended = datetime.now(UTC), stage().watching.has_ended
    opened = open_monitoring(stage(), name, request, now, has_ended)
    logger.info(
        opened["summary"], extra={"monitoring": opened["monitoring"], "model": opened["model"]}
    )
    return opened
