"""A SAM project that is no other's: deploy its template, run its state machine, see its output."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from localaws import stage as local_stage
from support.stage import connect
from support.waiting import eventually

Client = Callable[[str], Any]

GREETING = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Greet:
    Type: AWS::Serverless::StateMachine
    Properties:
      Definition:
        QueryLanguage: JSONata
        StartAt: Say
        States:
          Say: {Type: Pass, Output: "{% 'hello, ' & $states.input.name %}", End: true}
Outputs:
  Machine: {Value: !Ref Greet}
"""

COUNTING = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Data: {Type: AWS::S3::Bucket}
  Images: {Type: AWS::ECR::Repository, Properties: {RepositoryName: shop-steps}}
  JobRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement:
          - Effect: Allow
            Principal: {Service: sagemaker.amazonaws.com}
            Action: sts:AssumeRole
      Policies:
        - PolicyName: job
          PolicyDocument:
            Statement:
              - {Effect: Allow, Action: "ecr:*", Resource: "*"}
              - {Effect: Allow, Action: ["s3:*", "logs:*"], Resource: "*"}
  Count:
    Type: AWS::Serverless::StateMachine
    Properties:
      Policies:
        - Statement:
            - {Effect: Allow, Action: "sagemaker:*", Resource: "*"}
            - {Effect: Allow, Action: "events:*", Resource: "*"}
            - {Effect: Allow, Action: "iam:PassRole", Resource: !GetAtt JobRole.Arn}
      Definition:
        QueryLanguage: JSONata
        StartAt: Count
        States:
          Count:
            Type: Task
            Resource: arn:aws:states:::sagemaker:createProcessingJob.sync
            Arguments: "{% $states.input %}"
            Output: "{% $states.result.ExitMessage %}"
            End: true
Outputs:
  Machine: {Value: !Ref Count}
  Bucket: {Value: !Ref Data}
  Role: {Value: !GetAtt JobRole.Arn}
"""
STEP = """
import os
from pathlib import Path
root = Path(os.environ.get("PROCESSING_ROOT", "/opt/ml/processing"))
lines = (root / "input/orders/orders.csv").read_text().splitlines()
(root / "output/total/total.txt").write_text(str(sum(int(line) for line in lines)))
(root.parent / "output/message").write_text(f"{len(lines)} orders")
"""


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    """A project's steps: one, of one file."""
    (tmp_path / "jobs/count").mkdir(parents=True)
    (tmp_path / "jobs/count/__main__.py").write_text(STEP)
    (tmp_path / "jobs/localaws.toml").write_text('steps = ["count"]\n')
    return tmp_path / "jobs"


@pytest.fixture
def client(tmp_path: Path, steps: Path) -> Iterator[Client]:
    """Clients of a stage that the project has for itself."""
    running = local_stage.up(tmp_path / "home", steps=steps)
    yield partial(connect, running)
    local_stage.down(tmp_path / "home")


def deploy(client: Client, template: str) -> dict[str, str]:
    """Deploy as the SAM CLI does, through CloudFormation; return the stack's outputs."""
    cloudformation = client("cloudformation")
    cloudformation.create_stack(
        StackName="shop",
        TemplateBody=template,
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName="shop", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    [stack] = cloudformation.describe_stacks(StackName="shop")["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def run(client: Client, machine: str, given: object) -> Any:
    states = client("stepfunctions")
    execution = states.start_execution(stateMachineArn=machine, input=json.dumps(given))
    describe = partial(states.describe_execution, executionArn=execution["executionArn"])
    eventually(lambda: describe()["status"] != "RUNNING")
    ended = describe()
    assert ended["status"] == "SUCCEEDED", ended
    return json.loads(ended["output"])


def test_a_state_machine_is_deployed_and_runs(client: Client):
    machine = deploy(client, GREETING)["Machine"]

    assert run(client, machine, {"name": "shop"}) == "hello, shop"


def test_a_processing_job_runs_the_projects_own_step(client: Client):
    made = deploy(client, COUNTING)
    client("s3").put_object(Bucket=made["Bucket"], Key="orders/orders.csv", Body=b"3\n4\n")
    [image] = client("ecr").describe_images(
        repositoryName="shop-steps", imageIds=[{"imageTag": "count"}]
    )["imageDetails"]
    repository = "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop-steps"
    job = {
        "ProcessingJobName": "count-orders",
        "RoleArn": made["Role"],
        "AppSpecification": {"ImageUri": f"{repository}@{image['imageDigest']}"},
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceCount": 1,
                "InstanceType": "ml.m5.large",
                "VolumeSizeInGB": 5,
            }
        },
        "ProcessingInputs": [
            {
                "InputName": "orders",
                "S3Input": {
                    "S3Uri": f"s3://{made['Bucket']}/orders/",
                    "LocalPath": "/opt/ml/processing/input/orders",
                    "S3DataType": "S3Prefix",
                    "S3InputMode": "File",
                },
            }
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "total",
                    "S3Output": {
                        "S3Uri": f"s3://{made['Bucket']}/total",
                        "LocalPath": "/opt/ml/processing/output/total",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
    }

    assert run(client, made["Machine"], job) == "2 orders"
    total = client("s3").get_object(Bucket=made["Bucket"], Key="total/total.txt")["Body"].read()
    assert total == b"7"


def localaws(*words: str) -> tuple[int, str, str]:
    """What `python -m localaws` answers."""
    done = subprocess.run(
        [sys.executable, "-m", "localaws", *words], capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


def test_the_command_line_starts_shows_and_stops_a_stage(tmp_path: Path, steps: Path):
    home = ["--home", str(tmp_path / "home")]

    none = localaws("status", *home)
    started = localaws("up", *home, "--steps", str(steps))
    status = json.loads(localaws("status", *home)[1])
    environment = localaws("env", *home)[1].splitlines()
    stopped = localaws("down", *home)
    again = localaws("down", *home)

    assert none == (3, "", "no stage is running\n")
    assert started == (0, f"The stage is up at {status['endpoint']}\n", "")
    assert environment[0] == "unset AWS_PROFILE AWS_SESSION_TOKEN"
    assert f"export AWS_ENDPOINT_URL={status['endpoint']}" in environment
    assert (stopped[:2], again[:2]) == (
        (0, "The stage is down.\n"),
        (0, "No stage was running.\n"),
    )


def test_the_command_line_refuses_in_one_line(tmp_path: Path):
    code, _, error = localaws("up", "--home", str(tmp_path / "home"), "--steps", str(tmp_path))

    assert (code, len(error.splitlines())) == (1, 1)
    assert "localaws.toml: No such file" in error
