"""The other services as an action's role sees them: signed requests to the gateway, IAM decides."""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from localaws.codepipeline.actions.approval import NoticeError
from localaws.codepipeline.actions.lambda_invoke import InvokeError
from localaws.codepipeline.actions.s3_source import Found, StoreError
from localaws.codepipeline.names import PRINCIPAL
from localaws.codepipeline.ports import Acting, ActionError, Artifact
from localaws.credentials import Credentials, RoleRefusedError, assume_as_service
from localaws.home import REGION

SESSION_SECONDS = 3600
SESSION_NAME = "AWSCodePipeline"
# What an action may need, ahead of the first execution.
SERVICES = ("s3", "lambda", "sns", "cloudformation")


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
        try:
            self._clients.get("sns", acting).publish(
                TopicArn=topic, Subject=subject, Message=message
            )
        except (ClientError, BotoCoreError) as error:
            raise NoticeError(str(error)) from error


class Lambdas:
    """`actions.lambda_invoke.Functions` over the gateway."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def invoke(self, acting: Acting, function: str, event: Mapping[str, Any]) -> None:
        try:
            # On AWS the call is asynchronous. Waiting for its end tells of a function that failed.
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
    """What the credentials in a job's event are good for: its own artifacts."""
    objects = [f"arn:aws:s3:::{artifact.bucket}/{artifact.key}" for artifact in artifacts]
    statement = {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
        "Resource": objects,
    }
    nothing = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement if objects else nothing]}
