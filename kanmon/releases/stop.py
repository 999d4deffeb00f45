"""Stops a release: its canary if one is running, else its pipeline."""

import contextlib
from typing import TYPE_CHECKING

from core.stage.release_pipeline import REVIEW
from kanmon.errors import BadInputError
from kanmon.releases.pipeline import pipeline_name, progress
from kanmon.releases.traffic import deployments, stop_deployment
from kanmon.stage.connection import stage_flag

if TYPE_CHECKING:
    from core.stage.release_records import Release
    from kanmon.releases.traffic import Deployment
    from kanmon.stage.connection import Connection

# CodePipeline's limit for the reason.
LONGEST_REASON = 200


def stop_release(connection: "Connection", release: "Release", reason: str) -> str:
    """Stop it; what was done, as a clause. Raises BadInputError if no pipeline runs."""
    from botocore.exceptions import ClientError

    pipeline = progress(connection, release)
    if pipeline is None or pipeline.ended:
        flag = stage_flag(connection.name)
        raise BadInputError(
            f"the pipeline of release {release.reference} is not running",
            f"`kanmon show {release.reference}{flag}` shows its status.",
        )
    now = pipeline.current
    if now is not None and now.name == "DeployRelease":
        under_way = deployments(connection, release.model, under_way=True)
        if stop_canary(connection, under_way, pipeline.id, reason):
            return "its canary is stopped and rolls back"
    # A running action is finished first, unless it only waits for a person.
    waits = now is not None and now.name == REVIEW
    try:
        _stop_pipeline(connection, pipeline.id, reason, abandon=waits)
    except ClientError as error:
        if error.response["Error"]["Code"] != "DuplicatedStopRequestException":
            raise
        return "it is already being stopped"
    return "its pipeline is stopped"


def stop_canary(
    connection: "Connection", under_way: list["Deployment"], execution: str | None, reason: str
) -> bool:
    """Stop the running deployment, which then rolls back; False if it had already ended.

    The pipeline's action continues until CloudFormation has ended, so that the stack is not left
    half updated. CodeDeploy stores no reason, so the pipeline is stopped with the reason, too. A
    failure of that second stop is ignored: the canary is stopped.
    """
    from botocore.exceptions import ClientError

    if not any(stop_deployment(connection, one.id) for one in under_way):
        return False
    if execution is not None:
        with contextlib.suppress(ClientError):
            _stop_pipeline(connection, execution, reason, abandon=False)
    return True


def _stop_pipeline(connection: "Connection", execution: str, reason: str, *, abandon: bool) -> None:
    connection.client("codepipeline").stop_pipeline_execution(
        pipelineName=pipeline_name(connection),
        pipelineExecutionId=execution,
        abandon=abandon,
        reason=" ".join(reason.split())[:LONGEST_REASON],
    )
