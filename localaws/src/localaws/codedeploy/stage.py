"""CodeDeploy's API, put together for a running stage, where it acts as the group's role."""

import contextlib
import json
import threading
import time
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from localaws import authorization, pace, persistence
from localaws.codedeploy.account import (
    APPLICATION,
    PRINCIPAL,
    TARGET_PREFIX,
    DeniedError,
    FailedError,
    Names,
    Ports,
    RoleRefusedError,
)
from localaws.codedeploy.catalogue import Catalogue
from localaws.codedeploy.deployments import Deployments, Record
from localaws.codedeploy.requests import CodeDeployApi
from localaws.codedeploy.rollout import Rollout
from localaws.credentials import LIFETIME_SECONDS, assume_as_service
from localaws.credentials import RoleRefusedError as CannotAssumeError
from localaws.home import ACCOUNT, REGION
from localaws.parts import Parts
from localaws.patches import access, aliases, canary
from localaws.protocol.service import JsonService, Operation, Response

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


class CodeDeploy:
    """The service of one account in one region. All it holds is plain JSON."""

    def __init__(self, ports: Ports, region: str, account: str) -> None:
        lock = threading.RLock()
        self._ports = ports
        self._lock = lock
        self._names = Names(region, account)
        self._catalogue = Catalogue(ports)
        self.deployments = Deployments(ports, self._names, self._catalogue, lock, self._begin)
        self._api = CodeDeployApi()
        operations: dict[str, Operation] = {
            **self._catalogue.operations(),
            **self.deployments.operations(),
        }
        self._service = JsonService(self._api, TARGET_PREFIX, operations, lock)

    def respond(self, headers: Mapping[str, str], body: bytes) -> Response:
        """Answer one HTTP request. Everything here is in memory and returns at once."""
        return self._service.respond(headers, body)

    def call(self, name: str, request: dict[str, Any]) -> dict[str, Any]:
        """Call an operation by its name, as a client would; raises ServiceError."""
        return self._service.call(name, request)

    def deploy(self, request: dict[str, Any], creator: str) -> str:
        """Create a deployment for another service of the stage; returns its id."""
        with self._lock:
            return str(self.deployments.create(request, creator)["deploymentId"])

    def wait(self, deployment: str, seconds: float) -> Record | None:
        """Wait until a deployment and its rollback have ended; None while they have not."""
        return self.deployments.wait(deployment, seconds)

    def resource_arn(self, action: str, request: Mapping[str, Any]) -> str:
        """The resource an IAM policy is held against. Asked before the request is checked."""
        application = request.get("applicationName")
        group = request.get("deploymentGroupName") or request.get("currentDeploymentGroupName")
        config = request.get("deploymentConfigName")
        if action in APPLICATION and application:
            return self._names.application(str(application))
        if action == "GetDeploymentConfig" and config:
            return self._names.config(str(config))
        if application and group:
            return self._names.group(str(application), str(group))
        several = request.get("deploymentIds") or [request.get("deploymentId")]
        return self.deployments.group_arn(str(several[0])) or "*"

    def warm_up(self) -> None:
        """Load the API's model now instead of at the first request."""
        self._api.model  # noqa: B018 - loading it is the point

    def get_state(self) -> dict[str, Any]:
        """Return a copy of all that is kept, as plain JSON."""
        with self._lock:
            kept = {"catalogue": self._catalogue.state, "deployments": self.deployments.state}
            state: dict[str, Any] = json.loads(json.dumps(kept))
        return state

    def load_persisted_state(self, state: Mapping[str, Any] | None) -> None:
        """Take up what `get_state` returned; deployments under way then have ended."""
        if not state:
            return
        with self._lock:
            self._catalogue.state["applications"].update(state["catalogue"]["applications"])
            self.deployments.load(state["deployments"])

    def _begin(self, record: Record) -> None:
        rollout = Rollout(self._ports, self._names, self._catalogue, self.deployments, record)
        name = f"deployment-{record['info']['deploymentId']}"
        threading.Thread(target=rollout.run, name=name, daemon=True).start()


class Stage:
    """The service, and who acts for it."""

    def __init__(self, parts: Parts) -> None:
        self._emulator = parts.emulator
        self._actors = Actors(parts.endpoint)
        ports = Ports(
            act_as=self._actors.act_as,
            may_pass=self._may_pass,
            caller=self._emulator.identity,
            emit=self._emulator.emit,
            restore_alias=aliases.restore,
            pace=pace.here,
            changed=lambda: persistence.changed("codedeploy"),
            keep=persistence.save_now,
        )
        self.service = CodeDeploy(ports, REGION, ACCOUNT)
        canary.install(self.service)
        for name in MANAGED:
            access.add_managed_policy(name, STATEMENTS)

    def respond(self, headers: Mapping[str, str], body: bytes) -> Response:
        self._emulator.remember_caller(headers)
        return self.service.respond(headers, body)

    def warm_up(self) -> None:
        self.service.warm_up()
        self._actors.warm_up()

    def close(self) -> None:
        """Nothing runs beside the server: deployments are threads, and end with it."""

    def _may_pass(self, role: str) -> str | None:
        caller = self._emulator.caller()
        context = {"iam:PassedToService": PRINCIPAL}
        if caller is None or authorization.allowed(caller, "iam:PassRole", role, context):
            return None
        return (
            f"User: {caller} is not authorized to perform: iam:PassRole on resource: {role}"
            " because no identity-based policy allows the iam:PassRole action"
        )
