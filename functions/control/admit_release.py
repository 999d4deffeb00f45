"""AdmitRelease and ConfirmRelease: may this release go into service (still)? And with what?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from core.releases.admission_rule import Claim, claim_of
from core.releases.admit_release import Admitted, admit_release, to_deploy
from core.releases.deployment import NotWithdrawableError
from core.stage.gateways import stage
from core.stage.pipeline_job import artifact, job_id, owing_an_answer, parameters
from core.words.catalogue import say

logger = Logger()
metrics = Metrics()


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Take a CodePipeline job; answer the job with success, "ask me again", or a failure."""
    metrics.add_metric("ReleasesAsked", MetricUnit.Count, 1)
    job = job_id(event)
    with owing_an_answer(stage().jobs, job, "Admit Release", logger):
        claim = claim_of(parameters(event))
        admitted = admit_release(stage(), claim, datetime.now(UTC))
        logger.info(
            admitted.admission.line,
            extra={"model": claim.model, "release": claim.release},
        )
        if admitted.admission.outcome == "admit":
            try:
                _hand_on(event, job, claim, admitted)
            except NotWithdrawableError:
                line = say("release.admission.not_withdrawable", release=claim.reference)
                stage().jobs.fail(job, line)
                return
        _answer(job, admitted)


def _hand_on(event: dict[str, Any], job: str, claim: Claim, admitted: Admitted) -> None:
    """Give CloudFormation's action its template and settings, where this action comes before it."""
    place = artifact(event, "output")
    if place is None:
        return
    given = artifact(event, "input")
    verified = stage().artifacts.read(given) if given else {}
    # The job's id is new for each retry of the stage, so each makes a version of its own.
    files = to_deploy(stage(), claim, verified, job, admitted.variables["previous"])
    stage().artifacts.write(place, files)


def _answer(job: str, admitted: Admitted) -> None:
    admission = admitted.admission
    if admission.outcome == "admit":
        stage().jobs.succeed(job, admission.line, admitted.variables)
    elif admission.outcome == "wait":
        stage().jobs.go_on(job, admission.line)
    else:
        stage().jobs.fail(job, admission.line)
