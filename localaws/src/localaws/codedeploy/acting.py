"""Acts as a deployment group's role, through the stage's own endpoint: IAM decides each request."""

import contextlib
import json
import threading
import time
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from localaws.codedeploy.ports import PRINCIPAL, DeniedError, FailedError, RoleRefusedError
from localaws.credentials import LIFETIME_SECONDS, assume_as_service
from localaws.credentials import RoleRefusedError as CannotAssumeError
from localaws.home import REGION

SESSION_NAME = "localaws-codedeploy"
DENIED = {"AccessDenied", "AccessDeniedException"}
# A hook may take as long as a Lambda function may.
HOOK_SECONDS = 900
# What AWS calls the services in its messages about a role.
SERVICES = {"lambda": "AWSLambda", "cloudwatch": "AmazonCloudWatch"}

# What AWS's own policies for this role allow: SAM gives one of them to the role it makes.
MANAGED = (
    "service-role/AWSCodeDeployRoleForLambda",
    "service-role/AWSCodeDeployRoleForLambdaLimited",
)
READ_REVISIONS = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:GetObjectVersion"]}
STATEMENTS: list[dict[str, Any]] = [
    {
        "Effect": "Allow",
        "Action": [
            "cloudwatch:DescribeAlarms",
            "lambda:UpdateAlias",
            "lambda:GetAlias",
            "lambda:GetProvisionedConcurrencyConfig",
        ],
        "Resource": "*",
    },
    {**READ_REVISIONS, "Resource": "arn:aws:s3:::*/CodeDeploy/*"},
    {
        "Effect": "Allow",
        "Action": "lambda:InvokeFunction",
        "Resource": "arn:aws:lambda:*:*:function:CodeDeployHook_*",
    },
]


class Actors:
    """Makes actors, and keeps the clients of each role: making one takes some 50 ms."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        # One session, because it keeps what it has read of botocore's service descriptions.
        self._session: Any = boto3.session.Session(region_name=REGION)
        self._lock = threading.Lock()
        self._made: dict[str, tuple[float, RoleActor]] = {}

    def act_as(self, role: str) -> "RoleActor":
        """Return an actor of the role; raises RoleRefusedError."""
        try:
            credentials = assume_as_service(role, PRINCIPAL, SESSION_NAME)
        except CannotAssumeError as error:
            raise RoleRefusedError(str(error)) from error
        with self._lock:
            until, actor = self._made.get(role, (0.0, None))
            if actor is None or until < time.time():
                actor = RoleActor(self._session, self._endpoint, credentials)
                self._made[role] = (time.time() + LIFETIME_SECONDS / 2, actor)
            return actor

    def warm_up(self) -> None:
        """Read the descriptions of the services ahead of the first deployment."""
        for service in SERVICES:
            self._session.client(service, endpoint_url=self._endpoint)


class RoleActor:
    """One role at work."""

    def __init__(self, session: Any, endpoint: str, credentials: Any) -> None:
        def client(service: str) -> Any:
            return session.client(
                service,
                endpoint_url=endpoint,
                aws_access_key_id=credentials.access_key,
                aws_secret_access_key=credentials.secret_key,
                aws_session_token=credentials.session_token,
                config=Config(retries={"total_max_attempts": 1}, read_timeout=HOOK_SECONDS),
            )

        self._lambda = client("lambda")
        self._cloudwatch = client("cloudwatch")

    def alias(self, function: str, alias: str) -> dict[str, Any]:
        found = self._ask("lambda", self._lambda.get_alias, FunctionName=function, Name=alias)
        # CodeDeploy waits for the concurrency that is provisioned. Here there is never any, but a
        # role that may not look would fail on AWS.
        look = self._lambda.get_provisioned_concurrency_config
        with contextlib.suppress(FailedError):
            self._ask("lambda", look, FunctionName=function, Qualifier=alias)
        return found

    def route(self, function: str, alias: str, main: str, others: Mapping[str, float]) -> None:
        self._ask(
            "lambda",
            self._lambda.update_alias,
            FunctionName=function,
            Name=alias,
            FunctionVersion=main,
            RoutingConfig={"AdditionalVersionWeights": dict(others)},
        )

    def call_hook(self, function: str, payload: Mapping[str, str]) -> str | None:
        answer = self._ask(
            "lambda",
            self._lambda.invoke,
            FunctionName=function,
            Payload=json.dumps(payload).encode(),
        )
        if "FunctionError" not in answer:
            return None
        document = json.loads(answer["Payload"].read())
        return f"{document.get('errorType')}: {document.get('errorMessage')}"

    def alarms(self, names: list[str]) -> dict[str, str]:
        states = self._states("MetricAlarm", names)
        others = [name for name in names if name not in states]
        # Only where there are some: their states are for roles that may describe every alarm.
        return {**states, **(self._states("CompositeAlarm", others) if others else {})}

    def _states(self, kind: str, names: list[str]) -> dict[str, str]:
        describe = self._cloudwatch.describe_alarms
        found = self._ask("cloudwatch", describe, AlarmNames=names, AlarmTypes=[kind])
        return {alarm["AlarmName"]: alarm["StateValue"] for alarm in found.get(f"{kind}s", [])}

    def _ask(self, service: str, operation: Any, **request: Any) -> dict[str, Any]:
        try:
            return dict(operation(**request))
        except ClientError as error:
            details = error.response["Error"]
            if details["Code"] in DENIED:
                raise DeniedError(SERVICES[service], details["Message"]) from error
            raise FailedError(f"{details['Code']}: {details['Message']}") from error
        except BotoCoreError as error:
            raise FailedError(str(error)) from error
