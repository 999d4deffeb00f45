"""Send Digest: once a day or a week, what happened on the stage, as a fact of its own."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from core.plan.digest_input import digest_input
from core.plan.sources import limits_of
from core.report.digest import beginning, text
from core.report.fact import Fact
from core.stage.gateways import stage
from core.words.formats import parsed, timestamp

logger = Logger()
DAYS = {"daily": 1, "weekly": 7}


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take {at}, the time it was due; return how many days it is of, and its text."""
    now = datetime.now(UTC)
    at = parsed(event.get("at")) or now
    days = DAYS.get(os.environ["DIGEST"], DAYS["weekly"])
    here = stage()
    names = ("MONTHLY_BUDGET_USD", "PLANNED_AT_ONCE", "APPROVAL_MINUTES")
    limits = limits_of(*(os.environ.get(name) for name in names))
    # Up to when it was due, and not when it is sent: so it meets the next, also if it is late.
    said = text(digest_input(here, limits, beginning(at, days), at, now))
    here.events.put(
        Fact(
            event="digest",
            # The same for every try of one schedule's time.
            key=timestamp(at),
            stack=here.name,
            stage=here.short_name,
            at=timestamp(now),
            summary=said,
        )
    )
    logger.info("digest sent", extra={"days": days})
    return {"days": days, "text": said}
