"""`actions.cloudformation.Stacks` over the gateway; a stack's progress is looked at in-process."""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from localaws.codepipeline.account import PRINCIPAL, Acting, ActionError, Allowed, Artifact
from localaws.codepipeline.approvals import NoticeError
from localaws.codepipeline.deployments import Stack, StackError, StackOrder
from localaws.codepipeline.jobs import InvokeError
from localaws.codepipeline.sources import Found, StoreError
from localaws.credentials import Credentials, RoleRefusedError, assume_as_service
from localaws.home import REGION

SESSION_SECONDS = 3600
SESSION_NAME = "AWSCodePipeline"
# What an action may need, ahead of the first execution.
SERVICES = ("s3", "lambda", "sns", "cloudformation")
# Of an approval's notice, where connections are lost on a busy machine.
MOST_PUBLICATIONS = 3


class Clients:
    """Clients by service and role, each made once for as long as its credentials last."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._session: Any = boto3.session.Session()
        self._lock = threading.Lock()
        self._made: dict[tuple[str, Acting], tuple[float, Any]] = {}

    def get(self, service: str, acting: Acting) -> Any:
        """A client of the service that signs as the role; raises ActionError."""
        with self._lock:
            until, client = self._made.get((service, acting), (0.0, None))
        if time.time() < until:
            return client
        credentials = self._credentials(acting)
        with self._lock:  # botocore's session is for one thread at a time
            client = self._client(service, credentials)
            self._made[(service, acting)] = (time.time() + SESSION_SECONDS / 2, client)
        return client

    def read_descriptions(self) -> None:
        """Have botocore read the services' descriptions ahead of their first clients."""
        nobody = Credentials("none", "none", "none")
        for service in SERVICES:
            with self._lock:
                self._client(service, nobody)

    def _credentials(self, acting: Acting) -> Credentials:
        try:
            own = assume_as_service(acting.pipeline_role, PRINCIPAL, SESSION_NAME)
        except RoleRefusedError as error:
            raise ActionError("PermissionError", str(error)) from error
        if acting.action_role is None or acting.action_role == acting.pipeline_role:
            return own
        with self._lock:
            sts = self._client("sts", own)
        try:
            answer = sts.assume_role(RoleArn=acting.action_role, RoleSessionName=SESSION_NAME)
        except ClientError as error:
            raise ActionError(
                "PermissionError",
                f"CodePipeline is not authorized to perform AssumeRole on role"
                f" {acting.action_role}: {error.response['Error']['Message']}",
            ) from error
        made = answer["Credentials"]
        return Credentials(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])

    def _client(self, service: str, credentials: Credentials) -> Any:
        return self._session.client(
            service,
            region_name=REGION,
            endpoint_url=self._endpoint,
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            aws_session_token=credentials.session_token,
            config=Config(
                retries={"total_max_attempts": 1},
                read_timeout=900,
                inject_host_prefix=False,
                s3={"addressing_style": "path"},
            ),
        )


class Buckets:
    """`actions.s3_source.Store` over the gateway."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def versioned(self, acting: Acting, bucket: str) -> bool:
        answer = self._call(acting, "get_bucket_versioning", Bucket=bucket)
        return bool(answer.get("Status") == "Enabled")

    def read(self, acting: Acting, bucket: str, key: str, version: str | None) -> Found:
        asked = {"VersionId": version} if version else {}
        answer = self._call(acting, "get_object", Bucket=bucket, Key=key, **asked)
        return Found(
            body=answer["Body"].read(),
            version=answer.get("VersionId", "null"),
            etag=answer["ETag"],
            changed=answer["LastModified"].timestamp(),
            metadata=answer.get("Metadata", {}),
        )

    def write(self, acting: Acting, bucket: str, key: str, body: bytes) -> None:
        self._call(acting, "put_object", Bucket=bucket, Key=key, Body=body)

    def _call(self, acting: Acting, operation: str, **request: Any) -> Any:
        call: Callable[..., Any] = getattr(self._clients.get("s3", acting), operation)
        try:
            return call(**request)
        except ClientError as error:
            found = error.response["Error"]
            raise StoreError(found["Code"], found["Message"]) from error


class Topics:
    """`actions.approval.Notices` over the gateway."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def publish(self, acting: Acting, topic: str, subject: str, message: str) -> None:
        """Publish; again after a lost connection, because an approval must not fail for that."""
        for left in reversed(range(MOST_PUBLICATIONS)):
            try:
                self._clients.get("sns", acting).publish(
                    TopicArn=topic, Subject=subject, Message=message
                )
            except BotoCoreError as error:
                if not left:
                    raise NoticeError(str(error)) from error
            except ClientError as error:
                raise NoticeError(str(error)) from error
            else:
                return


