"""Judge Candidate: may the model just trained replace the one in service?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from core.gate.judge_candidate import judge_candidate
from core.review.page import render
from core.stage.gateways import stage

logger = Logger()
metrics = Metrics()

_COUNTED = {
    "promote": "CandidatesToPromote",
    "hold": "CandidatesHeld",
    "reject": "CandidatesRejected",
}


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take {run, model, at, ran, left_lambda, left_spot}; return what registers the candidate."""
    metrics.add_metric("CandidatesJudged", MetricUnit.Count, 1)
    model, run = event["model"], event["run"]
    judgement = judge_candidate(stage().store, render, model, run, datetime.now(UTC), event)
    metrics.add_metric(_COUNTED[judgement["verdict"]], MetricUnit.Count, 1)
    logger.info(judgement["summary"], extra={"run": run, "model": model})
    return judgement
