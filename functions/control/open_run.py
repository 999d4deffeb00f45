"""Open Run: whose turn is it, on which data, and is there anything new in it?"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from core.runs.images import resolve_images
from core.runs.open_run import Opening, open_run
from core.runs.run_table import Ledger
from core.stage.bucket import Store
from core.stage.registry import Registry
from core.stage.state_machine import Workflow

logger = Logger()
metrics = Metrics()

# A throttled table or registry is worth waiting for: a run takes minutes, a retry less.
_PATIENT = Config(retries={"mode": "standard", "max_attempts": 6})
_COUNTED = {"new": "RunsOpened", "nothing new": "RunsSkipped", "queued": "RunsQueued"}


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take {run, request}; return what the rest of the run needs, or whom it waits for."""
    metrics.add_metric("RunsAsked", MetricUnit.Count, 1)
    opened = open_run(gateways(), event.get("run"), event.get("request"), datetime.now(UTC))
    metrics.add_metric(_COUNTED[opened["outcome"]], MetricUnit.Count, 1)
    logger.info(opened["summary"], extra={"run": opened["run"], "model": opened["model"]})
    return opened


@cache
def gateways() -> Opening:
    images = boto3.client("ecr", config=_PATIENT)
    return Opening(
        stage=os.environ["STAGE"],
        stack=os.environ["STACK_NAME"],
        ledger=Ledger(boto3.client("dynamodb", config=_PATIENT), os.environ["MODEL_TABLE"]),
        store=Store(boto3.client("s3", config=_PATIENT), os.environ["DATA_BUCKET"]),
        registry=Registry(boto3.client("sagemaker", config=_PATIENT)),
        images=partial(resolve_images, images, os.environ["STEPS_REPOSITORY"], os.environ["STAGE"]),
        has_ended=_has_ended,
    )


@cache
def _workflow() -> Workflow:
    """Made late: hardly any run finds another that has the turn."""
    client = boto3.client("stepfunctions", config=_PATIENT)
    return Workflow(client, os.environ["RETRAIN_MACHINE_ARN"])


def _has_ended(run: str) -> bool:
    """Where Step Functions does not answer, the run counts as going on: to wait is safe."""
    try:
        return _workflow().has_ended(run)
    except (BotoCoreError, ClientError) as error:
        logger.warning(f"whether run {run} is over cannot be told: {error}")
        return False
