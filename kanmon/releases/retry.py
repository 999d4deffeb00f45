"""Retries the failed stage of a release's pipeline, when the cause was outside the release."""

from typing import TYPE_CHECKING

from core.stage.release_records import CLOSED
from kanmon.errors import BadInputError
from kanmon.releases.pipeline import pipeline_name, progress
from kanmon.releases.stack_rollback import continue_if_failed
from kanmon.stage.connection import stage_flag

if TYPE_CHECKING:
    from core.stage.release_pipeline import Execution
    from core.stage.release_records import Release
    from kanmon.stage.connection import Connection

REFUSALS = {"StageNotRetryableException", "NotLatestPipelineExecutionException"}


def retry(connection: "Connection", release: "Release") -> str:
    """Retry; the stage that is retried. Raises BadInputError if there is none."""
    from botocore.exceptions import ClientError

    pipeline = progress(connection, release)
    stage = retryable(release, pipeline)
    if pipeline is None or stage is None:
        raise _nothing(connection, release)
    continue_if_failed(connection, release.model)
    try:
        connection.client("codepipeline").retry_stage_execution(
            pipelineName=pipeline_name(connection),
            stageName=stage,
            pipelineExecutionId=pipeline.id,
            # Verify and Promote begin with an action that must take the model's lock again.
            retryMode="FAILED_ACTIONS" if stage == "Record" else "ALL_ACTIONS",
        )
    except ClientError as error:
        if error.response["Error"]["Code"] in REFUSALS:
            raise _nothing(connection, release) from error
        raise
    return stage


def retryable(release: "Release", pipeline: "Execution | None") -> str | None:
    """The stage that can be retried; None if there is none."""
    failed = pipeline.failed if pipeline and pipeline.ended else None
    if failed is None or failed.stage in {"Source", "Review"} or release.status in CLOSED:
        return None
    return failed.stage


def _nothing(connection: "Connection", release: "Release") -> BadInputError:
    flag = stage_flag(connection.name)
    return BadInputError(
        f"no stage of release {release.reference} can be retried",
        f"`kanmon show {release.reference}{flag}` shows its status.",
    )
