"""Pipelines through the gateway of a running stage: real IAM, real functions, real stacks."""

import json
import os
import signal
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws import stage as local_stage
from localaws.stage import Stage
from support.codepipeline_surroundings import ACCOUNT, SERVICE, Client, Statement, Surroundings
from support.making import make_role
from support.stage import connect
from support.waiting import eventually


@pytest.fixture
def around(client: Client) -> Surroundings:
    return Surroundings(client)


def as_role(client: Client, running: Stage, role: str) -> Client:
    """A maker of clients that act as the role, which must trust the account."""
    keys = client("sts").assume_role(RoleArn=role, RoleSessionName="ada")["Credentials"]
    return lambda service: connect(
        running,
        service,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


def person(client: Client, *statements: Statement) -> str:
    """Make a role for people."""
    name = f"person-{uuid.uuid4().hex[:8]}"
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "sts:AssumeRole",
    }
    iam = client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    granted = [{"Effect": "Allow", **statement} for statement in statements]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(*granted))
    return str(role)


def policy(*statements: Statement) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def test_a_release_goes_from_source_to_record(
    client: Client, around: Surroundings, stage_home: Path
):
    role = make_role(client, SERVICE, *around.grants(), *around.deployment_grants())
    client("codepipeline").create_pipeline(pipeline=around.declaration(role))
    queue = client("sqs").create_queue(QueueName=around.name)["QueueUrl"]
    pattern = {"source": ["aws.codepipeline"], "detail": {"pipeline": [around.name]}}
    client("events").put_rule(Name=around.name, EventPattern=json.dumps(pattern))
    target = {"Id": "1", "Arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:{around.name}"}
    client("events").put_targets(Rule=around.name, Targets=[target])

    identity = around.start(review="manual")
    token = around.token(identity)
    client("codepipeline").put_approval_result(**around.approval(token))

    assert around.ends(identity) == "Succeeded", around.actions(identity)
    runs = around.actions(identity)
    setting = runs["Deploy"]["output"]["outputVariables"]["Setting"]
    found = client("ssm").get_parameter(Name=setting)["Parameter"]["Value"]
    assert found == f"abalone {around.version}"
    assert runs["Record"]["output"]["outputVariables"] == {
        "Size": str(len(around.bundle)),
        "Other": "AccessDenied",  # the job's credentials are for its own artifacts
        "Setting": setting,
    }
    assert runs["Approve"]["updatedBy"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert notice(stage_home, around.topic)["approval"]["token"] == token
    told: set[tuple[str, str]] = set()
    wanted = {(kind, "SUCCEEDED") for kind in ("Pipeline", "Stage", "Action")}
    eventually(lambda: told.update(received(client, queue)) or wanted <= told)


def notice(home: Path, topic: str) -> dict[str, Any]:
    """The message that was published to a topic."""
    lines = (home / "logs" / "notifications.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    message: dict[str, Any] = json.loads(
        next(line["message"] for line in found if line["topic"] == topic)
    )
    return message


def received(client: Client, queue: str) -> set[tuple[str, str]]:
    """The kinds and states of the events that came."""
    states: set[tuple[str, str]] = set()
    while (
        messages := client("sqs")
        .receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        .get("Messages")
    ):
        for message in messages:
            event = json.loads(message["Body"])
            states.add((event["detail-type"].split()[1], event["detail"]["state"]))
    return states


def test_an_action_acts_as_its_own_role(client: Client, around: Surroundings, stage_home: Path):
    deployer = person(client, *around.deployment_grants(), around.grants()[0])
    assume = {"Action": "sts:AssumeRole", "Resource": deployer}
    role = make_role(client, SERVICE, *around.grants(), assume)
    client("codepipeline").create_pipeline(pipeline=around.declaration(role, deployer))

    identity = around.start()

    assert around.ends(identity) == "Succeeded", around.actions(identity)
    lines = (stage_home / "state" / "authorizations.jsonl").read_text().splitlines()
    decisions = [json.loads(line) for line in lines]
    who = {one["role"] for one in decisions if one["action"] == "cloudformation:CreateStack"}
    assert deployer.rpartition("/")[2] in who
    assert role.rpartition("/")[2] not in who


def test_a_role_that_may_not_read_the_source_fails_the_execution(
    client: Client, around: Surroundings
):
    role = make_role(client, SERVICE, *around.grants()[1:])
    client("codepipeline").create_pipeline(pipeline=around.declaration(role))

    identity = around.start()

    assert around.ends(identity) == "Failed"
    details = around.actions(identity)["Bundle"]["output"]["executionResult"]["errorDetails"]
    assert details["code"] == "PermissionError"
    assert around.bucket in details["message"]


def test_an_approver_may_decide_and_nothing_else(
    client: Client, stage: Stage, around: Surroundings
):
    role = make_role(client, SERVICE, *around.grants(), *around.deployment_grants())
    client("codepipeline").create_pipeline(pipeline=around.declaration(role))
    name = f"arn:aws:codepipeline:us-east-1:{ACCOUNT}:{around.name}"
    approver = person(
        client,
        {"Action": "codepipeline:ListActionExecutions", "Resource": name},
        {"Action": "codepipeline:PutApprovalResult", "Resource": f"{name}/Review/Approve"},
    )
    acting = as_role(client, stage, approver)
    identity = around.start(review="manual")
    token = around.token(identity, acting)

    with pytest.raises(ClientError, match="AccessDenied"):
        around.start(acting)
    acting("codepipeline").put_approval_result(**around.approval(token, "Rejected"))

    assert around.ends(identity) == "Failed"
    assert around.actions(identity)["Approve"]["updatedBy"].endswith("/ada")
    with pytest.raises(client("codepipeline").exceptions.ApprovalAlreadyCompletedException):
        client("codepipeline").put_approval_result(**around.approval(token))


STACK = """
Parameters:
  Bucket: {Type: String}
  RoleArn: {Type: String}
  Review: {Type: String}
Resources:
  Pipeline:
    Type: AWS::CodePipeline::Pipeline
    Properties:
      RoleArn: !Ref RoleArn
      PipelineType: V2
      ExecutionMode: QUEUED
      ArtifactStore: {Type: S3, Location: !Ref Bucket}
      Variables: [{Name: model, DefaultValue: none}]
      Stages:
        - Name: Source
          Actions:
            - Name: Bundle
              ActionTypeId: {Category: Source, Owner: AWS, Provider: S3, Version: "1"}
              Configuration:
                S3Bucket: !Ref Bucket
                S3ObjectKey: releases/7/bundle.zip
                PollForSourceChanges: false
              OutputArtifacts: [{Name: Bundle}]
        - Name: !Ref Review
          BeforeEntry:
            Conditions:
              - Result: SKIP
                Rules:
                  - Name: Wanted
                    RuleTypeId: {Category: Rule, Owner: AWS, Provider: VariableCheck, Version: "1"}
                    Configuration:
                      Variable: "#{variables.model}"
                      Value: none
                      Operator: NE
          Actions:
            - Name: Approve
              RunOrder: 1
              TimeoutInMinutes: 60
              ActionTypeId: {Category: Approval, Owner: AWS, Provider: Manual, Version: "1"}
      Tags: [{Key: part, Value: release}]
Outputs:
  Name: {Value: !Ref Pipeline}
  Version: {Value: !GetAtt Pipeline.Version}
"""


def test_cloudformation_makes_updates_and_deletes_a_pipeline(client: Client, around: Surroundings):
    role = make_role(client, SERVICE, *around.grants())
    stacks, pipelines = client("cloudformation"), client("codepipeline")

    def parameters(review: str) -> list[dict[str, str]]:
        values = {"Bucket": around.bucket, "RoleArn": role, "Review": review}
        return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]

    def outputs() -> dict[str, str]:
        (found,) = stacks.describe_stacks(StackName=around.stack)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}

    wanted = {"StackName": around.stack, "TemplateBody": STACK}
    stacks.create_stack(**wanted, Parameters=parameters("Review"))
    stacks.get_waiter("stack_create_complete").wait(
        StackName=around.stack, WaiterConfig={"Delay": 0.05}
    )
    made = outputs()
    around.name = made["Name"]
    execution = pipelines.start_pipeline_execution(name=around.name)["pipelineExecutionId"]
    assert around.ends(execution) == "Succeeded", around.actions(execution)
    stacks.update_stack(**wanted, Parameters=parameters("Check"))
    stacks.get_waiter("stack_update_complete").wait(
        StackName=around.stack, WaiterConfig={"Delay": 0.05}
    )

    assert outputs() == {"Name": around.name, "Version": "2"}
    assert made == {"Name": around.name, "Version": "1"}
    found = pipelines.get_pipeline(name=around.name)
    assert found["pipeline"]["stages"][1]["name"] == "Check"
    assert found["pipeline"]["stages"][1]["actions"][0]["timeoutInMinutes"] == 60
    assert found["pipeline"]["stages"][0]["actions"][0]["configuration"] == {
        "S3Bucket": around.bucket,
        "S3ObjectKey": "releases/7/bundle.zip",
        "PollForSourceChanges": "false",
    }
    tags = pipelines.list_tags_for_resource(resourceArn=found["metadata"]["pipelineArn"])["tags"]
    assert {"key": "part", "value": "release"} in tags
    stacks.delete_stack(StackName=around.stack)
    with pytest.raises(pipelines.exceptions.PipelineNotFoundException):
        eventually(lambda: pipelines.get_pipeline(name=around.name) is None)


