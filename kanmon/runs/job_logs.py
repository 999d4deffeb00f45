"""The logs of a run's jobs, read from CloudWatch."""

from typing import TYPE_CHECKING, Any

from core import names

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

# The log group of all processing jobs of the account.
LOG_GROUP = "/aws/sagemaker/ProcessingJobs"


def job_prefix(connection: "Connection", run: str, step: str | None = None) -> str:
    """What the names of the run's jobs begin with; of one step's, if given."""
    return f"{names.job_prefix(connection.stack, run)}-" + (f"{step}-" if step else "")


def job_events(connection: "Connection", prefix: str) -> list[Any]:
    """Every line that jobs with these names logged, by time; none before the first job."""
    from botocore.exceptions import ClientError

    try:
        pages = (
            connection.client("logs")
            .get_paginator("filter_log_events")
            .paginate(logGroupName=LOG_GROUP, logStreamNamePrefix=prefix)
        )
        found = [
            event
            for page in pages
            for event in page["events"]
            if event["logStreamName"].startswith(prefix)
        ]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return []
        raise
    return sorted(found, key=lambda event: event["timestamp"])
