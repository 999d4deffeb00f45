"""The account as CodeDeploy sees it: its ARNs, the rest of the stage, its errors."""

import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from localaws.emulator import Event

PRINCIPAL = "codedeploy.amazonaws.com"


class RoleRefusedError(Exception):
    """The role does not exist or does not trust CodeDeploy."""


class DeniedError(Exception):
    """The group's role may not do this; the message is IAM's."""

    def __init__(self, service: str, message: str) -> None:
        super().__init__(message)
        self.service = service


class FailedError(Exception):
    """A call failed for another reason than a permission; the message names it."""


class Actor(Protocol):
    """Acts as a deployment group's role. Raises DeniedError and FailedError."""

    def alias(self, function: str, alias: str) -> dict[str, Any]:
        """The alias, as Lambda's GetAlias answers."""

    def route(self, function: str, alias: str, main: str, others: Mapping[str, float]) -> None:
        """Point the alias at a version, with shares (0 to 1) for others."""

    def call_hook(self, function: str, payload: Mapping[str, str]) -> str | None:
        """Invoke and wait; what went wrong inside the function, or None."""

    def alarms(self, names: list[str]) -> dict[str, str]:
        """The state of each alarm that exists."""


@dataclass(frozen=True)
class Ports:
    """The stage, as seen from here. Everything may be called from any thread."""

    act_as: Callable[[str], Actor]
    """An actor with a role's credentials (by its ARN); raises RoleRefusedError."""
    may_pass: Callable[[str], str | None]
    """Why the current caller may not hand this role to CodeDeploy; None if it may."""
    caller: Callable[[], str]
    """The ARN of who makes the current request."""
    emit: Callable[[Event], None]
    restore_alias: Callable[[str, str, str], None]
    """Point an alias at one version without asking: for what a killed server left half done."""
    pace: Callable[[float], float]
    """AWS's seconds as seconds here."""
    changed: Callable[[], None]
    """Called after every change of the state, so that it can be saved."""
    keep: Callable[[str], None]
    """Save a service ("codedeploy", "lambda") before going on. Never under the service's lock:
    saving takes it."""


TARGET_PREFIX = "CodeDeploy_20141006."
PREDEFINED = "CodeDeployDefault."
_LETTERS = string.ascii_uppercase + string.digits

APPLICATION = {"CreateApplication", "GetApplication", "DeleteApplication", "ListDeploymentGroups"}


@dataclass(frozen=True)
class Names:
    """Makes ARNs in one region and account."""

    region: str
    account: str

    def application(self, name: str) -> str:
        return self._arn(f"application:{name}")

    def group(self, application: str, name: str) -> str:
        """
        >>> Names("us-east-1", "123456789012").group("shop", "live")
        'arn:aws:codedeploy:us-east-1:123456789012:deploymentgroup:shop/live'
        """
        return self._arn(f"deploymentgroup:{application}/{name}")

    def config(self, name: str) -> str:
        return self._arn(f"deploymentconfig:{name}")

    def _arn(self, resource: str) -> str:
        return f"arn:aws:codedeploy:{self.region}:{self.account}:{resource}"


def deployment_id() -> str:
    return "d-" + "".join(secrets.choice(_LETTERS) for _ in range(9))
