"""What pipelines and their actions need from the rest of the stage, and nothing more."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from localaws.emulator import Event


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
    """Set when nobody waits for the action any more."""
    report: Callable[[str, str | None], None]
    """Tell, while it runs, the id and address it has at its provider."""
    approval: Mapping[str, Any] | None = None
    """Of an approval: its token, and when it expires in seconds since the epoch."""


class Provider(Protocol):
    """Runs an action to its end on a thread of its own; raises ActionError."""

    def __call__(self, task: Task) -> Result: ...
