"""Open Release: write down exactly what may be promoted, and start the release pipeline on it."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from aws_lambda_powertools.utilities.typing import LambdaContext

from core.releases.open_release import Opening, open_release
from core.releases.waiting import METRIC, waiting
from core.review.page import render
from core.stage.gateways import stage

logger = Logger()
metrics = Metrics()


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take {run, model, package_arn, verdict}; return the release and its execution."""
    opened = open_release(opening(), event, datetime.now(UTC))
    metrics.add_metric("ReleasesOpened", MetricUnit.Count, 1)
    with single_metric(METRIC, MetricUnit.Count, waiting(stage(), event["model"])) as metric:
        metric.add_dimension("model", event["model"])
    logger.info(
        opened["summary"],
        extra={"run": event["run"], "model": event["model"], "release": opened["release"]},
    )
    return opened


@cache
def opening() -> Opening:
    return Opening(
        stage=stage(),
        render=render,
        # A layer's files are here; on a laptop the folder itself takes its place.
        source=Path(os.environ.get("LAYERS_ROOT") or "/opt"),
        automatic=os.environ["AUTOMATIC_APPROVAL"] == "true",
    )
