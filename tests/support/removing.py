"""A stage that is removed: people with other permissions than root, and what is left of it."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from core.stage.table_key import partitions
from kanmon.project import Project, stage_settings
from kanmon.stage.connection import Connection, light_session
from tests.support.laptop import Laptop

# What has the stage's name, or lies in it: the service, its operation, the list in the answer, and
# the field that names each. Where an operation has pages, all of them are read.
LISTS = (
    ("cloudformation", "describe_stacks", "Stacks", "StackName"),
    ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    ("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    ("codedeploy", "list_applications", "applications", None),
    ("codepipeline", "list_pipelines", "pipelines", "name"),
    ("dynamodb", "list_tables", "TableNames", None),
    ("ecr", "describe_repositories", "repositories", "repositoryName"),
    ("events", "list_rules", "Rules", "Name"),
    ("iam", "list_roles", "Roles", "RoleName"),
    ("lambda", "list_functions", "Functions", "FunctionName"),
    ("lambda", "list_layers", "Layers", "LayerName"),
    ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("s3", "list_buckets", "Buckets", "Name"),
    ("sagemaker", "list_model_package_groups", "ModelPackageGroupSummaryList",
     "ModelPackageGroupName"),
    ("scheduler", "list_schedules", "Schedules", "Name"),
    ("sns", "list_subscriptions", "Subscriptions", "TopicArn"),
    ("sns", "list_topics", "Topics", "TopicArn"),
    ("sqs", "list_queues", "QueueUrls", None),
    ("stepfunctions", "list_state_machines", "stateMachines", "name"),
)  # fmt: skip


def left_of(laptop: Laptop, stack: str = "kanmon-local") -> list[str]:
    """Everything with the stage's name that any service lists."""
    found = []
    for service, operation, member, field in LISTS:
        client = laptop.client(service)
        if client.can_paginate(operation):
            pages = client.get_paginator(operation).paginate()
            listed = [one for page in pages for one in page.get(member, [])]
        else:
            listed = getattr(client, operation)().get(member, [])
        names = [one if field is None else one[field] for one in listed]
        found += [f"{service}: {name}" for name in names if stack in name]
    policies = laptop.client("iam").list_policies(Scope="Local")["Policies"]
    found += [f"iam: {one['PolicyName']}" for one in policies if stack in one["PolicyName"]]
    return sorted(found + _streams(laptop, stack) + _networks(laptop, stack))


def _networks(laptop: Laptop, stack: str) -> list[str]:
    """Networks and their parts, whose names are tags."""
    client = laptop.client("ec2")
    tagged = client.describe_tags(Filters=[{"Name": "key", "Values": ["Name"]}])["Tags"]
    return [f"ec2: {one['ResourceId']} {one['Value']}" for one in tagged if stack in one["Value"]]


def _streams(laptop: Laptop, stack: str) -> list[str]:
    client = laptop.client("logs")
    group = {"logGroupName": "/aws/sagemaker/ProcessingJobs", "logStreamNamePrefix": f"{stack}-"}
    try:
        found = client.describe_log_streams(**group)["logStreams"]
    except client.exceptions.ResourceNotFoundException:
        return []
    return [f"logs: {one['logStreamName']}" for one in found]


def remaining_objects(laptop: Laptop, bucket: str, word: str) -> list[str]:
    """The versions and markers of the bucket whose keys have the word as a part of their path."""
    pages = laptop.client("s3").get_paginator("list_object_versions").paginate(Bucket=bucket)
    keys = [
        one["Key"]
        for page in pages
        for one in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
    ]
    return sorted(key for key in keys if word in key.replace("=", "/").split("/"))


def items_of(laptop: Laptop, table: str, model: str) -> list[str]:
    """The names of what the table has of a model."""
    asked = [
        laptop.client("dynamodb").query(
            TableName=table,
            KeyConditionExpression="model = :model",
            ExpressionAttributeValues={":model": {"S": partition}},
        )
        for partition in partitions(model)
    ]
    return [one["item"]["S"] for found in asked for one in found["Items"]]


@contextmanager
def somebody(
    laptop: Laptop, monkeypatch: pytest.MonkeyPatch, *denied: dict[str, Any]
) -> Iterator[None]:
    """Let the command line be an administrator who is not root, but for what is denied."""
    iam, name = laptop.client("iam"), f"Administrator-{uuid.uuid4().hex[:8]}"
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document([trust]))["Role"]["Arn"]
    allowed = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    refused = [{"Effect": "Deny", "Resource": "*", **one} for one in denied]
    policy = {"RoleName": name, "PolicyName": "own"}
    iam.put_role_policy(**policy, PolicyDocument=_document([allowed, *refused]))
    keys = laptop.client("sts").assume_role(RoleArn=arn, RoleSessionName="ada")["Credentials"]
    running = json.loads((laptop.home / "stage.json").read_text())
    session = light_session(None)
    session.set_credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    session.set_config_variable("region", running["region"])
    settings = stage_settings(Project(laptop.root), "local")
    connection = Connection(settings, session, running["endpoint"])
    with monkeypatch.context() as patched:
        patched.setattr("kanmon.stage.connection.connect", lambda name, project: connection)
        try:
            yield
        finally:
            iam.delete_role_policy(**policy)
            iam.delete_role(RoleName=name)


def _document(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
