"""What CodeBuild needs from the rest of the stage, and nothing more."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from localaws.credentials import Credentials
from localaws.emulator import Event

PRINCIPAL = "codebuild.amazonaws.com"


class Allowed(Protocol):
    """Decides, and records, whether a role may do something; decisions are IAM's."""

    def __call__(
        self, role: str, action: str, resource: str, context: Mapping[str, Any] | None = None
    ) -> bool: ...


@dataclass(frozen=True)
class Ports:
    """The stage, as seen from here. Everything may be called from any thread."""

    endpoint: Callable[[], str]
    """The gateway's address, such as http://127.0.0.1:45231."""
    caller: Callable[[], str | None]
    """The ARN of the role that makes the current request; None for the account's root."""
    identity: Callable[[], str]
    """The full ARN of who makes the current request, a role's session with its name."""
    allowed: Allowed
    assume: Callable[[str, str], Credentials]
    """Credentials of a role (ARN, session name) for CodeBuild; raises RoleRefusedError."""
    parameters: Callable[[Credentials, Sequence[str]], Mapping[str, str]]
    """Values of Parameter Store by name, read as a role; raises ParametersError."""
    emit: Callable[[Event], None]
    log_group_exists: Callable[[str], bool]
    write_log: Callable[[str, str, Sequence[tuple[int, str]]], None]
    """Append (milliseconds, line) to a log group's stream, making both where needed."""
    changed: Callable[[], None]
    """Called after every change of the state, so that it can be saved."""


class ParametersError(Exception):
    """A parameter is not there, or the role may not read it; worded as AWS words it."""
