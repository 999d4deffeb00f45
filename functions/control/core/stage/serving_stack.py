"""The stack that has a model in production: its status, its answers, why a deployment failed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from core.words.formats import one_line

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_codedeploy import CodeDeployClient
    from mypy_boto3_lambda import LambdaClient

# Logical ids in the translated serving.yaml.
_APPLICATION, _GROUP = "ServerlessDeploymentApplication", "ScoringFunctionDeploymentGroup"
# CloudFormation's reasons for resources that failed because of another one.
_CONSEQUENCES = ("cancelled", "The following resource(s) failed")
# How long a deployment that is undone, or a first one, is waited for: most of what Close Release
# may take. Lambda calls it again, twice, where that was not enough.
HALT_SECONDS, LONGEST_PAUSE_SECONDS = 90.0, 3.0


class StillGoingOnError(Exception):
    """The stack is still being changed; try again later."""


@dataclass(frozen=True)
class Standing:
    status: str
    outputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def moving(self) -> bool:
        """Is it being changed? A stack that waits for a change set to be executed is not."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"


@dataclass(frozen=True)
class Deployed:
    """What the stack was deployed with: its template as it was given, its parameters, its tags."""

    template: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Failure:
    """Why a deployment failed. `rolled_back`: traffic had been, or was about to be, shifted."""

    reason: str
    rolled_back: bool


class Serving:
    """`client` makes a client by its service's name, when it is first needed."""

    def __init__(self, client: Callable[[str], Any], stack: str) -> None:
        self._client = client
        self._stack = stack

    @cached_property
    def _cloudformation(self) -> CloudFormationClient:
        client: CloudFormationClient = self._client("cloudformation")
        return client

    @cached_property
    def _functions(self) -> LambdaClient:
        client: LambdaClient = self._client("lambda")
        return client

    @cached_property
    def _codedeploy(self) -> CodeDeployClient:
        client: CodeDeployClient = self._client("codedeploy")
        return client

    def stack_of(self, model: str) -> str:
        return f"{self._stack}-serving-{model}"

    def standing(self, model: str) -> Standing | None:
        """The stack's status and outputs; None while the model was never in production."""
        try:
            stacks = self._cloudformation.describe_stacks(StackName=self.stack_of(model))["Stacks"]
        except ClientError as error:
            if _is_missing(error):
                return None
            raise
        outputs = {each["OutputKey"]: each["OutputValue"] for each in stacks[0].get("Outputs", [])}
        return Standing(stacks[0]["StackStatus"], outputs)

    def deployed(self, model: str) -> Deployed:
        """With what the stack that is there was deployed."""
        name = self.stack_of(model)
        found = self._cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        # boto3 has parsed a template in JSON; ours are YAML.
        template: Any = self._cloudformation.get_template(StackName=name, TemplateStage="Original")
        text = template["TemplateBody"]
        return Deployed(
            text if isinstance(text, str) else json.dumps(text),
            {each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", [])},
            {
                each["Key"]: each["Value"]
                for each in found.get("Tags", [])
                if not each["Key"].startswith("aws:")
            },
        )

    def halt(self, model: str, seconds: float = HALT_SECONDS) -> None:
        """Undo a deployment that nothing follows any more; returns when the stack is at rest.

        A first deployment cannot be undone, so it is waited for. Raises StillGoingOnError.
        """
        until, pause, cancelled = time.monotonic() + seconds, 0.1, False
        while (standing := self.standing(model)) is not None and standing.moving:
            if standing.status == "UPDATE_IN_PROGRESS" and not cancelled:
                self._cancel(model)
                cancelled = True
            if time.monotonic() >= until:
                raise StillGoingOnError(f"{self.stack_of(model)} is still {standing.status}")
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _cancel(self, model: str) -> None:
        try:
            self._cloudformation.cancel_update_stack(StackName=self.stack_of(model))
        except ClientError as error:
            if not _is_missing(error):  # the same code: the update has just ended
                raise

    def ask(self, alias_arn: str, requests: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The live scorer's answers; one that failed answers with its error instead."""
        answers = []
        for request in requests:
            try:
                answered = self._functions.invoke(
                    FunctionName=alias_arn, Payload=json.dumps(request).encode()
                )
            except ClientError as error:
                if error.response["Error"]["Code"] != "ResourceNotFoundException":
                    raise
                return [{"message": f"{alias_arn} is not there"}]
            document = json.loads(answered["Payload"].read() or b"{}")
            answers.append(document if isinstance(document, dict) else {})
        return answers

    def main_version(self, alias_arn: str) -> dict[str, str] | None:
        """The environment of the version that the alias mainly points to; None without one.

        A canary's version is beside the main one, which stays until all traffic has moved.
        """
        function, _, alias = alias_arn.rpartition(":")
        try:
            version = self._functions.get_alias(FunctionName=function, Name=alias)
            settings = self._functions.get_function_configuration(
                FunctionName=function, Qualifier=version["FunctionVersion"]
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            return None
        return dict(settings.get("Environment", {}).get("Variables", {}))

    def failure(self, model: str, since: datetime) -> Failure:
        """Why the deployment that began after `since` failed, from the service closest to it."""
        deployed = self._deployment(model, since)
        if deployed is not None:
            return deployed
        return Failure(self._stack_reason(model, since) or "CloudFormation gives no reason", False)

    def _deployment(self, model: str, since: datetime) -> Failure | None:
        """CodeDeploy's reason, if traffic was to be shifted and that failed."""
        application, group = (self._resource(model, name) for name in (_APPLICATION, _GROUP))
        if application is None or group is None:
            return None
        listed = self._codedeploy.list_deployments(
            applicationName=application,
            deploymentGroupName=group,
            createTimeRange={"start": since},
            includeOnlyStatuses=["Failed", "Stopped"],
        )["deployments"]
        for identity in listed:
            info: Any = self._codedeploy.get_deployment(deploymentId=identity)["deploymentInfo"]
            if info.get("creator") == "codeDeployRollback":
                continue
            error = info.get("errorInformation") or {}
            said = error.get("message") or f"the deployment ended as {info['status']}"
            code = f" ({error['code']})" if error.get("code") else ""
            return Failure(one_line(f"CodeDeploy {identity}: {said}{code}", 500), True)
        return None

    def _stack_reason(self, model: str, since: datetime) -> str | None:
        """The first resource that failed, in CloudFormation's words."""
        try:
            pages = self._cloudformation.get_paginator("describe_stack_events").paginate(
                StackName=self.stack_of(model)
            )
            reasons = [
                f"{event.get('LogicalResourceId')}: {event.get('ResourceStatusReason')}"
                for page in pages
                for event in page["StackEvents"]
                if event["Timestamp"] >= since
                and event.get("ResourceStatus", "").endswith("_FAILED")
                and event.get("ResourceStatusReason")
                and not any(word in event["ResourceStatusReason"] for word in _CONSEQUENCES)
            ]
        except ClientError as error:
            if _is_missing(error):
                return None
            raise
        return one_line(reasons[-1], 500) if reasons else None  # CloudFormation lists backwards

    def _resource(self, model: str, logical: str) -> str | None:
        try:
            detail = self._cloudformation.describe_stack_resource(
                StackName=self.stack_of(model), LogicalResourceId=logical
            )["StackResourceDetail"]
        except ClientError as error:
            if _is_missing(error):
                return None
            raise
        return detail.get("PhysicalResourceId") or None


def _is_missing(error: ClientError) -> bool:
    """CloudFormation answers ValidationError where other services say not found."""
    return error.response["Error"]["Code"] == "ValidationError"
