"""The traffic of a model: how the live alias splits it, and the deployments that shift it."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kanmon.stage.aws_errors import REFUSED

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

ALIAS = "live"
# A promotion has one; a rollback adds one.
MOST_DEPLOYMENTS = 10
UNDER_WAY = ("Created", "Queued", "InProgress", "Baking")
# Logical IDs in serving.yaml; SAM derives the last two from the function.
FUNCTION = "ScoringFunction"
APPLICATION = "ServerlessDeploymentApplication"
GROUP = "ScoringFunctionDeploymentGroup"


# In place of a release's number: the version of a model that is out of service.
WITHDRAWN = 0

Share = tuple[int | None, float]


@dataclass(frozen=True)
class Deployment:
    """A CodeDeploy deployment of a model's scoring function."""

    id: str
    status: str
    began: datetime
    ended: datetime | None
    creator: str
    # CodeDeploy's reason for its end, and the reason's code, such as ALARM_ACTIVE.
    reason: str | None
    reason_code: str | None
    rollback: str | None
    # Lifecycle events with status and, where one failed, its message.
    events: tuple[tuple[str, str, str], ...] = ()

    @property
    def under_way(self) -> bool:
        """Is traffic being shifted, or about to be?"""
        return self.status in UNDER_WAY


def serving_stack(connection: "Connection", model: str) -> str:
    """The stack that serves the model."""
    return f"{connection.outputs.get('ServingStackPrefix', f'{connection.stack}-serving-')}{model}"


def traffic(connection: "Connection", model: str) -> list[Share]:
    """How the live alias splits the traffic; empty if there is no alias yet."""
    return TrafficReader(connection, model).shares()


class TrafficReader:
    """Reads a model's live alias repeatedly, and only what can have changed."""

    def __init__(self, connection: "Connection", model: str) -> None:
        self._connection = connection
        self._model = model
        self._function: str | None = None
        self._releases: dict[str, int | None] = {}

    def shares(self) -> list[Share]:
        """(release, share) now; the release is None if its version does not name it."""
        function = self._function = self._function or _resource(
            self._connection, self._model, FUNCTION
        )
        if function is None:
            return []
        found = alias_versions(self._connection, function)
        for version, _ in found:
            if version not in self._releases:
                self._releases[version] = release_of_version(self._connection, function, version)
        found = [one for one in found if self._releases[one[0]] != WITHDRAWN]
        return [(self._releases[version], share) for version, share in found]


def alias_versions(connection: "Connection", function: str) -> list[tuple[str, float]]:
    """(version, share) of the function's live alias, in the order of `shares`."""
    from botocore.exceptions import ClientError

    try:
        alias = connection.client("lambda").get_alias(FunctionName=function, Name=ALIAS)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return []
        raise
    return shares(alias)


def shares(alias: Any) -> list[tuple[str, float]]:
    """(version, share) of an alias: the version in service, then the one that traffic shifts to.

    >>> shares({"FunctionVersion": "6", "RoutingConfig": {"AdditionalVersionWeights": {"7": 0.9}}})
    [('6', 0.1), ('7', 0.9)]
    """
    extra = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    main = (str(alias["FunctionVersion"]), round(1 - sum(extra.values()), 6))
    found = [main, *((str(version), float(share)) for version, share in extra.items())]
    return [one for one in found if one[1] > 0]


def release_of_version(connection: "Connection", function: str, version: str) -> int | None:
    """The release in a version of the scoring function; WITHDRAWN where it answers an error."""
    settings = connection.client("lambda").get_function_configuration(
        FunctionName=function, Qualifier=version
    )
    variables = settings.get("Environment", {}).get("Variables", {})
    if variables.get("WITHDRAWN") == "true":
        return WITHDRAWN
    number = variables.get("RELEASE", "")
    return int(number) if number.isdigit() else None


def deployments(
    connection: "Connection", model: str, *, under_way: bool = False, since: datetime | None = None
) -> list[Deployment]:
    """The model's deployments, newest first; only those under way, or since a moment, if given."""
    application = _resource(connection, model, APPLICATION)
    group = _resource(connection, model, GROUP) if application else None
    if application is None or group is None:
        return []
    client = connection.client("codedeploy")
    request: dict[str, Any] = {"applicationName": application, "deploymentGroupName": group}
    if under_way:
        request["includeOnlyStatuses"] = list(UNDER_WAY)
    if since:
        request["createTimeRange"] = {"start": since}
    ids = client.list_deployments(**request)["deployments"][:MOST_DEPLOYMENTS]
    found = (client.get_deployment(deploymentId=one)["deploymentInfo"] for one in ids)
    described = [_deployment(client, one) for one in found]
    return sorted(described, key=lambda one: one.began, reverse=True)


def _deployment(client: Any, info: Any) -> Deployment:
    error, rollback = info.get("errorInformation") or {}, info.get("rollbackInfo") or {}
    return Deployment(
        info["deploymentId"],
        info["status"],
        info["createTime"],
        info.get("completeTime"),
        info.get("creator", ""),
        error.get("message") or None,
        error.get("code") or None,
        rollback.get("rollbackMessage") or None,
        _events(client, info["deploymentId"]),
    )


def _events(client: Any, deployment: str) -> tuple[tuple[str, str, str], ...]:
    from botocore.exceptions import ClientError

    try:
        ids = client.list_deployment_targets(deploymentId=deployment)["targetIds"]
        targets = client.batch_get_deployment_targets(deploymentId=deployment, targetIds=ids)
    except ClientError as error:
        # Without that permission, the deployment is shown without its events.
        if error.response["Error"]["Code"] in {"DeploymentNotStartedException", *REFUSED}:
            return ()
        raise
    return tuple(
        (
            event["lifecycleEventName"],
            event.get("status", "Unknown"),
            (event.get("diagnostics") or {}).get("message") or "",
        )
        for target in targets["deploymentTargets"]
        for event in (target.get("lambdaTarget") or {}).get("lifecycleEvents", [])
    )


def stop_deployment(connection: "Connection", deployment: str) -> bool:
    """Stop it, so that CodeDeploy rolls it back; False if it had already ended."""
    from botocore.exceptions import ClientError

    try:
        connection.client("codedeploy").stop_deployment(
            deploymentId=deployment, autoRollbackEnabled=True
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "DeploymentAlreadyCompletedException":
            return False
        raise
    return True


def _resource(connection: "Connection", model: str, logical: str) -> str | None:
    """The physical name of a resource of the model's serving stack; None if there is none yet."""
    from botocore.exceptions import ClientError

    try:
        detail = connection.cloudformation.describe_stack_resource(
            StackName=serving_stack(connection, model), LogicalResourceId=logical
        )["StackResourceDetail"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise
    return detail.get("PhysicalResourceId") or None
