"""Record Experiment: what became of a run, a release or a monitoring is written to MLflow.

Called by EventBridge with an event of the stage, and by a schedule for the events that could not be
written when they came. Lambda tries an event again, twice; then it waits in a queue. Nothing of a
run waits for it, or knows of it.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from core.experiments.record import record, record_waiting
from core.experiments.tracking_server import open_server
from core.stage.gateways import stage

logger = Logger()
metrics = Metrics()
# Of the function's time, what one more record may take.
MILLISECONDS_A_RECORD = 60_000


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take an event, or {waiting: true} to record those that wait; return {run} or {recorded}."""
    here, now = stage(), datetime.now(UTC)
    server = open_server(here, os.environ["MLFLOW_SECRET_ARN"])
    if event.get("waiting"):
        left = context.get_remaining_time_in_millis
        done, problem = record_waiting(here, server, lambda: left() > MILLISECONDS_A_RECORD, now)
        metrics.add_metric("ExperimentsRecorded", MetricUnit.Count, done)
        logger.info("recorded what waited", extra={"recorded": done, "problem": problem})
        return {"recorded": done, "problem": problem}
    run = record(here, server, event, now)
    metrics.add_metric("ExperimentsRecorded", MetricUnit.Count, int(run is not None))
    logger.info(run or "nothing to record")
    return {"run": run}
