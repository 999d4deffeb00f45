"""Tries the failed stage of a release's pipeline again: the cause was outside of the release."""

from typing import TYPE_CHECKING

from kanmon.errors import BadInputError
from kanmon.releases.pipeline import Progress, pipeline_name, progress
from kanmon.stage.connection import stage_flag

if TYPE_CHECKING:
    from kanmon.releases.records import Release
    from kanmon.stage.connection import Connection

# A decision is final: nobody is asked twice about the same release.
FINAL = {"REJECTED", "EXPIRED", "SUPERSEDED"}
REFUSALS = {"StageNotRetryableException", "NotLatestPipelineExecutionException"}


def retry(connection: "Connection", release: "Release") -> str:
    """Try again; the stage. Raises BadInputError when there is nothing to try again."""
    from botocore.exceptions import ClientError

    stands = progress(connection, release)
    stage = retryable(release, stands)
    if stands is None or stage is None:
        raise _nothing(connection, release)
    try:
        connection.client("codepipeline").retry_stage_execution(
            pipelineName=pipeline_name(connection),
            stageName=stage,
            pipelineExecutionId=stands.execution,
            # Verify and Promote begin with Admit Release, which must take the model's turn again.
            retryMode="FAILED_ACTIONS" if stage == "Record" else "ALL_ACTIONS",
        )
    except ClientError as error:
        if error.response["Error"]["Code"] in REFUSALS:
            raise _nothing(connection, release) from error
        raise
    return stage


def retryable(release: "Release", stands: Progress | None) -> str | None:
    """The stage that could be tried again; None when there is none."""
    failed = stands.failed if stands and stands.ended else None
    if failed is None or failed.stage in {"Source", "Review"} or release.status in FINAL:
        return None
    return failed.stage


def _nothing(connection: "Connection", release: "Release") -> BadInputError:
    flag = stage_flag(connection.name)
    return BadInputError(
        f"no stage of release {release.reference} can be tried again",
        f"`kanmon show {release.reference}{flag}` tells how it stands.",
    )
