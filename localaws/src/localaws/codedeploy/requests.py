"""Requests held against botocore's model of CodeDeploy.

Most services answer a malformed request with a ValidationException; CodeDeploy has two exceptions
for nearly every member, one for a missing and one for a wrong value.
"""

import re
from collections.abc import Mapping
from typing import Any

from localaws.protocol.errors import ServiceError
from localaws.protocol.shapes import Api, problems_of

WRONG = {
    "alarmConfiguration": "InvalidAlarmConfigException",
    "applicationName": "InvalidApplicationNameException",
    "autoRollbackConfiguration": "InvalidAutoRollbackConfigException",
    "computePlatform": "InvalidComputePlatformException",
    "currentDeploymentGroupName": "InvalidDeploymentGroupNameException",
    "deploymentConfigName": "InvalidDeploymentConfigNameException",
    "deploymentGroupName": "InvalidDeploymentGroupNameException",
    "deploymentId": "InvalidDeploymentIdException",
    "deploymentStyle": "InvalidDeploymentStyleException",
    "includeOnlyStatuses": "InvalidDeploymentStatusException",
    "newDeploymentGroupName": "InvalidDeploymentGroupNameException",
    "overrideAlarmConfiguration": "InvalidAlarmConfigException",
    "revision": "InvalidRevisionException",
    "serviceRoleArn": "InvalidRoleException",
    "status": "InvalidLifecycleEventHookExecutionStatusException",
}
MISSING = {
    "applicationName": "ApplicationNameRequiredException",
    "currentDeploymentGroupName": "DeploymentGroupNameRequiredException",
    "deploymentConfigName": "DeploymentConfigNameRequiredException",
    "deploymentGroupName": "DeploymentGroupNameRequiredException",
    "deploymentId": "DeploymentIdRequiredException",
    "deploymentIds": "DeploymentIdRequiredException",
    "revision": "RevisionRequiredException",
    "serviceRoleArn": "RoleRequiredException",
    "targetId": "DeploymentTargetIdRequiredException",
    "targetIds": "DeploymentTargetIdRequiredException",
}
# Members the model lets be left out, but not the service.
NEEDED = {
    "CreateDeployment": ("deploymentGroupName", "revision"),
    "GetDeploymentTarget": ("deploymentId", "targetId"),
    "ListDeploymentTargets": ("deploymentId",),
    "BatchGetDeploymentTargets": ("deploymentId", "targetIds"),
    "PutLifecycleEventHookExecutionStatus": ("deploymentId",),
}
PATH = re.compile(r"'(\w+)")


class CodeDeployApi(Api):
    """Botocore's model of CodeDeploy."""

    def __init__(self) -> None:
        super().__init__("codedeploy")

    def check(self, name: str, request: Mapping[str, Any]) -> None:
        """Raise the exception that CodeDeploy would answer this request with, if any."""
        shape = self.operation(name).input_shape
        for member in (*(shape.required_members if shape else ()), *NEEDED.get(name, ())):
            if member not in request:
                code = MISSING.get(member, "InvalidInputException")
                raise ServiceError(code, f"{member} is required")
        for problem in problems_of(shape, request, "") if shape else ():
            at = problem.partition(" at ")[2] or problem
            found = PATH.search(at)
            raise ServiceError(
                WRONG.get(found[1] if found else "", "InvalidInputException"), problem
            )
