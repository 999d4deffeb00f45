"""RecordRelease: an action of the release pipeline. What is live now is recorded as such."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from aws_lambda_powertools.utilities.typing import LambdaContext

from core.releases.record_release import live_of, record_live
from core.releases.service import NotLiveError
from core.releases.waiting import METRIC, waiting
from core.stage.gateways import stage
from core.stage.pipeline_job import job_id, owing_an_answer, parameters

logger = Logger()
metrics = Metrics()


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Take a CodePipeline job; answer the job with success, or with why this is not so."""
    metrics.add_metric("RecordsAsked", MetricUnit.Count, 1)
    job = job_id(event)
    with owing_an_answer(stage().jobs, job, "Record Release", logger):
        live = live_of(stage(), parameters(event))
        about = {"model": live.model, "release": live.release}
        try:
            line = record_live(stage(), live, datetime.now(UTC))
        except NotLiveError as error:
            logger.error(str(error), extra=about)
            stage().jobs.fail(job, str(error))
            return
        metrics.add_metric("ReleasesPromoted", MetricUnit.Count, 1)
        with single_metric(METRIC, MetricUnit.Count, waiting(stage(), live.model)) as metric:
            metric.add_dimension("model", live.model)
        logger.info(line, extra=about)
        stage().jobs.succeed(job, line, {"release": str(live.release)})
