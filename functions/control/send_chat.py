"""Send Chat: put a fact that is for people's attention into the chat channels, once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from core.report.chat import message
from core.report.fact import read
from core.stage.gateways import stage

logger = Logger()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take an event of the stage's bus; return {id, sent}."""
    fact, now = read(event["detail"]), datetime.now(UTC)
    if not fact.mailed:
        return {"id": fact.id, "sent": False}
    listed = stage().notice_table.note(fact, now)
    # A repeat of the fact, or of this call.
    if "chat" in listed.sent:
        return {"id": fact.id, "sent": False}
    stage().chat.publish(fact, message(fact, stage().links))
    stage().notice_table.mark_sent(listed, "chat", now)
    logger.info("told in chat: %s", fact.event, extra={"fact": fact.id})
    return {"id": fact.id, "sent": True}
