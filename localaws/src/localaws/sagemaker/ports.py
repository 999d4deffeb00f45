"""What SageMaker and its jobs need from the rest of the stage, and nothing more."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from localaws.emulator import Event

PRINCIPAL = "sagemaker.amazonaws.com"


class RoleRefusedError(Exception):
    """The role does not exist or does not trust SageMaker."""


class RoleCredentials(Protocol):
    """Temporary credentials of a role."""

    @property
    def access_key(self) -> str: ...
    @property
    def secret_key(self) -> str: ...
    @property
    def session_token(self) -> str: ...


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
    """The full ARN of who makes it, a role's session with its name."""
    allowed: Allowed
    assume: Callable[[str, str], RoleCredentials]
    """Credentials of a role (ARN, session name) for SageMaker; raises RoleRefusedError."""
    emit: Callable[[Event], None]
    log_group_exists: Callable[[str], bool]
    write_log: Callable[[str, str, Sequence[tuple[int, str]]], None]
    """Append (milliseconds, line) to a log group's stream, making both where needed."""
    write_metric: Callable[[str, str, float, str], None]
    """Record a percentage: a namespace, the metric's name, the value, the host it is about."""
    changed: Callable[[], None]
    """Called after every change of the state, so that it can be saved."""
