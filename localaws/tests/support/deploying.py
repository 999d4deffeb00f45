"""An alias, hooks and alarms made up for CodeDeploy, and ways to use it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from localaws.codedeploy.account import DeniedError, Ports, RoleRefusedError
from localaws.codedeploy.revision import AppSpec, write_appspec
from localaws.codedeploy.stage import CodeDeploy
from localaws.emulator import Event
from localaws.protocol.errors import ServiceError

ROLE = "arn:aws:iam::123456789012:role/deployer"
NAMED = {"applicationName": "shop", "deploymentGroupName": "live"}
LAMBDA = {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"}
ROLLBACK = {
    "enabled": True,
    "events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"],
}
CANARY = "CodeDeployDefault.LambdaCanary10Percent5Minutes"
Hook = Callable[[Mapping[str, str]], str | None]


@dataclass
class Surroundings:
    """Everything a deployment touches; `pace` is how long five of AWS's minutes take here."""

    pace: float = 0.05
    version: str = "1"
    routed: list[tuple[str, dict[str, float]]] = field(default_factory=list)
    hooks: dict[str, Hook] = field(default_factory=dict)
    alarm_states: dict[str, str] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    restored: list[tuple[str, str, str]] = field(default_factory=list)

    def ports(self) -> Ports:
        return Ports(
            act_as=self._act_as,
            may_pass=lambda role: None,
            caller=lambda: "arn:aws:iam::123456789012:root",
            emit=self.events.append,
            restore_alias=lambda *alias: self.restored.append(alias),
            pace=lambda seconds: seconds / 300 * self.pace,
            changed=lambda: None,
            keep=lambda service: None,
        )

    def states(self) -> list[str]:
        return [event.detail["state"] for event in self.events]

    def _act_as(self, role: str) -> "Surroundings":
        if role != ROLE:
            raise RoleRefusedError(f"{role} trusts nobody")
        return self

    def alias(self, function: str, alias: str) -> dict[str, Any]:
        self._ask("lambda:GetAlias")
        return {"FunctionVersion": self.version}

    def route(self, function: str, alias: str, main: str, others: Mapping[str, float]) -> None:
        self._ask("lambda:UpdateAlias")
        self.version = main
        self.routed.append((main, dict(others)))

    def call_hook(self, function: str, payload: Mapping[str, str]) -> str | None:
        self._ask("lambda:InvokeFunction")
        return self.hooks[function](payload)

    def alarms(self, names: list[str]) -> dict[str, str]:
        self._ask("cloudwatch:DescribeAlarms")
        return {name: self.alarm_states[name] for name in names if name in self.alarm_states}

    def _ask(self, action: str) -> None:
        if action in self.denied:
            raise DeniedError("AWSLambda", f"{action} is denied")


def make(around: Surroundings) -> CodeDeploy:
    service = CodeDeploy(around.ports(), "us-east-1", "123456789012")
    service.call("CreateApplication", {"applicationName": "shop", "computePlatform": "Lambda"})
    service.call(
        "CreateDeploymentGroup",
        {
            **NAMED,
            "serviceRoleArn": ROLE,
            "deploymentStyle": LAMBDA,
            "deploymentConfigName": CANARY,
            "autoRollbackConfiguration": ROLLBACK,
        },
    )
    return service


def revision(target: str = "2", **hooks: str) -> dict[str, Any]:
    content = write_appspec(AppSpec("scorer", "live", "1", target, hooks))
    return {"revisionType": "AppSpecContent", "appSpecContent": {"content": content}}


def start(codedeploy: CodeDeploy, **changes: Any) -> str:
    request = {**NAMED, "revision": revision(), **changes}
    return str(codedeploy.call("CreateDeployment", request)["deploymentId"])


def ended(codedeploy: CodeDeploy, deployment: str) -> dict[str, Any]:
    record = codedeploy.wait(deployment, 10)
    assert record, "the deployment did not end"
    return dict(record["info"])


def refused(codedeploy: CodeDeploy, name: str, request: dict[str, Any]) -> str:
    with pytest.raises(ServiceError) as error:
        codedeploy.call(name, request)
    return error.value.code


def lifecycle(codedeploy: CodeDeploy, deployment: str) -> list[str]:
    request = {"deploymentId": deployment, "targetId": "scorer"}
    target = codedeploy.call("GetDeploymentTarget", request)["deploymentTarget"]["lambdaTarget"]
    return [event["status"] for event in target["lifecycleEvents"]]


def answer(codedeploy: CodeDeploy, status: str) -> Hook:
    """A hook that answers while it runs, as real ones do."""

    def hook(payload: Mapping[str, str]) -> None:
        codedeploy.call(
            "PutLifecycleEventHookExecutionStatus",
            {
                "deploymentId": payload["DeploymentId"],
                "lifecycleEventHookExecutionId": payload["LifecycleEventHookExecutionId"],
                "status": status,
            },
        )

    return hook
