"""CodeDeploy of the local stage, for Lambda: deployments that really shift an alias's traffic.

    names.py         ARNs, and the resource a request is about
    requests.py      CodeDeploy's own names for wrong requests
    catalogue.py     applications, deployment groups, deployment configurations
    appspec.py       what a deployment's revision says
    traffic.py       how a configuration shifts traffic, in steps
    deployments.py   the API of deployments and what is kept of them
    rollout.py       one deployment as it runs: hooks, shifting, alarms, rolling back
    acting.py        what a rollout does, through the stage's own endpoint as the group's role

The stage calls `install` once and then uses this package as the service's module.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kanmon.local.codedeploy.stage import Stage
    from kanmon.local.parts import Parts
    from kanmon.local.protocol.service import Response

TARGET_PREFIX = "CodeDeploy_20141006."

_stage: "Stage | None" = None


def install(parts: "Parts") -> None:
    """Make the service for this stage."""
    global _stage
    from kanmon.local.codedeploy.stage import Stage

    _stage = Stage(parts)


def respond(headers: Mapping[str, str], body: bytes) -> "Response":
    """Answer one request of the gateway. Everything is in memory: it returns at once."""
    return _installed().respond(headers, body)


def resource_arn(action: str, request: dict[str, Any], region: str, account: str) -> str:
    """Return the resource an IAM policy is held against, "*" where the action has none."""
    return _installed().service.resource_arn(action, request)


def get_state() -> dict[str, Any]:
    """Return all that is kept, as plain JSON."""
    return _installed().service.get_state()


def load_persisted_state(state: Mapping[str, Any] | None) -> None:
    """Take up what `get_state` returned; what was under way when it was kept has ended."""
    _installed().service.load_persisted_state(state)


def warm_up() -> None:
    """Load what the first request would otherwise wait for."""
    _installed().warm_up()


def close() -> None:
    """Nothing runs beside the server: deployments are threads, and end with it."""


def _installed() -> "Stage":
    if _stage is None:
        raise RuntimeError("CodeDeploy is not installed in this stage yet")
    return _stage
