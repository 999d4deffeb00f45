"""What runs now on a stage, or for one model of it, and how it is stopped."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from core.stage.release_pipeline import STAGE_REMOVED
from kanmon.errors import RunFailedError
from kanmon.removal.names import Names
from kanmon.removal.probes import is_missing
from kanmon.removal.things import Resource

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

MACHINE, PIPELINE = "AWS::StepFunctions::StateMachine", "AWS::CodePipeline::Pipeline"
WORDS = {"retrain": "run", "score": "batch", "monitor": "monitoring"}
# A run that is stopped may hand its turn to a queued one, so what runs is looked for again.
ROUNDS = 20


@dataclass(frozen=True)
class Work:
    """Something that runs. `id` is what its service knows it by; `model` is empty for a job."""

    what: str
    name: str
    model: str
    id: str
    # The pipeline, of a release.
    of: str = ""

    @property
    def title(self) -> str:
        """
        >>> Work("run", "churn-261130010203-abc", "churn", "arn").title
        'run churn-261130010203-abc'
        """
        return f"{self.what} {self.name}"


def running(
    connection: "Connection", resources: Iterable[Resource], model: str | None = None
) -> list[Work]:
    """What runs of the stage whose stack has these resources; of one model, if it is named."""
    found: list[Work] = []
    for one in resources:
        if one.type == MACHINE:
            found.extend(_executions(connection, one.name))
        if one.type == PIPELINE:
            found.extend(_releases(connection, one.name))
    return [one for one in found if model in (None, one.model)]


def jobs(connection: "Connection", names: Names) -> list[Work]:
    """The stage's processing jobs in progress; jobs whose execution is gone are among them."""
    pages = connection.sagemaker.get_paginator("list_processing_jobs").paginate(
        NameContains=f"{names.stack}-", StatusEquals="InProgress"
    )
    listed = [one["ProcessingJobName"] for page in pages for one in page["ProcessingJobSummaries"]]
    return [Work("job", name, "", name) for name in listed if names.owns(name)]


def stop(
    connection: "Connection", find: Callable[[], list[Work]], tick: Callable[[str], None]
) -> None:
    """Stop what runs, and what begins because of that, until nothing runs."""
    for _ in range(ROUNDS):
        found = find()
        if not found:
            return
        for one in found:
            tick(f"stopping {one.title} …")
            _stop(connection, one)
        time.sleep(max(0.5, connection.poll_seconds))
    raise RunFailedError(
        f"this does not stop: {', '.join(one.title for one in found)}",
        "Wait until it has ended, and run the same command again.",
    )


def _executions(connection: "Connection", machine: str) -> Iterator[Work]:
    client = connection.stepfunctions
    what = WORDS.get(machine.rpartition("-")[2], "execution")
    pages = client.get_paginator("list_executions").paginate(
        stateMachineArn=machine, statusFilter="RUNNING"
    )
    for one in _all(pages, "executions"):
        # A name may be one that a person chose: only the input names the model.
        described = client.describe_execution(executionArn=one["executionArn"])
        yield Work(what, one["name"], _model_in(described.get("input")), one["executionArn"])


def _model_in(text: str | None) -> str:
    try:
        document = json.loads(text or "{}")
    except ValueError:
        return ""
    return str(document.get("model", "")) if isinstance(document, dict) else ""


def _releases(connection: "Connection", pipeline: str) -> Iterator[Work]:
    client = connection.client("codepipeline")
    pages = client.get_paginator("list_pipeline_executions").paginate(pipelineName=pipeline)
    for one in _all(pages, "pipelineExecutionSummaries"):
        if one["status"] not in ("InProgress", "Stopping"):
            continue
        execution = client.get_pipeline_execution(
            pipelineName=pipeline, pipelineExecutionId=one["pipelineExecutionId"]
        )["pipelineExecution"]
        given = {each["name"]: each["resolvedValue"] for each in execution.get("variables", [])}
        model = given.get("model", "")
        name = f"{model}/{given.get('release', '?')}"
        yield Work("release", name, model, one["pipelineExecutionId"], pipeline)


def _all(pages: Any, member: str) -> Iterator[Any]:
    """What is listed; nothing of a machine or a pipeline that is gone."""
    try:
        for page in pages:
            yield from page[member]
    except ClientError as error:
        if not is_missing(error):
            raise


def _stop(connection: "Connection", work: Work) -> None:
    try:
        if work.what == "job":
            connection.sagemaker.stop_processing_job(ProcessingJobName=work.id)
        elif work.of:
            connection.client("codepipeline").stop_pipeline_execution(
                pipelineName=work.of,
                pipelineExecutionId=work.id,
                abandon=True,
                reason=STAGE_REMOVED,
            )
        else:
            connection.stepfunctions.stop_execution(executionArn=work.id, cause=STAGE_REMOVED)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        # It is being stopped, or it has just ended by itself.
        ended = ("DuplicatedStopRequestException", "PipelineExecutionNotStoppableException")
        if code not in ended and not is_missing(error) and code != "ValidationException":
            raise
