"""The release pipeline: start a release, read its execution, answer its approval."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from core.words.catalogue import say
from core.words.formats import one_line, timestamp

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient
    from mypy_boto3_codepipeline.literals import SourceRevisionTypeType

# Names in template.yaml.
SOURCE, REVIEW_STAGE, REVIEW, DEPLOY = "Bundle", "Review", "ApproveRelease", "DeployRelease"

# CodePipeline's limits: of a variable's value, and of a decision's summary.
LONGEST_VARIABLE, LONGEST_DECISION = 1000, 512
LONGEST_SUMMARY = 500
LONGEST_STOP_REASON = 200
# Why a stage that is removed stops its releases.
STAGE_REMOVED = "The stage is being removed"
IN_PROGRESS, SUCCEEDED = "InProgress", "Succeeded"
_FAILED = ("Failed", "Abandoned")
# Not CodePipeline's: of actions that have not begun, where an execution is shown whole.
PENDING, SKIPPED = "Pending", "Skipped"
# An execution with one of these does nothing any more.
_ENDED = (SUCCEEDED, "Failed", "Stopped", "Superseded", "Cancelled")


# An execution is looked for among so many: all that can be in progress are much younger.
_MOST_RECENT = 1000


class TooManyReleasesError(Exception):
    """CodePipeline's limit of executions in progress is reached."""


@dataclass(frozen=True)
class Action:
    """One action of an execution; of several attempts, the latest. `external_id` is, of an
    approval that is open, the token to answer it with."""

    stage: str
    name: str
    status: str
    began: datetime | None = None
    updated: datetime | None = None
    attempts: int = 1
    summary: str | None = None
    error: str | None = None
    error_code: str | None = None
    by: str | None = None
    external_id: str | None = None
    # Of an approval: how long it stays open, where that is known.
    open_minutes: int | None = None

    @property
    def ended(self) -> bool:
        return self.status not in (IN_PROGRESS, PENDING)

    def seconds(self, now: datetime) -> float:
        """How long it took, or has taken so far."""
        if self.began is None:
            return 0.0
        until = self.updated if self.ended and self.updated else now
        return max(0.0, (until - self.began).total_seconds())

    @property
    def at(self) -> str:
        """When it came to what it is now."""
        latest = self.updated or self.began
        return timestamp(latest) if latest else ""


@dataclass(frozen=True)
class Execution:
    """An execution as it is now, with its variables and its actions in order."""

    id: str
    status: str
    summary: str | None
    started_by: str | None
    variables: Mapping[str, str]
    actions: tuple[Action, ...]

    @property
    def ended(self) -> bool:
        return self.status in _ENDED

    @property
    def at_rest(self) -> bool:
        """Has it ended, and every action with it? The two are shown one after the other."""
        return self.ended and self.current is None

    @property
    def began(self) -> datetime | None:
        """When its first action began."""
        return min((each.began for each in self.actions if each.began), default=None)

    def action(self, name: str) -> Action | None:
        return next((each for each in self.actions if each.name == name), None)

    @property
    def names(self) -> tuple[str, int] | None:
        """The model and the release that its variables name; its starter may write any."""
        model, number = self.variables.get("model", ""), self.variables.get("release", "")
        plain = number.isascii() and number.isdigit()
        return (model, int(number)) if model and plain else None

    @property
    def current(self) -> Action | None:
        """The action that runs now."""
        return next((each for each in self.actions if each.status == IN_PROGRESS), None)

    @property
    def failed(self) -> Action | None:
        """The action that ended it."""
        return next((each for each in self.actions if each.status in _FAILED), None)


