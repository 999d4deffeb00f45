"""The release pipeline: start a release, see how its execution stands, answer its approval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from core.words.formats import timestamp

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient
    from mypy_boto3_codepipeline.literals import SourceRevisionTypeType

# Names in template.yaml.
SOURCE, REVIEW_STAGE, REVIEW, DEPLOY = "Bundle", "Review", "ApproveRelease", "DeployRelease"

# CodePipeline's limits: of a variable's value, and of a decision's summary.
LONGEST_VARIABLE, LONGEST_DECISION = 1000, 512
LONGEST_SUMMARY = 500
_ENDED = ("Succeeded", "Failed", "Stopped", "Superseded", "Cancelled")


class TooManyReleasesError(Exception):
    """CodePipeline has as many executions of the pipeline under way as it takes."""


@dataclass(frozen=True)
class Action:
    """The latest attempt of one action in one execution. `external` is, of an approval that is
    open, the token to answer it with."""

    name: str
    status: str  # InProgress | Succeeded | Failed | Abandoned
    at: str = ""
    began: datetime | None = None
    by: str | None = None
    summary: str | None = None
    external: str | None = None
    error_code: str | None = None
    error: str | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Execution:
    """How an execution stands, with its variables and the actions that have begun, in order."""

    id: str
    status: str
    summary: str | None
    started_by: str | None
    variables: Mapping[str, str]
    actions: tuple[Action, ...]

    @property
    def ended(self) -> bool:
        return self.status in _ENDED

    def action(self, name: str) -> Action | None:
        return next((each for each in self.actions if each.name == name), None)

    @property
    def names(self) -> tuple[str, int] | None:
        """The model and the release that its variables name; whoever starts it may write any."""
        model, number = self.variables.get("model", ""), self.variables.get("release", "")
        plain = number.isascii() and number.isdigit()
        return (model, int(number)) if model and plain else None

    @property
    def broken(self) -> Action | None:
        """The action that ended it."""
        return next((a for a in self.actions if a.status in ("Failed", "Abandoned")), None)


class Pipeline:
    def __init__(self, client: CodePipelineClient, name: str) -> None:
        self._client = client
        self.name = name

    def start(
        self, variables: Mapping[str, str], bundle_key: str, bundle_version: str, token: str
    ) -> str:
        """Start one execution on exactly this bundle; the same token starts nothing twice."""
        revisions: tuple[tuple[SourceRevisionTypeType, str], ...] = (
            ("S3_OBJECT_KEY", bundle_key),
            ("S3_OBJECT_VERSION_ID", bundle_version),
        )
        try:
            started = self._client.start_pipeline_execution(
                name=self.name,
                variables=[
                    {"name": name, "value": value_for(value)} for name, value in variables.items()
                ],
                sourceRevisions=[
                    {"actionName": SOURCE, "revisionType": kind, "revisionValue": value}
                    for kind, value in revisions
                ],
                clientRequestToken=token,
            )
        except self._client.exceptions.ConcurrentPipelineExecutionsLimitExceededException as error:
            raise TooManyReleasesError(
                f"pipeline {self.name}: as many releases are under way as CodePipeline takes at "
                "once; decide about those that wait (`kanmon releases` lists them), then run the "
                "model again with --force"
            ) from error
        return started["pipelineExecutionId"]

    def execution(self, identity: str) -> Execution | None:
        """The execution as it stands now; None when there is none of that id (any more)."""
        try:
            found = self._client.get_pipeline_execution(
                pipelineName=self.name, pipelineExecutionId=identity
            )["pipelineExecution"]
        except self._client.exceptions.PipelineExecutionNotFoundException:
            return None
        return Execution(
            id=identity,
            status=found["status"],
            summary=found.get("statusSummary") or None,
            started_by=found.get("trigger", {}).get("triggerDetail") or None,
            variables={
                each["name"]: each.get("resolvedValue", "") for each in found.get("variables", [])
            },
            actions=self.actions(identity),
        )

    def actions(self, identity: str) -> tuple[Action, ...]:
        """Each action's latest attempt; CodePipeline lists the newest first."""
        pages = self._client.get_paginator("list_action_executions").paginate(
            pipelineName=self.name, filter={"pipelineExecutionId": identity}
        )
        newest: dict[str, Action] = {}
        for page in pages:
            for detail in page["actionExecutionDetails"]:
                newest.setdefault(detail["actionName"], _action(detail))
        return tuple(reversed(newest.values()))

    def review(self, identity: str) -> Action | None:
        """The execution's manual approval, if it has come to it."""
        return next((each for each in self.actions(identity) if each.name == REVIEW), None)

    def decide(self, token: str, result: Literal["Approved", "Rejected"], summary: str) -> bool:
        """Answer an open approval; False if it is not open any more."""
        known = self._client.exceptions
        try:
            self._client.put_approval_result(
                pipelineName=self.name,
                stageName=REVIEW_STAGE,
                actionName=REVIEW,
                result={"status": result, "summary": value_for(summary, LONGEST_DECISION)},
                token=token,
            )
        except (known.ApprovalAlreadyCompletedException, known.InvalidApprovalTokenException):
            return False
        return True


def value_for(text: str, longest: int = LONGEST_VARIABLE) -> str:
    """The text in one line, never empty, within the limit.

    >>> value_for("two\\nlines"), value_for("")
    ('two lines', '-')
    """
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split()) or "-"
    return line if len(line) <= longest else line[: longest - 3] + "..."


def _action(detail: Any) -> Action:
    result = detail.get("output", {}).get("executionResult", {})
    error = result.get("errorDetails") or {}
    at = detail.get("lastUpdateTime") or detail.get("startTime")
    return Action(
        name=detail["actionName"],
        status=detail["status"],
        at=timestamp(at) if at else "",
        began=detail.get("startTime"),
        by=detail.get("updatedBy") or None,
        summary=result.get("externalExecutionSummary") or None,
        external=result.get("externalExecutionId") or None,
        error_code=error.get("code") or None,
        error=error.get("message") or None,
        outputs=detail.get("output", {}).get("outputVariables") or {},
    )
