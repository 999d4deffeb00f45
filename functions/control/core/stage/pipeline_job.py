"""A job of the release pipeline: what a Lambda action is asked, and how it answers."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from core.stage.release_pipeline import value_for

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger
    from mypy_boto3_codepipeline import CodePipelineClient
    from mypy_boto3_s3 import S3Client

LONGEST_MESSAGE = 2000


class JobError(Exception):
    """The event is no job of our pipeline; there is nothing to answer."""


def job_id(event: Mapping[str, Any]) -> str:
    try:
        return str(event["CodePipeline.job"]["id"])
    except (KeyError, TypeError) as error:
        raise JobError("the event holds no CodePipeline job") from error


def parameters(event: Mapping[str, Any]) -> dict[str, str]:
    """The action's UserParameters; ValueError where they are not what the template gives."""
    configuration = event["CodePipeline.job"]["data"]["actionConfiguration"]["configuration"]
    given = json.loads(configuration["UserParameters"], object_pairs_hook=_once_each)
    return {str(name): str(value) for name, value in given.items()}


def _once_each(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """A name that comes twice was brought in by the value of a variable."""
    given = dict(pairs)
    if len(given) != len(pairs):
        raise ValueError("a name is given twice in UserParameters")
    return given


@dataclass(frozen=True)
class Place:
    """Where in the pipeline's bucket an artifact of the job is, or is to be."""

    bucket: str
    key: str


def artifact(event: Mapping[str, Any], which: Literal["input", "output"]) -> Place | None:
    """The action's only input or output artifact; None where it has none."""
    declared = event["CodePipeline.job"]["data"].get(f"{which}Artifacts") or []
    if not declared:
        return None
    place = declared[0]["location"]["s3Location"]
    return Place(place["bucketName"], place["objectKey"])


class Artifacts:
    """The pipeline's artifacts: zip files with the few texts that an action needs."""

    def __init__(self, client: S3Client) -> None:
        self._client = client

    def read(self, place: Place) -> dict[str, str]:
        content = self._client.get_object(Bucket=place.bucket, Key=place.key)["Body"].read()
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {name: archive.read(name).decode() for name in archive.namelist()}

    def write(self, place: Place, files: Mapping[str, str]) -> None:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in files.items():
                archive.writestr(name, text)
        self._client.put_object(Bucket=place.bucket, Key=place.key, Body=content.getvalue())


class Jobs:
    """Answers jobs. One answered before stays as it is: Lambda may call a function twice."""

    def __init__(self, client: CodePipelineClient) -> None:
        self._client = client

    def succeed(self, job: str, summary: str, variables: Mapping[str, str]) -> None:
        with self._once():
            self._client.put_job_success_result(
                jobId=job,
                executionDetails={"summary": value_for(summary, LONGEST_MESSAGE)},
                outputVariables=dict(variables),
            )

    def go_on(self, job: str, summary: str) -> None:
        """Ask to be asked again: CodePipeline calls the function anew with the token."""
        with self._once():
            self._client.put_job_success_result(
                jobId=job,
                executionDetails={"summary": value_for(summary, LONGEST_MESSAGE)},
                continuationToken=json.dumps({"waits": value_for(summary, 1000)}),
            )

    def fail(self, job: str, message: str) -> None:
        with self._once():
            self._client.put_job_failure_result(
                jobId=job,
                failureDetails={
                    "type": "JobFailed",
                    "message": value_for(message, LONGEST_MESSAGE),
                },
            )

    @contextmanager
    def _once(self) -> Iterator[None]:
        # A job of an execution that was stopped, as one that is superseded is, may be gone.
        known = self._client.exceptions
        with suppress(known.InvalidJobStateException, known.JobNotFoundException):
            yield


@contextmanager
def owing_an_answer(jobs: Jobs, job: str, name: str, log: Logger) -> Iterator[None]:
    """Answer a job for which the function breaks down: CodePipeline would wait for a long time."""
    try:
        yield
    except Exception as error:
        words = f"{name} broke down: {type(error).__name__}: {error}"
        # Raised on, Lambda would call the function again for a job that has ended.
        log.exception(words)
        jobs.fail(job, f"{words}; its log shows more; retry the stage")