class Pipeline:
    """`open_minutes` is how long a review stays open.

    What CodePipeline shows of an execution follows its events within seconds: for so long, what an
    event has told is waited for.
    """

    pause_seconds, pauses = 1.0, 15

    def __init__(
        self, client: CodePipelineClient, name: str, open_minutes: int | None = None
    ) -> None:
        self._client = client
        self.open_minutes = open_minutes
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
                say("refused.too_many_releases", pipeline=self.name)
            ) from error
        return started["pipelineExecutionId"]

    def in_progress(self) -> int:
        """How many executions there are that have not ended."""
        pages = self._client.get_paginator("list_pipeline_executions").paginate(
            pipelineName=self.name, PaginationConfig={"MaxItems": _MOST_RECENT}
        )
        listed = (one for page in pages for one in page["pipelineExecutionSummaries"])
        return sum(one["status"] not in _ENDED for one in listed)

    def stop(self, identity: str, reason: str) -> None:
        """End an execution that is not needed any more, at once; one that has ended stays so.

        It ends as stopped and not as failed: that is no alarm.
        """
        known = self._client.exceptions
        try:
            self._client.stop_pipeline_execution(
                pipelineName=self.name,
                pipelineExecutionId=identity,
                abandon=True,
                reason=value_for(reason, LONGEST_STOP_REASON),
            )
        except (
            known.DuplicatedStopRequestException,
            known.PipelineExecutionNotFoundException,
            known.PipelineExecutionNotStoppableException,
        ):
            return

    def execution(self, identity: str) -> Execution | None:
        """The execution as it is now; None when there is none of that id (they are kept a year)."""
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

    def ended(self, identity: str) -> Execution | None:
        """The execution once it has ended, as an event told; else as it is after a while."""
        return after(self, lambda: self.execution(identity), lambda found: not found.at_rest)

    def decided_review(self, identity: str) -> Action | None:
        """The review once it has ended, as an event told; else as it is after a while."""
        return after(self, lambda: self.review(identity), lambda found: not found.ended)

    def actions(self, identity: str) -> tuple[Action, ...]:
        """The actions that have begun, in order."""
        pages = self._client.get_paginator("list_action_executions").paginate(
            pipelineName=self.name, filter={"pipelineExecutionId": identity}
        )
        found = actions_from(detail for page in pages for detail in page["actionExecutionDetails"])
        return tuple(
            replace(each, open_minutes=self.open_minutes) if each.name == REVIEW else each
            for each in found
        )

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


class Patience(Protocol):
    """How often something is looked at again, and how long that is apart."""

    pause_seconds: float
    pauses: int


Seen = TypeVar("Seen")


def after(
    patience: Patience, look: Callable[[], Seen | None], too_early: Callable[[Seen], bool]
) -> Seen | None:
    """What is seen once it is not too early any more, or at last all the same."""
    for _ in range(patience.pauses):
        found = look()
        if found is None or not too_early(found):
            return found
        time.sleep(patience.pause_seconds)
    return look()


def actions_from(details: Iterable[Any]) -> tuple[Action, ...]:
    """ListActionExecutions' details, newest first, as one action each in the order they began."""
    attempts: dict[tuple[str, str], list[Any]] = {}
    for detail in details:
        attempts.setdefault((detail["stageName"], detail["actionName"]), []).append(detail)
    return tuple(_action(each[0], len(each)) for each in reversed(attempts.values()))


def _action(detail: Any, attempts: int) -> Action:
    result = detail.get("output", {}).get("executionResult", {})
    error = result.get("errorDetails") or {}
    return Action(
        stage=detail["stageName"],
        name=detail["actionName"],
        status=detail["status"],
        began=detail.get("startTime"),
        updated=detail.get("lastUpdateTime"),
        attempts=attempts,
        summary=result.get("externalExecutionSummary") or None,
        error=error.get("message") or None,
        error_code=error.get("code") or None,
        by=detail.get("updatedBy") or None,
        external_id=result.get("externalExecutionId") or None,
    )


def value_for(text: str, longest: int = LONGEST_VARIABLE) -> str:
    """The text in one line, never empty, within the limit.

    >>> value_for("two\\nlines"), value_for("")
    ('two lines', '-')
    """
    return one_line(text, longest) or "-"