@pytest.fixture
def short_lived(tmp_path: Path) -> Iterator[Path]:
    """The home of a stage that a test may kill."""
    home = tmp_path / "home"
    yield home
    local_stage.down(home)


def is_kept(home: Path, around: Surroundings) -> None:
    """Wait until what the actions need is on the disk, which it is half a second after it came."""
    iam = around.client("iam")
    for role in iam.list_roles()["Roles"]:
        name = role["RoleName"]
        for inline in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            eventually(partial(kept, home, "iam", name, inline))
    for function in around.client("lambda").list_functions()["Functions"]:
        eventually(partial(kept, home, "lambda", function["FunctionName"]))


def kept(home: Path, service: str, *names: str) -> bool:
    file = home / f"state/{service}.json"
    written = file.read_text() if file.exists() else ""
    return all(name in written for name in names)


def test_a_killed_stage_keeps_what_was_answered(short_lived: Path):
    running = local_stage.up(short_lived)
    around = Surroundings(lambda service: connect(running, service))
    role = make_role(around.client, SERVICE, *around.grants(), *around.deployment_grants())
    around.client("codepipeline").create_pipeline(pipeline=around.declaration(role))
    waiting, approved = around.start(review="manual"), around.start(review="manual")
    token, other = around.token(waiting), around.token(approved)
    is_kept(short_lived, around)

    around.client("codepipeline").put_approval_result(**around.approval(other))
    os.kill(running.pid, signal.SIGKILL)
    eventually(lambda: local_stage.status(short_lived) is None)
    running = local_stage.up(short_lived)
    around.client = lambda service: connect(running, service)

    # What was approved is approved; what came after it had begun, or begins now.
    assert around.actions(approved)["Approve"]["status"] == "Succeeded"
    if around.ends(approved) == "Failed":
        failed = around.actions(approved)["Deploy"]["output"]["executionResult"]["errorDetails"]
        assert failed["message"] == "the local stage stopped while this action ran"
        around.client("codepipeline").retry_stage_execution(
            pipelineName=around.name,
            stageName="Promote",
            pipelineExecutionId=approved,
            retryMode="FAILED_ACTIONS",
        )
        assert around.ends(approved) == "Succeeded", around.actions(approved)
    # What waited waits, under the same token.
    assert around.token(waiting) == token
    around.client("codepipeline").put_approval_result(**around.approval(token))
    assert around.ends(waiting) == "Succeeded", around.actions(waiting)
