"""Applications and deployment groups, for compute platform Lambda."""

import time
import uuid
from collections.abc import Mapping
from typing import Any

from localaws.codedeploy.account import PREDEFINED, Ports, RoleRefusedError
from localaws.codedeploy.revision import CONFIGS
from localaws.protocol.errors import ServiceError, not_here
from localaws.protocol.service import Operation

PLATFORM = "Lambda"
ALL_AT_ONCE = f"{PREDEFINED}LambdaAllAtOnce"
STYLE = {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"}
MOST_ALARMS = 10
# What a group of another platform would have.
OTHER_PLATFORMS = (
    *("ec2TagFilters", "onPremisesInstanceTagFilters", "autoScalingGroups", "ec2TagSet"),
    *("onPremisesTagSet", "ecsServices", "loadBalancerInfo", "blueGreenDeploymentConfiguration"),
)
GROUP_SETTINGS = (
    *("deploymentConfigName", "serviceRoleArn", "alarmConfiguration"),
    *("autoRollbackConfiguration", "deploymentStyle", "outdatedInstancesStrategy"),
)


class Catalogue:
    """What deployments are made from. All it holds is plain JSON."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self.state: dict[str, Any] = {"applications": {}}

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateApplication": self.create_application,
            "GetApplication": self.get_application,
            "ListApplications": self.list_applications,
            "DeleteApplication": self.delete_application,
            "CreateDeploymentGroup": self.create_group,
            "GetDeploymentGroup": self.get_group,
            "UpdateDeploymentGroup": self.update_group,
            "DeleteDeploymentGroup": self.delete_group,
            "ListDeploymentGroups": self.list_groups,
            "GetDeploymentConfig": self.get_config,
        }

    # ---- applications

    def create_application(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["applicationName"]
        platform = request.get("computePlatform", "Server")
        if platform != PLATFORM:
            raise not_here(f"CodeDeploy's compute platform {platform}, only {PLATFORM}")
        if name in self.state["applications"]:
            raise ServiceError(
                "ApplicationAlreadyExistsException", f"Application already exists: {name}"
            )
        application = {
            "applicationId": str(uuid.uuid4()),
            "applicationName": name,
            "createTime": time.time(),
            "linkedToGitHub": False,
            "computePlatform": platform,
        }
        self.state["applications"][name] = {"application": application, "groups": {}}
        self._ports.changed()
        return {"applicationId": application["applicationId"]}

    def get_application(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"application": self._application(request["applicationName"])["application"]}

    def list_applications(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"applications": sorted(self.state["applications"])}

    def delete_application(self, request: dict[str, Any]) -> None:
        self.state["applications"].pop(request["applicationName"], None)
        self._ports.changed()

    # ---- deployment groups

    def create_group(self, request: dict[str, Any]) -> dict[str, Any]:
        application, name = request["applicationName"], request["deploymentGroupName"]
        groups = self._application(application)["groups"]
        if name in groups:
            raise ServiceError(
                "DeploymentGroupAlreadyExistsException",
                f"Deployment group name already exists: {name}",
            )
        group = {
            "applicationName": application,
            "deploymentGroupId": str(uuid.uuid4()),
            "deploymentGroupName": name,
            "deploymentConfigName": ALL_AT_ONCE,
            "computePlatform": PLATFORM,
            "deploymentStyle": {"deploymentType": "IN_PLACE"},  # AWS's default, for servers
            "triggerConfigurations": [],
        }
        groups[name] = self._with_settings(group, request)
        self._ports.changed()
        return {"deploymentGroupId": group["deploymentGroupId"]}

    def get_group(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"deploymentGroupInfo": self.group(request)}

    def update_group(self, request: dict[str, Any]) -> dict[str, Any]:
        application, name = request["applicationName"], request["currentDeploymentGroupName"]
        groups = self._application(application)["groups"]
        group = self._with_settings(self.find_group(application, name), request)
        new_name = request.get("newDeploymentGroupName", name)
        if new_name != name and new_name in groups:
            raise ServiceError(
                "DeploymentGroupAlreadyExistsException",
                f"Deployment group name already exists: {new_name}",
            )
        del groups[name]
        groups[new_name] = {**group, "deploymentGroupName": new_name}
        self._ports.changed()
        return {"hooksNotCleanedUp": []}

    def delete_group(self, request: dict[str, Any]) -> dict[str, Any]:
        application = self.state["applications"].get(request["applicationName"], {"groups": {}})
        application["groups"].pop(request["deploymentGroupName"], None)
        self._ports.changed()
        return {"hooksNotCleanedUp": []}

    def list_groups(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["applicationName"]
        groups = sorted(self._application(name)["groups"])
        return {"applicationName": name, "deploymentGroups": groups}

    def group(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return self.find_group(request["applicationName"], request["deploymentGroupName"])

    def find_group(self, application: str, name: str) -> dict[str, Any]:
        group = self._application(application)["groups"].get(name)
        if group is None:
            raise ServiceError(
                "DeploymentGroupDoesNotExistException",
                f"No Deployment Group found for name: {name}",
            )
        return dict(group)

    def remember(self, application: str, name: str, last: dict[str, Any]) -> None:
        """Keep, in a group that is still there, how its last deployment ended."""
        groups = self.state["applications"].get(application, {"groups": {}})["groups"]
        if name in groups:
            groups[name]["lastAttemptedDeployment"] = last
            if last["status"] == "Succeeded":
                groups[name]["lastSuccessfulDeployment"] = last

    def _with_settings(self, group: dict[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
        for member in OTHER_PLATFORMS:
            if request.get(member):
                raise ServiceError("InvalidInputException", f"{member} is not for {PLATFORM}.")
        if request.get("triggerConfigurations"):
            raise not_here("CodeDeploy's triggerConfigurations")
        group.update({name: request[name] for name in GROUP_SETTINGS if name in request})
        if group["deploymentStyle"] != STYLE:
            raise ServiceError(
                "InvalidDeploymentStyleException",
                "For Lambda, deploymentStyle must be BLUE_GREEN and WITH_TRAFFIC_CONTROL.",
            )
        self.routing(group["deploymentConfigName"])
        check_alarms(group.get("alarmConfiguration"))
        check_rollback(group.get("autoRollbackConfiguration"))
        if "serviceRoleArn" in request:
            self._check_role(request["serviceRoleArn"])
        return group

    def _check_role(self, role: str) -> None:
        refused = self._ports.may_pass(role)
        if refused:
            raise ServiceError("AccessDeniedException", refused)
        try:
            self._ports.act_as(role)
        except RoleRefusedError as error:
            raise ServiceError("InvalidRoleException", str(error)) from error

    def _application(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] | None = self.state["applications"].get(name)
        if found is None:
            raise ServiceError(
                "ApplicationDoesNotExistException", f"No application found for name: {name}"
            )
        return found

    # ---- deployment configurations

    def get_config(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["deploymentConfigName"]
        described = {
            "deploymentConfigName": name,
            "computePlatform": PLATFORM,
            "trafficRoutingConfig": self.routing(name),
        }
        return {"deploymentConfigInfo": described}

    def routing(self, config: str) -> dict[str, Any]:
        """How one of CodeDeploy's own configurations routes traffic; there are no others here."""
        found = CONFIGS.get(config)
        if found is None:
            raise ServiceError(
                "DeploymentConfigDoesNotExistException",
                f"No deployment configuration found for name: {config}",
            )
        return found


def check_alarms(alarms: Mapping[str, Any] | None) -> None:
    """Raise for an alarm configuration that CodeDeploy refuses."""
    names = [alarm.get("name") for alarm in (alarms or {}).get("alarms", [])]
    if len(names) > MOST_ALARMS:
        raise ServiceError("AlarmsLimitExceededException", f"At most {MOST_ALARMS} alarms.")
    if alarms and alarms.get("enabled") and not (names and all(names)):
        raise ServiceError("InvalidAlarmConfigException", "Enabled alarms must be named.")
    if len(set(names)) < len(names):
        raise ServiceError("InvalidAlarmConfigException", "An alarm is named twice.")


def check_rollback(rollback: Mapping[str, Any] | None) -> None:
    """Raise for a rollback configuration that CodeDeploy refuses."""
    if rollback and rollback.get("enabled") and not rollback.get("events"):
        raise ServiceError(
            "InvalidAutoRollbackConfigException", "Automatic rollback needs at least one event."
        )
