"""Open Run: take the model's lock, snapshot the data; is there anything new in it?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import BotoCoreError, ClientError

from core.runs.open_run import COUNTED, open_run
from core.stage.gateways import stage

logger = Logger()
metrics = Metrics()


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take {run, request}; return what the rest of the run needs, or the run it waits for."""
    metrics.add_metric("RunsAsked", MetricUnit.Count, 1)
    name, request = event.get("run"), event.get("request")
    opened = open_run(stage(), name, request, datetime.now(UTC), _has_ended)
    if opened["outcome"] in COUNTED:
        metrics.add_metric(COUNTED[opened["outcome"]], MetricUnit.Count, 1)
    logger.info(opened["summary"], extra={"run": opened["run"], "model": opened["model"]})
    return opened


def _has_ended(run: str) -> bool:
    """Where Step Functions does not answer, the run counts as running: to wait is safe."""
    try:
        return stage().workflow.has_ended(run)
    except (BotoCoreError, ClientError) as error:
        logger.warning(f"cannot tell whether run {run} has ended: {error}")
        return False
