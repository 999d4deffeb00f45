"""What a run's steps logged, read from CloudWatch: as jobs, and as functions."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core import names

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

# The log groups of all jobs of the account. Train on several hosts is a training job.
LOG_GROUP = "/aws/sagemaker/ProcessingJobs"
LOG_GROUPS = (LOG_GROUP, "/aws/sagemaker/TrainingJobs")


@dataclass(frozen=True)
class Line:
    """One line of a step's log. `at` is in epoch milliseconds.

    `attempt` is the step and the number of its try, `job` the whole name. `host` is the machine's
    name in the job; a function has none.
    """

    at: int
    attempt: str
    job: str
    message: str
    host: str = ""


def names_shown(lines: Iterable[Line]) -> dict[tuple[str, str], str]:
    """What to call a line's attempt and host: the host is named where the job had several.

    >>> two = [Line(1, "train-0", "job", "a", "algo-1"), Line(2, "train-0", "job", "b", "algo-2")]
    >>> names_shown([*two, Line(3, "evaluate-0", "job", "c", "algo-1")])[("train-0", "algo-2")]
    'train-0 algo-2'
    """
    seen = sorted({(line.attempt, line.host) for line in lines})
    hosts = Counter(attempt for attempt, _ in seen)
    return {
        (attempt, host): f"{attempt} {host}" if hosts[attempt] > 1 else attempt
        for attempt, host in seen
    }


def step_log(connection: "Connection", run: str, step: str | None = None) -> list[Line]:
    """Every line of the run's steps, or of one of them, by time; none before the first."""
    lines = [*_of_jobs(connection, run, step), *_of_functions(connection, run, step)]
    return sorted(lines, key=lambda line: line.at)


def _of_jobs(connection: "Connection", run: str, step: str | None) -> Iterator[Line]:
    prefix = f"{names.job_prefix(connection.stack, run)}-"
    begins = prefix + (f"{step}-" if step else "")
    groups = LOG_GROUPS if step in (None, "train") else (LOG_GROUP,)
    for group in groups:
        for event in _events(connection, logGroupName=group, logStreamNamePrefix=begins):
            if event["logStreamName"].startswith(begins):
                # A stream is JOB/HOST-TIME, as in …-train-0/algo-1-1796083124.
                job, _, place = event["logStreamName"].partition("/")
                host = place.rpartition("-")[0]
                attempt = job.removeprefix(prefix)
                yield Line(event["timestamp"], attempt, job, event["message"], host)


def _of_functions(connection: "Connection", run: str, step: str | None) -> Iterator[Line]:
    """A function's log is of all runs: each line begins with the attempt it is of."""
    prefix = f"{run}-"
    begins = prefix + (f"{step}-" if step else "")
    group = f"/aws/lambda/{connection.stack}-steps"
    for event in _events(connection, logGroupName=group, filterPattern=f'"{begins}"'):
        job, _, message = event["message"].partition(" ")
        if job.startswith(begins):
            yield Line(event["timestamp"], job.removeprefix(prefix), job, message)


def _events(connection: "Connection", **request: Any) -> Iterator[Any]:
    from botocore.exceptions import ClientError

    pages = connection.client("logs").get_paginator("filter_log_events").paginate(**request)
    try:
        for page in pages:
            yield from page["events"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
