"""A canary through CloudFormation, on a running stage: SAM's transform, hooks, alarms, IAM."""

import json
import os
import signal
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from localaws import stage as local_stage
from localaws.stage import Stage
from support.making import Client, package, printed
from support.saving import everything_is_saved
from support.stage import connect
from support.waiting import eventually

HOOK = """
import os, boto3
def handler(event, context):
    print("asked", sorted(event))
    boto3.client("codedeploy").put_lifecycle_event_hook_execution_status(
        deploymentId=event["DeploymentId"],
        lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
        status=os.environ["ANSWER"],
    )
"""
SHORT, LONG = "Canary10Percent5Minutes", "Canary10Percent30Minutes"
TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  Bucket: {Type: String}
  Answer: {Type: String, Default: Succeeded}
Resources:
  Scorer:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: {Bucket: !Ref Bucket, Key: KEY}
      Handler: app.handler
      Runtime: python3.13
      Environment: {Variables: {ATTEMPT: "TOKEN"}}
      AutoPublishAlias: live
      AutoPublishAliasAllProperties: true
      DeploymentPreference:
        Type: CANARY
        Role: !GetAtt Deployer.Arn
        Alarms: [!Ref Unhappy]
        Hooks: {PreTraffic: !Ref Hook, PostTraffic: !Ref Hook}
  Hook:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: {Bucket: !Ref Bucket, Key: hook.zip}
      Handler: app.handler
      Runtime: python3.13
      Environment: {Variables: {ANSWER: !Ref Answer}}
      Policies:
        - Version: "2012-10-17"
          Statement:
            - Effect: Allow
              Action: codedeploy:PutLifecycleEventHookExecutionStatus
              Resource: !Sub "arn:aws:codedeploy:us-east-1:123456789012:deploymentgroup:\
${ServerlessDeploymentApplication}/*"
  Unhappy:
    Type: AWS::CloudWatch::Alarm
    Properties:
      Metrics:
        - {Id: rate, Expression: "IF(FILL(calls, 0) > 0, 100 * errors / calls, 0)"}
        - Id: errors
          ReturnData: false
          MetricStat:
            Metric: &errors
              Namespace: AWS/Lambda
              MetricName: Errors
              Dimensions:
                - {Name: FunctionName, Value: !Ref Scorer}
                - {Name: Resource, Value: !Sub "${Scorer}:live"}
                - {Name: ExecutedVersion, Value: !GetAtt Scorer.Version.Version}
            Period: 60
            Stat: Sum
        - Id: calls
          ReturnData: false
          MetricStat: {Metric: {<<: *errors, MetricName: Invocations}, Period: 60, Stat: Sum}
      EvaluationPeriods: 1
      Threshold: 10
      ComparisonOperator: GreaterThanThreshold
      TreatMissingData: notBreaching
  Deployer:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement:
          - Effect: Allow
            Principal: {Service: codedeploy.amazonaws.com}
            Action: sts:AssumeRole
      Policies:
        - PolicyName: deploy
          PolicyDocument:
            Statement:
              - Effect: Allow
                Action:
                  - lambda:GetAlias
                  - lambda:GetProvisionedConcurrencyConfig
                  - lambda:UpdateAlias
                Resource: [!GetAtt Scorer.Arn, !Sub "${Scorer.Arn}:live"]
              - {Effect: Allow, Action: lambda:InvokeFunction, Resource: !GetAtt Hook.Arn}
              - Effect: Allow
                Action: cloudwatch:DescribeAlarms
                Resource: arn:aws:cloudwatch:us-east-1:123456789012:alarm:*
Outputs:
  Alias: {Value: !Ref Scorer.Alias}
  Function: {Value: !Ref Scorer}
  Hook: {Value: !Ref Hook}
  Alarm: {Value: !Ref Unhappy}
  Deployer: {Value: !Ref Deployer}
