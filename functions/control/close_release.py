"""Close Release: an execution of the release pipeline ended badly. What became of its release?

Called by EventBridge, also for a good end, which makes room for a release that is kept. Events
come twice, late and in any order, so only the execution's present state counts.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from aws_lambda_powertools.utilities.typing import LambdaContext

from core.releases.close_release import close_release
from core.releases.start_release import start_queued
from core.releases.waiting import METRIC, waiting
from core.stage.gateways import stage

logger = Logger()
metrics = Metrics()

# An alarm watches these. A review that ended without an approval, and a stop, are decisions.
FAILURES = ("failed", "rolled_back")


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take a "CodePipeline Pipeline Execution State Change"; return {model, release, outcome}."""
    now = datetime.now(UTC)
    closed = close_release(stage(), str(event["detail"]["execution-id"]), now)
    start_queued(stage(), now)
    metrics.add_metric("ReleasesClosed", MetricUnit.Count, 1)
    if closed.outcome in FAILURES:
        metrics.add_metric("ReleasesFailed", MetricUnit.Count, 1)
    if closed.model is not None:
        with single_metric(METRIC, MetricUnit.Count, waiting(stage(), closed.model)) as metric:
            metric.add_dimension("model", closed.model)
    logger.info(closed.line, extra={"model": closed.model, "release": closed.release})
    return {"model": closed.model, "release": closed.release, "outcome": closed.outcome}
