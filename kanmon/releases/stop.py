"""Stops a release on its way into service: its canary when there is one, else its pipeline."""

import contextlib
from typing import TYPE_CHECKING

from kanmon.errors import BadInputError
from kanmon.releases.pipeline import pipeline_name, progress
from kanmon.releases.traffic import deployments, stop_deployment
from kanmon.stage.connection import stage_flag

if TYPE_CHECKING:
    from kanmon.releases.records import Release
    from kanmon.releases.traffic import Deployment
    from kanmon.stage.connection import Connection

# CodePipeline's limit for the words of a stop.
LONGEST_REASON = 200


def stop_release(connection: "Connection", release: "Release", reason: str) -> str:
    """Stop it; what was done, as a clause. Raises BadInputError when nothing is going on."""
    from botocore.exceptions import ClientError

    stands = progress(connection, release)
    if stands is None or stands.ended:
        flag = stage_flag(connection.name)
        raise BadInputError(
            f"release {release.reference} is not on its way",
            f"`kanmon show {release.reference}{flag}` tells how it stands.",
        )
    now = stands.current
    if now is not None and now.name == "DeployRelease":
        under_way = deployments(connection, release.model, under_way=True)
        if stop_canary(connection, under_way, stands.execution, reason):
            return "its canary is stopped and rolls back"
    # What runs is finished first, unless it is only waiting for a person.
    waits = now is not None and now.name == "ApproveRelease"
    try:
        _stop_pipeline(connection, stands.execution, reason, abandon=waits)
    except ClientError as error:
        if error.response["Error"]["Code"] != "DuplicatedStopRequestException":
            raise
        return "it is being stopped already"
    return "its pipeline is stopped"


def stop_canary(
    connection: "Connection", under_way: list["Deployment"], execution: str | None, reason: str
) -> bool:
    """Stop the deployment under way, which then rolls back; False when it had ended before.

    CloudFormation must not be left half-way, so the pipeline's action goes on until that is done.
    CodeDeploy takes no words for a stop; the pipeline's execution does, and ends with them. That
    they may not be kept must not make a stop that worked look as if it had not.
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
