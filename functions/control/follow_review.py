"""Follow Review: an approval of the release pipeline was opened, decided or expired.

Called by EventBridge; the release's record, the registry and the history follow, once.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from core.releases.approval_sync import follow_review
from core.stage.gateways import stage

logger = Logger()
metrics = Metrics()


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str]:
    """Take a "CodePipeline Action Execution State Change"; return what the release is now."""
    detail = event["detail"]
    line = follow_review(stage(), str(detail["execution-id"]), str(detail["state"]))
    metrics.add_metric("ReviewsFollowed", MetricUnit.Count, 1)
    logger.info(line)
    return {"summary": line}