"""


class Stack:
    """A stack of the template on some stage."""

    def __init__(self, client: Client, name: str) -> None:
        self.client = client
        self.name = name
        self.bucket = f"code-{uuid.uuid4().hex[:8]}"
        self.attempt = 0
        client("s3").create_bucket(Bucket=self.bucket)
        self._put("hook.zip", HOOK)
        for version in ("one", "two"):
            self._put(f"{version}.zip", f"def handler(event, context):\n    return {version!r}\n")
        self._put("bad.zip", "def handler(event, context):\n    raise ValueError('wrong')\n")

    def deploy(
        self,
        kind: str,
        version: str,
        canary: str = SHORT,
        *,
        again: bool = False,
        **parameters: str,
    ) -> None:
        """Each deployment makes a version of its own, unless it is to be the last one again."""
        self.attempt += not again
        template = TEMPLATE.replace("KEY", f"{version}.zip").replace("CANARY", canary)
        cloudformation = self.client("cloudformation")
        change = cloudformation.create_change_set(
            StackName=self.name,
            ChangeSetName=f"c-{uuid.uuid4().hex[:8]}",
            ChangeSetType=kind,
            TemplateBody=template.replace("TOKEN", str(self.attempt)),
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value}
                for key, value in {"Bucket": self.bucket, **parameters}.items()
            ],
        )["Id"]
        describe = cloudformation.describe_change_set
        eventually(lambda: describe(ChangeSetName=change)["Status"] == "CREATE_COMPLETE")
        cloudformation.execute_change_set(ChangeSetName=change)

    def status(self, client: Client | None = None) -> str:
        describe = (client or self.client)("cloudformation").describe_stacks
        return str(describe(StackName=self.name)["Stacks"][0]["StackStatus"])

    def ended(self, client: Client | None = None) -> str:
        eventually(lambda: not self.status(client).endswith("_IN_PROGRESS"))
        return self.status(client)

    def outputs(self) -> dict[str, str]:
        [stack] = self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def failure(self) -> str:
        events = self.client("cloudformation").describe_stack_events(StackName=self.name)
        failed = [e for e in events["StackEvents"] if e["ResourceStatus"] == "UPDATE_FAILED"]
        return str(failed[0]["ResourceStatusReason"])

    def alias(self, client: Client | None = None) -> dict[str, Any]:
        get = (client or self.client)("lambda").get_alias
        return dict(get(FunctionName=self.function, Name="live"))

    @property
    def function(self) -> str:
        return self.outputs()["Function"]

    def deployments(self) -> list[dict[str, Any]]:
        """The deployments of this stack, the newest first."""
        codedeploy = self.client("codedeploy")
        [application] = [
            name
            for name in codedeploy.list_applications()["applications"]
            if name.startswith(f"{self.name}-")
        ]
        [group] = codedeploy.list_deployment_groups(applicationName=application)["deploymentGroups"]
        ids = codedeploy.list_deployments(applicationName=application, deploymentGroupName=group)
        return [
            codedeploy.get_deployment(deploymentId=name)["deploymentInfo"]
            for name in ids["deployments"]
        ]

    def shifting(self) -> None:
        """Wait until the canary takes its share of the traffic."""
        eventually(lambda: self.alias().get("RoutingConfig"))

    def _put(self, key: str, source: str) -> None:
        self.client("s3").put_object(Bucket=self.bucket, Key=key, Body=package(source))


@pytest.fixture(scope="module")
def stack(client: Client) -> Stack:
    """A stack whose function is on its first version."""
    made = Stack(client, f"canary-{uuid.uuid4().hex[:6]}")
    made.deploy("CREATE", "one")
    assert made.ended() == "CREATE_COMPLETE"
    return made


@pytest.fixture
def caller(stack: Stack) -> Iterator[Callable[[], Counter[str]]]:
    """A caller that invokes the alias all the time; it returns which versions answered."""
    seen: Counter[str] = Counter()
    stop = threading.Event()
    alias = stack.outputs()["Alias"]

    def call() -> None:
        while not stop.is_set():
            seen[stack.client("lambda").invoke(FunctionName=alias)["ExecutedVersion"]] += 1

    def versions() -> Counter[str]:
        stop.set()
        thread.join()
        return seen

    thread = threading.Thread(target=call)
    thread.start()
    yield versions
    versions()


def test_the_first_version_is_in_service_at_once(client: Client, stack: Stack) -> None:
    assert stack.alias()["FunctionVersion"] == "1"
    assert stack.deployments() == []


def test_an_update_shifts_by_a_canary_between_two_hooks(
    client: Client, stack: Stack, stage_home: Path, caller: Callable[[], Counter[str]]
) -> None:
    stack.deploy("UPDATE", "two")

    assert stack.ended() == "UPDATE_COMPLETE", stack.failure()

    versions = caller()
    assert versions["1"] > versions["2"] > 0
    assert (stack.alias()["FunctionVersion"], "RoutingConfig" in stack.alias()) == ("2", False)
    [deployment] = stack.deployments()
    assert (deployment["creator"], deployment["status"]) == ("CloudFormation", "Succeeded")
    asked = [line for line in printed(client, stack.outputs()["Hook"]) if "asked" in line]
    assert asked == ["asked ['DeploymentId', 'LifecycleEventHookExecutionId']"] * 2
    used = (stage_home / "state" / "authorizations.jsonl").read_text().splitlines()
    role = stack.outputs()["Deployer"]
    decisions = [line for line in map(json.loads, used) if line["role"] == role]
    assert {(line["action"], line["allowed"]) for line in decisions} == {
        ("lambda:GetAlias", True),
        ("lambda:UpdateAlias", True),
        ("lambda:GetProvisionedConcurrencyConfig", True),
        ("lambda:InvokeFunction", True),
        ("cloudwatch:DescribeAlarms", True),
    }


def test_an_alarm_during_the_canary_rolls_the_stack_back(client: Client, stack: Stack) -> None:
    before = stack.alias()["FunctionVersion"]
    alarm = stack.outputs()["Alarm"]
    stack.deploy("UPDATE", "one", LONG)
    stack.shifting()

    set_state = client("cloudwatch").set_alarm_state

    def is_heard() -> bool:  # the alarm's own data set it right again
        set_state(AlarmName=alarm, StateValue="ALARM", StateReason="a test")
        return stack.status() != "UPDATE_IN_PROGRESS"

    eventually(is_heard)
    assert stack.ended() == "UPDATE_ROLLBACK_COMPLETE"
    set_state(AlarmName=alarm, StateValue="OK", StateReason="a test")
    assert (stack.alias()["FunctionVersion"], "RoutingConfig" in stack.alias()) == (before, False)
    assert f"Activated alarms: {alarm} (Error code: ALARM_ACTIVE)" in stack.failure()
    assert [one["creator"] for one in stack.deployments()][:2] == [
        "codeDeployRollback",
        "CloudFormation",
    ]


def test_errors_of_the_new_version_alone_roll_it_back(
    client: Client, stack: Stack, caller: Callable[[], Counter[str]]
) -> None:
    before = stack.alias()["FunctionVersion"]

    stack.deploy("UPDATE", "bad", LONG)

    assert stack.ended() == "UPDATE_ROLLBACK_COMPLETE"
    assert len(caller()) == 2
    assert stack.alias()["FunctionVersion"] == before
    assert "ALARM_ACTIVE" in stack.failure()


def test_a_hook_that_refuses_leaves_the_old_version(client: Client, stack: Stack) -> None:
    before = stack.alias()["FunctionVersion"]

    stack.deploy("UPDATE", "one", Answer="Failed")

    assert stack.ended() == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.alias()["FunctionVersion"] == before
    assert "HOOK_EXECUTION_FAILURE" in stack.failure()


def test_the_same_again_after_it_was_undone_publishes_no_version_and_fails(stack: Stack) -> None:
    before = stack.alias()["FunctionVersion"]
    stack.deploy("UPDATE", "one", Answer="Failed")
    stack.ended()

    stack.deploy("UPDATE", "one", again=True)

    assert stack.ended() == "UPDATE_ROLLBACK_COMPLETE"
    assert "A version for this Lambda function exists" in stack.failure()
    assert stack.alias()["FunctionVersion"] == before


@pytest.mark.parametrize("way", ["the deployment", "the update"])
def test_stopping_it_either_way_fails_the_update(client: Client, stack: Stack, way: str) -> None:
    before = stack.alias()["FunctionVersion"]
    stack.deploy("UPDATE", "one", LONG)
    stack.shifting()

    if way == "the update":
        client("cloudformation").cancel_update_stack(StackName=stack.name)
    else:
        running = stack.deployments()[0]["deploymentId"]
        client("codedeploy").stop_deployment(deploymentId=running)

    assert stack.ended() == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.alias()["FunctionVersion"] == before
    assert "MANUAL_STOP" in stack.failure()


def test_a_server_killed_during_a_canary_comes_back_on_the_old_version(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = local_stage.up(home)
    stack = Stack(lambda service: connect(first, service), "killed")
    stack.deploy("CREATE", "one")
    stack.ended()
    function = stack.function
    stack.deploy("UPDATE", "two", LONG)
    stack.shifting()
    everything_is_saved(stack.client, home)  # any kill later than this finds as much

    os.kill(first.pid, signal.SIGKILL)
    second = local_stage.up(home)
    try:
        after: Stage = second
        status = stack.ended(lambda service: connect(after, service))
        alias = connect(after, "lambda").get_alias(FunctionName=function, Name="live")
        codedeploy = connect(after, "codedeploy")
        [name] = codedeploy.list_deployments()["deployments"]
        info = codedeploy.get_deployment(deploymentId=name)["deploymentInfo"]
    finally:
        local_stage.down(home)

    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert (alias["FunctionVersion"], "RoutingConfig" in alias) == ("1", False)
    assert info["status"] == "Stopped"
    assert "alias is back on version 1" in info["errorInformation"]["message"]
