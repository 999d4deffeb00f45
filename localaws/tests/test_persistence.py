"""What a local stage holds survives a restart and a killed server; interrupted work is ended."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localaws import stage as local_stage
from localaws.persistence import Saver, delay
from localaws.stage import Stage
from support.making import invoke, make_function, make_role
from support.saving import everything_is_saved
from support.stage import connect
from support.waiting import eventually

TABLE: dict[str, Any] = {
    "TableName": "runs",
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "model", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "model", "KeyType": "HASH"}],
}
NOTING = """
import boto3, json, os
def handler(event, context):
    boto3.client("dynamodb").put_item(TableName="runs", Item={
        "model": {"S": event["detail"]["name"]}, "status": {"S": event["detail"]["status"]}})
"""


class OwnStage:
    """A stage of this test's own, to be stopped and killed."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.stage: Stage = local_stage.up(home)

    def client(self, service: str) -> Any:
        return connect(self.stage, service)

    def restart(self) -> None:
        local_stage.down(self.home)
        self.stage = local_stage.up(self.home)

    def kill_and_start(self) -> None:
        os.kill(self.stage.pid, signal.SIGKILL)
        eventually(lambda: local_stage.status(self.home) is None)
        self.stage = local_stage.up(self.home)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[OwnStage]:
    own = OwnStage(tmp_path / "home")
    yield own
    local_stage.down(own.home)


def fill(own: OwnStage) -> str:
    """Put something into every service; return a function's name."""
    s3 = own.client("s3")
    s3.create_bucket(Bucket="kept-bucket")
    s3.put_bucket_versioning(Bucket="kept-bucket", VersioningConfiguration={"Status": "Enabled"})
    for body in (b"one", b"two"):
        s3.put_object(Bucket="kept-bucket", Key="a b/é.csv", Body=body)
    own.client("dynamodb").create_table(**TABLE)
    own.client("dynamodb").put_item(TableName="runs", Item={"model": {"S": "abalone"}})
    own.client("sagemaker").create_model_package_group(ModelPackageGroupName="kept-abalone")
    resources = {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "kept"}}}
    own.client("cloudformation").create_stack(
        StackName="kept", TemplateBody=json.dumps({"Resources": resources})
    )
    eventually(lambda: stack_status(own) == "CREATE_COMPLETE")
    name = make_function(own.client, "def handler(event, context):\n    return 'here'\n")
    assert invoke(own.client, name) == ("here", False)
    return name


def stack_status(own: OwnStage) -> str:
    stacks = own.client("cloudformation").describe_stacks(StackName="kept")["Stacks"]
    return str(stacks[0]["StackStatus"])


def check(own: OwnStage, function: str, credentials: tuple[str, str]) -> None:
    s3 = own.client("s3")
    versions = s3.list_object_versions(Bucket="kept-bucket")["Versions"]
    bodies = {
        s3.get_object(Bucket="kept-bucket", Key=one["Key"], VersionId=one["VersionId"])[
            "Body"
        ].read()
        for one in versions
    }
    assert bodies == {b"one", b"two"}
    assert own.client("dynamodb").scan(TableName="runs")["Items"] == [{"model": {"S": "abalone"}}]
    groups = own.client("sagemaker").list_model_package_groups()["ModelPackageGroupSummaryList"]
    assert [group["ModelPackageGroupName"] for group in groups] == ["kept-abalone"]
    assert stack_status(own) == "CREATE_COMPLETE"
    assert invoke(own.client, function) == ("here", False)
    assert (own.stage.access_key, own.stage.secret_key) == credentials


def test_everything_is_there_after_a_restart(own: OwnStage) -> None:
    function = fill(own)
    credentials = own.stage.access_key, own.stage.secret_key

    own.restart()

    check(own, function, credentials)


def test_everything_is_there_after_the_server_was_killed(own: OwnStage) -> None:
    function = fill(own)
    credentials = own.stage.access_key, own.stage.secret_key
    everything_is_saved(own.client, own.home)

    own.kill_and_start()

    check(own, function, credentials)


def test_an_execution_the_server_died_with_is_aborted_and_its_event_sent(own: OwnStage) -> None:
    own.client("dynamodb").create_table(**TABLE)
    noting = make_function(own.client, NOTING, {"Action": "dynamodb:PutItem", "Resource": "*"})
    watch_executions(own, noting)
    machine = own.client("stepfunctions").create_state_machine(
        name="waiting",
        definition=json.dumps(
            {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 600, "End": True}}}
        ),
        roleArn=make_role(own.client, "states.amazonaws.com"),
    )["stateMachineArn"]
    run = own.client("stepfunctions").start_execution(stateMachineArn=machine, name="run-1")
    everything_is_saved(own.client, own.home)

    own.kill_and_start()

    states = own.client("stepfunctions")
    ended = states.describe_execution(executionArn=run["executionArn"])
    assert (ended["status"], ended["error"]) == ("ABORTED", "LocalAWS.StageStopped")
    history = states.get_execution_history(executionArn=run["executionArn"])["events"]
    assert history[-1]["type"] == "ExecutionAborted"
    dynamodb = own.client("dynamodb")
    noted = eventually(lambda: dynamodb.scan(TableName="runs")["Items"])
    assert noted == [{"model": {"S": "run-1"}, "status": {"S": "ABORTED"}}]


def watch_executions(own: OwnStage, function: str) -> None:
    """Have a function called for every execution that is aborted."""
    events, functions = own.client("events"), own.client("lambda")
    pattern = {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"status": ["ABORTED"]},
    }
    rule = events.put_rule(Name="aborted", EventPattern=json.dumps(pattern))["RuleArn"]
    arn = functions.get_function_configuration(FunctionName=function)["FunctionArn"]
    events.put_targets(Rule="aborted", Targets=[{"Id": "function", "Arn": arn}])
    functions.add_permission(
        FunctionName=function,
        StatementId="events",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
    )


def test_a_stage_whose_folder_is_removed_stops(own: OwnStage) -> None:
    (own.home / "stage.json").unlink()

    def gone() -> bool:
        try:
            os.kill(own.stage.pid, 0)
        except ProcessLookupError:
            return True
        # The server is this process's child; it stays a zombie until somebody asks.
        return os.waitpid(own.stage.pid, os.WNOHANG)[0] == own.stage.pid

    eventually(gone)


def test_a_full_disk_does_not_end_the_saving(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder, held = tmp_path / "state", {"runs": 1}
    saver = Saver(folder, lambda service, state: json.dumps(state))
    saver.keep("tables", "tables", lambda: held)
    saver.start()
    saver.changed("tables")  # there is no folder to write into, as on a disk without room
    eventually(lambda: "could not save tables" in caplog.text)

    folder.mkdir()

    eventually(lambda: (folder / "tables.json").exists())
    saver.close()


@pytest.mark.parametrize(("work", "pause"), [(0.0, 0.4), (0.1, 0.9), (10.0, 5.0)])
def test_saving_takes_no_more_than_a_tenth_of_a_processor_nor_waits_for_long(
    work: float, pause: float
) -> None:
    assert delay(work) == pytest.approx(pause)
