"""The account as CodePipeline sees it: its ARNs, the rest of the stage, the pages of its lists."""

import secrets
import string
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from localaws.emulator import Event
from localaws.protocol.errors import ServiceError
from localaws.protocol.paging import read_token, write_token

TARGET_PREFIX = "CodePipeline_20150709."
PRINCIPAL = "codepipeline.amazonaws.com"

# AWS cuts the names of pipeline and artifact to these lengths in the keys of artifacts.
PIPELINE_LETTERS = 20
ARTIFACT_LETTERS = 10
KEY_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Names:
    """Makes ARNs and addresses in one region and account."""

    region: str
    account: str

    def arn(self, *path: str) -> str:
        """
        >>> Names("us-east-1", "123456789012").arn("release", "Review", "ApproveRelease")
        'arn:aws:codepipeline:us-east-1:123456789012:release/Review/ApproveRelease'
        """
        return f"arn:aws:codepipeline:{self.region}:{self.account}:{'/'.join(path)}"

    def console(self, pipeline: str, *path: str) -> str:
        """The address of a pipeline, or of a place in it, in the older console's form."""
        view = "/".join((pipeline, *path))
        return f"https://console.aws.amazon.com/codepipeline/home?region={self.region}#/view/{view}"


def artifact_key(pipeline: str, artifact: str) -> str:
    """A new key for an artifact, in AWS's form: name/name/seven random letters."""
    letters = "".join(secrets.choice(KEY_LETTERS) for _ in range(7))
    return f"{pipeline[:PIPELINE_LETTERS]}/{artifact[:ARTIFACT_LETTERS]}/{letters}"


# Operation → the members of its request that name the resource, outermost first.
STAGE = ("pipelineName", "stageName")
RESOURCES: dict[str, tuple[str, ...]] = {
    "DeletePipeline": ("name",),
    "DisableStageTransition": STAGE,
    "EnableStageTransition": STAGE,
    "GetPipeline": ("name",),
    "GetPipelineExecution": ("pipelineName",),
    "GetPipelineState": ("name",),
    "ListActionExecutions": ("pipelineName",),
    "ListPipelineExecutions": ("pipelineName",),
    "ListRuleExecutions": ("pipelineName",),
    "OverrideStageCondition": STAGE,
    "PutApprovalResult": (*STAGE, "actionName"),
    "RetryStageExecution": STAGE,
    "RollbackStage": STAGE,
    "StartPipelineExecution": ("name",),
    "StopPipelineExecution": ("pipelineName",),
}


def resource_arn(action: str, request: dict[str, Any], region: str, account: str) -> str:
    """Return the resource an IAM policy is held against, "*" where the action has none.

    Deciding by the request alone: it is asked before the request is checked.
    """
    if action in ("TagResource", "UntagResource", "ListTagsForResource"):
        return str(request.get("resourceArn") or "*")
    if action in ("CreatePipeline", "UpdatePipeline"):
        declared = request.get("pipeline")
        path = [declared.get("name")] if isinstance(declared, dict) else [None]
    else:
        path = [request.get(member) for member in RESOURCES.get(action, ())]
    if not path or not all(path):
        return "*"
    return Names(region, account).arn(*(str(part) for part in path))


class Allowed(Protocol):
    """Decides, and records, whether a role may do something; decisions are IAM's."""

    def __call__(
        self, role: str, action: str, resource: str, context: Mapping[str, Any] | None = None
    ) -> bool: ...


@dataclass(frozen=True)
class Ports:
    """The stage, as seen by the service. Everything may be called from any thread."""

    caller: Callable[[], str | None]
    """The ARN of the role that makes the current request; None for the account's root."""
    identity: Callable[[], str]
    """The full ARN of who makes the current request, a role's session with its name."""
    allowed: Allowed
    trusted: Callable[[str], bool]
    """Whether a role (ARN) is there and lets CodePipeline assume it."""
    emit: Callable[[Event], None]
    changed: Callable[[], None]
    """Called after every change of the state, so that it can be saved."""
    now: Callable[[], float]
    """Seconds since the epoch."""


@dataclass(frozen=True)
class Acting:
    """Whose permissions an action has: the pipeline's role, or one that this role assumes."""

    pipeline_role: str
    action_role: str | None = None

    @property
    def role(self) -> str:
        return self.action_role or self.pipeline_role


@dataclass(frozen=True)
class Artifact:
    """A place in the artifact store, and the revision of what is there once it is known."""

    name: str
    bucket: str
    key: str
    revision: str | None = None


class ActionError(Exception):
    """An action failed; `code` is one of AWS's failure types, such as ConfigurationError."""

    def __init__(self, code: str, message: str, external_id: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.external_id = external_id


@dataclass(frozen=True)
class Result:
    """What an action that succeeded leaves behind."""

    summary: str | None = None
    external_id: str | None = None
    url: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    revision: Mapping[str, Any] | None = None
    """Of a source: revisionId, revisionChangeIdentifier, revisionUrl, revisionSummary, created."""


@dataclass(frozen=True)
class Task:
    """One execution of one action, with all its variables resolved."""

    pipeline: str
    execution: str
    stage: str
    action: str
    id: str
    """The id of this execution of the action."""
    acting: Acting
    configuration: Mapping[str, str]
    inputs: Sequence[Artifact]
    outputs: Sequence[Artifact]
    overrides: Mapping[str, str]
    """Of a source: revision type → value, as the execution was started with."""
    abandoned: threading.Event
    """Set when the action is abandoned."""
    report: Callable[[str, str | None], None]
    """Tell, while it runs, the id and address it has at its provider."""
    approval: Mapping[str, Any] | None = None
    """Of an approval: its token, and when it expires in seconds since the epoch."""


class Provider(Protocol):
    """Runs an action to its end on a thread of its own; raises ActionError."""

    def __call__(self, task: Task) -> Result: ...


Entries = Sequence[Mapping[str, Any]]


def page(
    request: Mapping[str, Any], entries: Entries, size: int = 100
) -> tuple[Entries, str | None]:
    """Return one page of the entries and the token of the next, if there is one."""
    try:
        start = read_token(request.get("nextToken"))
    except ServiceError as error:
        raise ServiceError("InvalidNextTokenException", str(error)) from error
    end = start + request.get("maxResults", size)
    return entries[start:end], write_token(end) if end < len(entries) else None
