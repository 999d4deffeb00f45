"""Send Chat: what is mailed of the facts of the stage's bus is put into chat, once.

Called by EventBridge, beside Send Mail. An event that cannot be sent is tried again by Lambda,
twice, and then left in the dead letters of chat. Neither mail nor a run notices.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from core.report.fact import read
from core.report.send_chat import send_chat
from core.stage.gateways import stage

logger = Logger()
metrics = Metrics()


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take an event of the stage's bus; return {event, sent}."""
    fact = read(event["detail"])
    sent = send_chat(stage(), fact, datetime.now(UTC))
    metrics.add_metric("ChatMessagesSent", MetricUnit.Count, int(sent))
    logger.info(fact.id, extra={"model": fact.model, "sent": sent})
    return {"event": fact.event, "sent": sent}
