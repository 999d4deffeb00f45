"""kanmon logs."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from kanmon.terminal.invocation import Verb, complete_model, current
from kanmon.terminal.screen import faint

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

# The log group of all processing jobs of the account.
LOG_GROUP = "/aws/sagemaker/ProcessingJobs"


@click.command(
    cls=Verb,
    name="logs",
    examples="""
    kanmon logs abalone                     the latest run
    kanmon logs abalone-261121055501-x7k --step train
    """,
)
@click.argument("run", shell_complete=complete_model)
@click.option(
    "--step", type=click.Choice(["preprocess", "train", "evaluate"]), help="Show only this step."
)
def command(run: str, step: str | None) -> None:
    """Show the logs of a run's jobs.

    RUN is a run's name, or a model's name (its latest run).
    """
    from core import names
    from kanmon.runs.records import find_run

    invocation = current()
    connection, screen = invocation.connection, invocation.screen
    record = find_run(connection, invocation.project, run)
    run = str(record.equals or record.run)  # a run that found nothing new started no job
    job_prefix = f"{names.job_prefix(connection.stack, run)}-"
    events = _events(connection, job_prefix + (f"{step}-" if step else ""))
    for event in events:
        job = event["logStreamName"].split("/")[0].removeprefix(job_prefix)
        at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC).astimezone()
        screen.say(f"{faint(f'{at:%H:%M:%S}  {job:<13}')} {event['message'].rstrip()}")
    if not events:
        screen.say(f"Run {run} has no logs.")
    screen.document(
        [
            {
                "job": event["logStreamName"].split("/")[0],
                "time": datetime.fromtimestamp(event["timestamp"] / 1000, UTC).isoformat(),
                "message": event["message"],
            }
            for event in events
        ]
    )


def _events(connection: "Connection", prefix: str) -> list[Any]:
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