class Lambdas:
    """`actions.lambda_invoke.Functions` over the gateway."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def invoke(self, acting: Acting, function: str, event: Mapping[str, Any]) -> None:
        try:
            # On AWS the call is asynchronous. Waiting for its end shows a function that failed.
            answer = self._clients.get("lambda", acting).invoke(
                FunctionName=function, Payload=json.dumps(event).encode()
            )
        except ClientError as error:
            found = error.response["Error"]
            raise InvokeError(found["Code"], found["Message"]) from error
        payload = answer["Payload"].read()
        if "FunctionError" in answer:
            document = json.loads(payload)
            raise InvokeError(
                str(document.get("errorType", "Error")), str(document.get("errorMessage", ""))
            )

    def artifact_credentials(
        self, acting: Acting, artifacts: Sequence[Artifact]
    ) -> Mapping[str, str]:
        made = assume_as_service(
            acting.pipeline_role, PRINCIPAL, SESSION_NAME, artifact_policy(artifacts)
        )
        return {
            "accessKeyId": made.access_key,
            "secretAccessKey": made.secret_key,
            "sessionToken": made.session_token,
        }


def artifact_policy(artifacts: Sequence[Artifact]) -> dict[str, Any]:
    """What the credentials in a job's event allow: its own artifacts."""
    objects = [f"arn:aws:s3:::{artifact.bucket}/{artifact.key}" for artifact in artifacts]
    statement = {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
        "Resource": objects,
    }
    nothing = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement if objects else nothing]}


DEPLOYER = "cloudformation.amazonaws.com"
# To look at a stack's status costs a look-up in a dictionary.
LOOK_SECONDS = 0.02
# The reason in the first event of every operation.
STARTED = "User Initiated"


class CloudStacks:
    """CloudFormation as a role sees it."""

    def __init__(
        self, clients: Clients, allowed: Allowed, status: Callable[[str], str | None]
    ) -> None:
        """`status` returns the status of a stack by its id; None where there is none."""
        self._clients = clients
        self._allowed = allowed
        self._status = status

    def may_pass(self, acting: Acting, role: str) -> bool:
        context = {"iam:PassedToService": DEPLOYER}
        return self._allowed(acting.role, "iam:PassRole", role, context)

    def describe(self, acting: Acting, name: str) -> Stack | None:
        try:
            found = self._call(acting, "describe_stacks", StackName=name)["Stacks"][0]
        except StackError as error:
            if "does not exist" in str(error):
                return None
            raise
        return Stack(
            identity=found["StackId"],
            status=found["StackStatus"],
            reason=found.get("StackStatusReason", ""),
            outputs={
                output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])
            },
        )

    def create(self, acting: Acting, order: StackOrder) -> None:
        self._call(acting, "create_stack", **request_of(order))

    def update(self, acting: Acting, order: StackOrder) -> None:
        self._call(acting, "update_stack", **request_of(order))

    def delete(self, acting: Acting, name: str, role: str) -> None:
        self._call(acting, "delete_stack", StackName=name, RoleARN=role)

    def wait(self, identity: str, abandoned: threading.Event) -> None:
        while (self._status(identity) or "").endswith("_IN_PROGRESS"):
            if abandoned.wait(LOOK_SECONDS):
                return

    def reason(self, acting: Acting, identity: str) -> str:
        try:
            events = self._call(acting, "describe_stack_events", StackName=identity)["StackEvents"]
        except StackError:  # the role need not be allowed to look
            return ""
        return first_failure(events)

    def _call(self, acting: Acting, operation: str, **request: Any) -> Any:
        try:
            return getattr(self._clients.get("cloudformation", acting), operation)(**request)
        except ClientError as error:
            found = error.response["Error"]
            raise StackError(found["Code"], found["Message"]) from error


def request_of(order: StackOrder) -> dict[str, Any]:
    """CreateStack's and UpdateStack's request."""
    request: dict[str, Any] = {
        "StackName": order.name,
        "TemplateBody": order.template,
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in order.parameters.items()
        ],
        "Capabilities": list(order.capabilities),
        "RoleARN": order.role,
        "Tags": [{"Key": key, "Value": value} for key, value in order.tags.items()],
    }
    if order.policy:
        request["StackPolicyBody"] = json.dumps(order.policy)
    return request


def first_failure(events: Sequence[Mapping[str, Any]]) -> str:
    """Why an operation failed: its first failure, by the events of a stack, newest first.

    >>> first_failure([
    ...     {"LogicalResourceId": "B", "ResourceStatus": "UPDATE_FAILED",
    ...      "ResourceStatusReason": "it was cancelled"},
    ...     {"LogicalResourceId": "A", "ResourceStatus": "UPDATE_FAILED",
    ...      "ResourceStatusReason": "it broke"},
    ...     {"LogicalResourceId": "stack", "ResourceStatus": "UPDATE_IN_PROGRESS",
    ...      "ResourceStatusReason": "User Initiated"},
    ...     {"LogicalResourceId": "C", "ResourceStatus": "CREATE_FAILED",
    ...      "ResourceStatusReason": "in an earlier operation"},
    ... ])
    'A: it broke'
    """
    first = ""
    for event in events:
        reason = event.get("ResourceStatusReason", "")
        if event["ResourceStatus"].endswith("_FAILED") and reason:
            first = f"{event['LogicalResourceId']}: {reason}"
        elif reason == STARTED:
            break
    return first
