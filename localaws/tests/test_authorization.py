"""Roles may do what their policies say on the local stage, and everything is recorded."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localaws import authorization
from localaws.home import Home
from support.making import Client, invoke, make_function, make_role

PUTTING = """
import boto3
def handler(event, context):
    boto3.client("s3").put_object(Bucket=event["bucket"], Key=event["key"], Body=b"x")
    return "done"
"""
BUCKET = "role-bucket"


@pytest.fixture(scope="module")
def bucket(client: Client) -> Iterator[str]:
    """A bucket that refuses requests without TLS."""
    client("s3").create_bucket(Bucket=BUCKET)
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }
    client("s3").put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    yield BUCKET


def put(client: Client, name: str, **event: Any) -> str:
    """Let a function put an object; return "done" or the error's code."""
    answer, failed = invoke(client, name, event)
    return str(answer["errorMessage"].split("(")[1].split(")")[0]) if failed else str(answer)


def test_a_role_may_do_what_it_is_granted_and_nothing_else(client: Client, bucket: str) -> None:
    allowed = {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/mine/*"}
    name = make_function(client, PUTTING, allowed)

    assert put(client, name, bucket=bucket, key="mine/a") == "done"
    assert put(client, name, bucket=bucket, key="yours/a") == "AccessDenied"


def test_conditions_are_enforced(client: Client, bucket: str) -> None:
    granted = {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    here = {**granted, "Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}}
    elsewhere = {**granted, "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}}

    assert put(client, make_function(client, PUTTING, here), bucket=bucket, key="a") == "done"
    refused = put(client, make_function(client, PUTTING, elsewhere), bucket=bucket, key="a")
    assert refused == "AccessDenied"


WRITING = """
import boto3
def handler(event, context):
    def update(partition):
        return {"TableName": "role-table", "Key": {"of": {"S": partition}},
                "UpdateExpression": "SET x = :x", "ExpressionAttributeValues": {":x": {"S": "x"}}}
    items = [{"Update": update(partition)} for partition in event]
    boto3.client("dynamodb").transact_write_items(TransactItems=items)
    return "done"
"""


def test_conditions_hold_for_every_item_of_a_transaction(client: Client) -> None:
    client("dynamodb").create_table(
        TableName="role-table",
        KeySchema=[{"AttributeName": "of", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "of", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    mine = {
        "Action": "dynamodb:UpdateItem",
        "Resource": "arn:aws:dynamodb:*:*:table/role-table",
        "Condition": {
            "ForAllValues:StringLike": {"dynamodb:LeadingKeys": "mine-*"},
            "Null": {"dynamodb:LeadingKeys": "false"},
        },
    }
    name = make_function(client, WRITING, mine)

    assert invoke(client, name, ["mine-1", "mine-2"]) == ("done", False)
    for partitions in (["mine-3", "yours"], ["yours", "mine-3"], ["yours"]):
        answer, failed = invoke(client, name, partitions)
        assert failed and "AccessDenied" in answer["errorMessage"]
    assert client("dynamodb").scan(TableName="role-table")["Count"] == 2


def test_an_operation_nobody_can_name_is_denied(client: Client, stage_home: Path) -> None:
    source = """
import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from urllib.request import Request, urlopen
from urllib.error import HTTPError
import os
def handler(event, context):
    url = os.environ["AWS_ENDPOINT_URL"] + "/2015-03-31/no-such-thing"
    request = AWSRequest("PATCH", url, data=b"{}")
    SigV4Auth(boto3.Session().get_credentials(), "lambda", "us-east-1").add_auth(request)
    try:
        urlopen(Request(url, b"{}", dict(request.headers), method="PATCH"))
    except HTTPError as error:
        return error.code
"""
    assert invoke(client, make_function(client, source)) == (403, False)


def test_every_decision_about_a_role_is_recorded(
    client: Client, bucket: str, stage_home: Path
) -> None:
    granted = {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/mine/*"}
    name = make_function(client, PUTTING, granted)
    role = client("lambda").get_function_configuration(FunctionName=name)["Role"]

    put(client, name, bucket=bucket, key="mine/b")
    put(client, name, bucket=bucket, key="yours/b")

    record = (stage_home / "state/authorizations.jsonl").read_text().splitlines()
    mine = [json.loads(line) for line in record if role.rpartition("/")[2] in line]
    assert [line for line in mine if line["action"].startswith("s3:")] == [
        {
            "role": role.rpartition("/")[2],
            "action": "s3:PutObject",
            "resource": f"arn:aws:s3:::{bucket}/{key}",
            "allowed": key.startswith("mine"),
        }
        for key in ("mine/b", "yours/b")
    ]


def test_a_function_whose_role_may_not_write_logs_leaves_none(client: Client) -> None:
    name = make_function(client, "def handler(event, context):\n    print('hello')\n")
    role = make_role(client, "lambda.amazonaws.com")
    client("lambda").update_function_configuration(FunctionName=name, Role=role)

    invoke(client, name)

    groups = client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")
    assert groups["logGroups"] == []


def test_a_role_that_does_not_trust_lambda_is_not_taken(client: Client) -> None:
    name = make_function(client, "def handler(event, context):\n    return 1\n")
    role = make_role(client, "sagemaker.amazonaws.com")
    client("lambda").update_function_configuration(FunctionName=name, Role=role)

    document, failed = invoke(client, name)

    assert failed
    assert "cannot be assumed" in document["errorMessage"]


def test_a_record_that_has_grown_too_large_is_put_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authorization, "LARGEST_RECORD", 100)
    monkeypatch.setattr(authorization, "_record", None)
    home = Home(tmp_path)
    home.make()
    for role in ("first", "second", "third"):
        authorization.open_record(home).add(role, "s3:GetObject", "*" * 60, True)

    kept = {path.name: path.read_text() for path in home.state.iterdir()}

    assert kept.keys() == {"authorizations.jsonl", "authorizations.old.jsonl"}
    assert '"second"' in kept["authorizations.old.jsonl"]
    assert '"third"' in kept["authorizations.jsonl"]


def test_a_secret_is_read_by_the_role_that_its_tag_names(client: Client) -> None:
    """The condition key secretsmanager:ResourceTag has the tags of the secret that is asked for."""
    secrets = client("secretsmanager")
    made = {
        owner: secrets.create_secret(
            Name=f"login-of-{owner}",
            SecretString="word",
            Tags=[{"Key": "shop:owner", "Value": owner}],
        )["ARN"]
        for owner in ("till", "office")
    }
    reading = """
import boto3
def handler(event, context):
    return boto3.client("secretsmanager").get_secret_value(SecretId=event["secret"])["SecretString"]
"""
    statement = {
        "Action": "secretsmanager:GetSecretValue",
        "Resource": "*",
        "Condition": {"StringEquals": {"secretsmanager:ResourceTag/shop:owner": "till"}},
    }
    name = make_function(client, reading, statement)

    assert invoke(client, name, {"secret": made["till"]}) == ("word", False)
    refusal, failed = invoke(client, name, {"secret": made["office"]})
    assert failed
    assert "AccessDenied" in refusal["errorMessage"]
