"""Send Mail: each fact of the stage's bus is listed, and mailed once.

Called by EventBridge. An event that cannot be sent is tried again by Lambda, twice, and then left
in the dead letters: what happened is recorded elsewhere, and nothing waits for its mail.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from core.report.fact import read
from core.report.send_mail import send_mail
from core.stage.gateways import stage

logger = Logger()
metrics = Metrics()


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take an event of the stage's bus; return {event, mailed}."""
    metrics.add_metric("FactsListed", MetricUnit.Count, 1)
    fact = read(event["detail"])
    mailed = send_mail(stage(), fact, datetime.now(UTC))
    if mailed:
        metrics.add_metric("MailsSent", MetricUnit.Count, 1)
    logger.info(fact.id, extra={"model": fact.model, "mailed": mailed})
    return {"event": fact.event, "mailed": mailed}
