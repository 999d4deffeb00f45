"""Stops a release on its way into service: its canary when there is one, else its pipeline."""

from typing import TYPE_CHECKING

from kanmon.errors import BadInputError
from kanmon.release_pipeline import pipeline_name, progress
from kanmon.stage import stage_flag
from kanmon.traffic import deployments, stop_deployment

if TYPE_CHECKING:
    from kanmon.releases import Release
    from kanmon.stage import Connection

# CodePipeline's limit for the words of a stop.
LONGEST_REASON = 200


def stop_release(connection: "Connection", release: "Release", reason: str) -> str:
    """Stop it; what was done, as a clause. Raises BadInputError when nothing is going on."""
    stands = progress(connection, release)
    if stands is None or stands.ended:
        flag = stage_flag(connection.name)
        raise BadInputError(
            f"release {release.reference} is not on its way",
            f"`kanmon show {release.reference}{flag}` tells how it stands.",
        )
    now = stands.current
    if now is not None and now.name == "DeployRelease":
        # CloudFormation must not be left half-way: the deployment rolls back and ends the action.
        under_way = deployments(connection, release.model, under_way=True)
        if any(stop_deployment(connection, one.id) for one in under_way):
            return "its canary is stopped and rolls back"
    connection.client("codepipeline").stop_pipeline_execution(
        pipelineName=pipeline_name(connection),
        pipelineExecutionId=stands.execution,
        # What runs is finished first, unless it is only waiting for a person.
        abandon=now is not None and now.name == "ApproveRelease",
        reason=reason[:LONGEST_REASON],
    )
    return "its pipeline is stopped"
