"""Report Failure: what failed, in one line; and the failed run's lock is released.

Called by the state machine and, for a run that was stopped or timed out, by EventBridge. A run that
the machine reported gives a status event as well: the same occurrence, so it is reported once. A
run that is redriven and fails again has failed twice.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.typing import LambdaContext

from core.runs.failure import Occurrence, occurrence
from core.runs.report_failure import release_lock_of, report_failure
from core.stage.gateways import stage

logger = Logger()
metrics = Metrics()

ONE_DAY = 24 * 60 * 60


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take {run, model, error, cause, redrives} or a status event; return what was reported."""
    metrics.add_metric("FailuresReported", MetricUnit.Count, 1)
    failed = occurrence(event)
    started = release_lock_of(stage(), failed, datetime.now(UTC))
    config = IdempotencyConfig(
        event_key_jmespath="[run, redrives]",
        expires_after_seconds=ONE_DAY,
        lambda_context=context,
    )
    report = idempotent_function(
        _report, data_keyword_argument="key", persistence_store=_reported(), config=config
    )
    key = {"run": failed.run, "redrives": failed.redrives}
    reported: dict[str, Any] = report(key=key, failed=failed)
    return {**reported, "started_next": started}


def _report(key: dict[str, Any], failed: Occurrence) -> dict[str, Any]:
    reported = report_failure(stage(), failed, datetime.now(UTC))
    metrics.add_metric("RunsFailed", MetricUnit.Count, 1)
    logger.error(
        reported["message"],
        extra={"run": failed.run, "model": failed.model, "error": reported["error"]},
    )
    return reported


@cache
def _reported() -> DynamoDBPersistenceLayer:
    return DynamoDBPersistenceLayer(
        table_name=os.environ["MODEL_TABLE"],
        key_attr="model",
        sort_key_attr="item",
        static_pk_value="idempotency",
        expiry_attr="expires_at",
    )
