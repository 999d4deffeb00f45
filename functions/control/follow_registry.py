"""Follow Registry: a package was approved or rejected in the model registry.

Called by EventBridge; the approval that waits for this release follows, once.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from core.releases.approval_sync import follow_package
from core.stage.gateways import stage

logger = Logger()
metrics = Metrics()


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str]:
    """Take a "SageMaker Model Package State Change"; return what the release is now."""
    line = follow_package(stage(), str(event["detail"]["ModelPackageArn"]))
    metrics.add_metric("PackagesFollowed", MetricUnit.Count, 1)
    logger.info(line)
    return {"summary": line}
