"""Executions of the release pipeline: their status, and their actions in pipeline order."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kanmon.releases.records import Release
    from kanmon.stage.connection import Connection

IN_PROGRESS, SUCCEEDED = "InProgress", "Succeeded"
# The pipeline of template.yaml, so that actions that have not begun are shown, too.
LAYOUT: dict[str, tuple[str, ...]] = {
    "Source": ("Bundle",),
    "Review": ("ApproveRelease",),
    "Verify": ("AdmitRelease", "VerifyRelease"),
    "Promote": ("ConfirmRelease", "DeployRelease"),
    "Record": ("RecordRelease",),
}
PENDING, SKIPPED = "Pending", "Skipped"
# The status of an execution that has ended.
ENDED = {SUCCEEDED, "Failed", "Stopped", "Superseded", "Cancelled"}


@dataclass(frozen=True)
class Action:
    """An action of an execution, as of its latest attempt."""

    stage: str
    name: str
    status: str
    began: datetime | None = None
    updated: datetime | None = None
    attempts: int = 0
    summary: str | None = None
    error: str | None = None
    error_code: str | None = None
    by: str | None = None
    external_id: str | None = None
    url: str | None = None

    @property
    def ended(self) -> bool:
        """Has it ended?"""
        return self.status not in {IN_PROGRESS, PENDING}

    def seconds(self, now: datetime) -> float:
        """How long it took, or has taken so far."""
        if self.began is None:
            return 0.0
        until = self.updated if self.ended and self.updated else now
        return max(0.0, (until - self.began).total_seconds())


@dataclass(frozen=True)
class Progress:
    """An execution of the release pipeline: its status, and all its actions in order."""

    execution: str
    status: str
    summary: str | None
    variables: dict[str, str]
    actions: tuple[Action, ...]

    @property
    def ended(self) -> bool:
        """Has it ended?"""
        return self.status in ENDED

    @property
    def current(self) -> Action | None:
        """The action in progress."""
        return next((one for one in self.actions if one.status == IN_PROGRESS), None)

    @property
    def failed(self) -> Action | None:
        """The action that ended it."""
        return next((one for one in self.actions if one.status in {"Failed", "Abandoned"}), None)

    def action(self, name: str) -> Action | None:
        """An action by its name."""
        return next((one for one in self.actions if one.name == name), None)


def fold(details: Iterable[Any]) -> tuple[Action, ...]:
    """ListActionExecutions' details, newest first, as one entry per action in pipeline order."""
    newest: dict[tuple[str, str], Any] = {}
    attempts: dict[tuple[str, str], int] = {}
    for detail in details:
        key = (detail["stageName"], detail["actionName"])
        newest.setdefault(key, detail)
        attempts[key] = attempts.get(key, 0) + 1
    order = [(stage, name) for stage, names in LAYOUT.items() for name in names]
    order += [key for key in reversed(newest) if key not in order]
    last = max((order.index(key) for key in newest), default=-1)
    folded = []
    for place, (stage, name) in enumerate(order):
        detail = newest.get((stage, name))
        if detail is None:
            folded.append(Action(stage, name, SKIPPED if place < last else PENDING))
        else:
            folded.append(_action(detail, attempts[stage, name]))
    return tuple(folded)


def _action(detail: Any, attempts: int) -> Action:
    result = detail.get("output", {}).get("executionResult", {})
    error = result.get("errorDetails") or {}
    return Action(
        detail["stageName"],
        detail["actionName"],
        detail["status"],
        detail.get("startTime"),
        detail.get("lastUpdateTime"),
        attempts,
        result.get("externalExecutionSummary") or None,
        error.get("message") or None,
        error.get("code") or None,
        detail.get("updatedBy") or None,
        result.get("externalExecutionId") or None,
        result.get("externalExecutionUrl") or None,
    )


def pipeline_name(connection: "Connection") -> str:
    """The stage's release pipeline."""
    return connection.outputs["ReleasePipelineName"]


def progress(connection: "Connection", release: "Release") -> Progress | None:
    """The latest pipeline execution of a release; None if it has none (any more)."""
    execution = latest_execution(connection, release)
    return progress_of(connection, execution) if execution else None


def latest_execution(connection: "Connection", release: "Release") -> str | None:
    """The execution that promotes or promoted the release; a rollback has its own."""
    from kanmon.stage.model_table import item_of

    lock = item_of(connection, release.model, "deployment") or {}
    holder = lock.get("holder")
    if holder and holder != release.execution:
        running = progress_of(connection, str(holder))
        if (
            running
            and not running.ended
            and running.variables.get("release") == str(release.release)
        ):
            return str(holder)
    if release.in_service:
        champion = item_of(connection, release.model, "champion") or {}
        return champion.get("execution") or release.execution
    return release.execution


def progress_of(connection: "Connection", execution: str) -> Progress | None:
    """An execution; None if there is none with this ID (CodePipeline keeps them for a year)."""
    from botocore.exceptions import ClientError

    pipeline, client = pipeline_name(connection), connection.client("codepipeline")
    try:
        found = client.get_pipeline_execution(pipelineName=pipeline, pipelineExecutionId=execution)[
            "pipelineExecution"
        ]
    except ClientError as error:
        if error.response["Error"]["Code"] == "PipelineExecutionNotFoundException":
            return None
        raise
    return Progress(
        execution,
        found["status"],
        found.get("statusSummary") or None,
        {one["name"]: one["resolvedValue"] for one in found.get("variables", [])},
        fold(_details(client, pipeline, execution)),
    )


def actions_of(connection: "Connection", execution: str) -> tuple[Action, ...]:
    """The actions of an execution so far."""
    client = connection.client("codepipeline")
    return fold(_details(client, pipeline_name(connection), execution))


def _details(client: Any, pipeline: str, execution: str) -> list[Any]:
    pages = client.get_paginator("list_action_executions").paginate(
        pipelineName=pipeline, filter={"pipelineExecutionId": execution}
    )
    return [detail for page in pages for detail in page["actionExecutionDetails"]]
