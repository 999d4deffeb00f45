"""Roles and functions for tests of the local stage."""

import io
import json
import uuid
import zipfile
from collections.abc import Callable
from typing import Any

Client = Callable[[str], Any]

LOGS = {"Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"}


def make_role(client: Client, service: str, *statements: dict[str, Any]) -> str:
    """Make a role that trusts an AWS service and may do just this; return its ARN."""
    name = f"role-{uuid.uuid4().hex[:8]}"
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    iam = client("iam")
    arn = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]["Arn"]
    granted = [{"Effect": "Allow", **statement} for statement in statements]
    if granted:
        iam.put_role_policy(
            RoleName=name,
            PolicyName="grants",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": granted}),
        )
    return str(arn)


def package(source: str) -> bytes:
    """Zip one module, app.py."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", source)
    return packed.getvalue()


def make_function(
    client: Client, source: str, *statements: dict[str, Any], timeout: int = 5, **variables: str
) -> str:
    """Make a function of one module with a `handler`; its role may write logs and the rest."""
    name = f"function-{uuid.uuid4().hex[:8]}"
    client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=make_role(client, "lambda.amazonaws.com", LOGS, *statements),
        Handler="app.handler",
        Code={"ZipFile": package(source)},
        Timeout=timeout,
        Environment={"Variables": variables},
    )
    return name


def invoke(client: Client, name: str, event: object = None) -> tuple[Any, bool]:
    """Invoke a function; return its payload and whether that is an error document."""
    answer = client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    return json.loads(answer["Payload"].read()), "FunctionError" in answer


def printed(client: Client, name: str) -> list[str]:
    """Return all log lines of a function, in order."""
    logs, group = client("logs"), f"/aws/lambda/{name}"
    lines: list[tuple[int, str]] = []
    for stream in logs.describe_log_streams(logGroupName=group)["logStreams"]:
        events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])
        lines += [(event["timestamp"], event["message"]) for event in events["events"]]
    return [line for _, line in sorted(lines, key=lambda line: line[0])]
