"""CodeDeploy of the local stage, for Lambda: deployments that really shift an alias's traffic.

    account.py       ARNs, errors, and what the rest of the stage does for it
    requests.py      what is wrong with a request, in CodeDeploy's own exceptions
    catalogue.py     applications and deployment groups
    revision.py      what is deployed, and how traffic moves to it, in steps
    deployments.py   the API of deployments and what is kept of them
    rollout.py       one deployment as it runs: hooks, shifting, alarms, rolling back
    stage.py         all of it on a running stage, acting as the group's role

The stage installs `own` once and then uses it as the service.
"""

from typing import TYPE_CHECKING, Any

from localaws.codedeploy.account import TARGET_PREFIX
from localaws.parts import OwnService, Parts

if TYPE_CHECKING:
    from localaws.codedeploy.stage import Stage

DIFFERS = (
    "CodeDeploy deploys Lambda functions only. A hook that raises fails its deployment at once, "
    "where AWS waits for the hook's answer up to an hour. A rollback moves all traffic at once and "
    "runs no hooks. If the stage is killed, alias and stack are rolled back at its next start."
)


def _make(parts: Parts) -> "Stage":
    from localaws.codedeploy.stage import Stage

    return Stage(parts)


def resource_arn(action: str, request: dict[str, Any], region: str, account: str) -> str:
    """Return the resource an IAM policy is held against, "*" where the action has none."""
    return own.installed.service.resource_arn(action, request)


own = OwnService("CodeDeploy", TARGET_PREFIX, resource_arn, _make)
