"""Function URLs on loopback: signed requests only, decided by IAM, by alias."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from localaws.functions.address import reachable
from localaws.stage import Stage
from support.making import Client, make_function
from support.stage import connect

ANSWERS = """
import json
def handler(event, context):
    return {
        "statusCode": 200,
        "body": json.dumps([event["rawPath"], event["body"], context.invoked_function_arn[-4:]]),
    }
"""


@pytest.fixture(scope="module")
def url(client: Client, stage: Stage) -> tuple[str, str]:
    """A function's name, and where its alias `live` is reached."""
    lambda_ = client("lambda")
    name = make_function(client, ANSWERS)
    lambda_.publish_version(FunctionName=name)
    lambda_.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    made = lambda_.create_function_url_config(
        FunctionName=name, Qualifier="live", AuthType="AWS_IAM"
    )
    return name, reachable(made["FunctionUrl"], stage.endpoint)


def ask(address: str, credentials: Credentials | None) -> tuple[int, Any]:
    """POST a document; return the status and the answer."""
    request = AWSRequest("POST", address, {"Content-Type": "application/json"}, b'{"rows": []}')
    if credentials:
        SigV4Auth(credentials, "lambda", "us-east-1").add_auth(request)
    place = urlsplit(address)
    connection = http.client.HTTPConnection(place.netloc, timeout=30)
    connection.request("POST", place.path, request.data, dict(request.headers))
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def as_role(client: Client, stage: Stage, *statements: dict[str, Any]) -> Credentials:
    """Credentials of a role that may do just this."""
    iam, name = client("iam"), f"caller-{len(client('iam').list_roles()['Roles'])}"
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
        "Action": "sts:AssumeRole",
    }
    arn = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]["Arn"]
    granted = [{"Effect": "Allow", **statement} for statement in statements]
    document = json.dumps({"Version": "2012-10-17", "Statement": granted})
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document)
    given = connect(stage, "sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def statements(function: str, kind: str = "AWS_IAM") -> list[dict[str, Any]]:
    resource = f"arn:aws:lambda:us-east-1:123456789012:function:{function}:live"
    return [
        {
            "Action": "lambda:InvokeFunctionUrl",
            "Resource": resource,
            "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": kind}},
        },
        {
            "Action": "lambda:InvokeFunction",
            "Resource": resource,
            "Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
        },
    ]


def test_a_signed_request_reaches_the_alias(
    client: Client, stage: Stage, url: tuple[str, str]
) -> None:
    name, address = url
    caller = as_role(client, stage, *statements(name))

    assert ask(f"{address}score", caller) == (200, ["/score", '{"rows": []}', "live"])


@pytest.mark.parametrize("granted", [0, 1])
def test_either_permission_alone_is_not_enough(
    client: Client, stage: Stage, url: tuple[str, str], granted: int
) -> None:
    name, address = url
    caller = as_role(client, stage, statements(name)[granted])

    assert ask(address, caller)[0] == 403


def test_a_permission_for_another_kind_of_url_is_none(
    client: Client, stage: Stage, url: tuple[str, str]
) -> None:
    name, address = url

    assert ask(address, as_role(client, stage, *statements(name, "NONE")))[0] == 403


def test_a_request_that_is_not_signed_or_signed_wrongly_is_refused(
    client: Client, stage: Stage, url: tuple[str, str]
) -> None:
    name, address = url
    caller = as_role(client, stage, *statements(name))
    forged = Credentials(caller.access_key, "x" * 40, caller.token)

    assert ask(address, None)[0] == 403
    assert ask(address, forged)[0] == 403


def test_a_role_may_invoke_an_alias_and_not_the_function(
    client: Client, stage: Stage, url: tuple[str, str]
) -> None:
    name, _ = url
    resource = f"arn:aws:lambda:us-east-1:123456789012:function:{name}:live"
    caller = as_role(client, stage, {"Action": "lambda:InvokeFunction", "Resource": resource})
    keys = {
        "aws_access_key_id": caller.access_key,
        "aws_secret_access_key": caller.secret_key,
        "aws_session_token": caller.token,
    }
    lambda_ = boto3.client("lambda", endpoint_url=stage.endpoint, region_name="us-east-1", **keys)

    event = json.dumps({"rawPath": "/", "body": None})
    for named in ({"FunctionName": name, "Qualifier": "live"}, {"FunctionName": f"{name}:live"}):
        assert lambda_.invoke(Payload=event, **named)["ExecutedVersion"] == "1"
    with pytest.raises(lambda_.exceptions.ClientError, match="lambda:InvokeFunction"):
        lambda_.invoke(FunctionName=name)
