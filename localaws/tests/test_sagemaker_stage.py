"""SageMaker through the gateway of a running stage: real IAM, real logs, real events."""

import json
import os
import signal
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from localaws import stage as local_stage
from localaws.jobs.images import digest
from localaws.stage import Stage
from localaws.steps import Steps
from support.stage import connect
from support.waiting import eventually
from support.workbench import appears, ends, instances

ACCOUNT = "123456789012"
Client = Callable[[str], Any]


def role(client: Client, service: str, *statements: dict[str, Any]) -> str:
    """Make a role that trusts an AWS service and may do just this; return its ARN."""
    name = f"role-{uuid.uuid4().hex[:8]}"
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        ],
    }
    iam = client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", **statement} for statement in statements],
    }
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
    return str(arn)


PULL = {
    "Action": [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
    ],
    "Resource": f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/test-steps",
}
SIGN_IN = {"Action": "ecr:GetAuthorizationToken", "Resource": "*"}
ANYTHING_IN_S3 = {"Action": "s3:*", "Resource": "*"}
LOGS = {
    "Action": [
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:DescribeLogStreams",
        "logs:PutLogEvents",
    ],
    "Resource": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/sagemaker/ProcessingJobs*",
}


@pytest.fixture
def bucket(client: Client) -> str:
    name = f"jobs-{uuid.uuid4().hex[:12]}"
    client("s3").create_bucket(Bucket=name)
    client("s3").put_object(Bucket=name, Key="in/a", Body=b"1")
    return name


def request(steps: Steps, bucket: str, role_arn: str, program: str) -> dict[str, Any]:
    return {
        "ProcessingJobName": f"test-{uuid.uuid4().hex[:8]}",
        "RoleArn": role_arn,
        "AppSpecification": {
            "ImageUri": f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/test-steps"
            f"@sha256:{digest('prepare', steps)}",
            "ContainerEntrypoint": ["python", "-c", program],
        },
        "ProcessingResources": instances(1),
        "ProcessingInputs": [
            {
                "InputName": "in",
                "S3Input": {
                    "S3Uri": f"s3://{bucket}/in/",
                    "LocalPath": "/opt/ml/processing/input/in",
                    "S3DataType": "S3Prefix",
                },
            }
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "out",
                    "S3Output": {
                        "S3Uri": f"s3://{bucket}/out",
                        "LocalPath": "/opt/ml/processing/output/out",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
    }


def ended(client: Client, name: str) -> dict[str, Any]:
    """The job as it is described after its end."""
    sagemaker = client("sagemaker")

    def over() -> dict[str, Any] | None:
        job: dict[str, Any] = sagemaker.describe_processing_job(ProcessingJobName=name)
        return job if job["ProcessingJobStatus"] in ("Completed", "Failed", "Stopped") else None

    job: dict[str, Any] = eventually(over, pause_seconds=0.02)
    return job


# In a container the folder is /opt/ml/processing; PROCESSING_ROOT is set where that cannot be.
COPY = (
    "import os, pathlib;"
    "root = pathlib.Path(os.environ.get('PROCESSING_ROOT', '/opt/ml/processing'));"
    "(root / 'output/out/b').write_text((root / 'input/in/a').read_text() + '2');"
    "print('copied')"
)


def test_a_job_runs_as_its_role_and_leaves_logs_and_an_event(
    client: Client, steps: Steps, bucket: str
):
    arn = role(
        client,
        "sagemaker.amazonaws.com",
        PULL,
        SIGN_IN,
        LOGS,
        {"Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{bucket}"},
        {"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/in/*"},
        {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/out/*"},
    )
    asked = request(steps, bucket, arn, COPY)
    name = asked["ProcessingJobName"]
    queue = listen(client, name)

    client("sagemaker").create_processing_job(**asked)
    job = ended(client, name)

    assert (job["ProcessingJobStatus"], job.get("FailureReason")) == ("Completed", None)
    copied = client("s3").get_object(Bucket=bucket, Key="out/b")["Body"].read()
    assert copied == b"12"
    [stream] = client("logs").describe_log_streams(
        logGroupName="/aws/sagemaker/ProcessingJobs", logStreamNamePrefix=f"{name}/algo-1-"
    )["logStreams"]
    events = client("logs").get_log_events(
        logGroupName="/aws/sagemaker/ProcessingJobs", logStreamName=stream["logStreamName"]
    )["events"]
    assert [event["message"] for event in events] == ["copied"]
    told = client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    [detail] = [json.loads(message["Body"])["detail"] for message in told]
    assert detail["ProcessingJobArn"] == job["ProcessingJobArn"]


def listen(client: Client, name: str) -> str:
    """Send the event of the job's completion to a queue of its own."""
    queue = str(client("sqs").create_queue(QueueName=name)["QueueUrl"])
    client("events").put_rule(
        Name=name,
        EventPattern=json.dumps(
            {
                "source": ["aws.sagemaker"],
                "detail-type": ["SageMaker Processing Job State Change"],
                "detail": {"ProcessingJobName": [name], "ProcessingJobStatus": ["Completed"]},
            }
        ),
    )
    target = {"Id": "queue", "Arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"}
    client("events").put_targets(Rule=name, Targets=[target])
    return queue


@pytest.mark.parametrize(
    ("granted", "reason"),
    [
        ([], "ClientError: Failed to list s3://{bucket}/in/: AccessDenied: "),
        (["s3:ListBucket"], "ClientError: Failed to download s3://{bucket}/in/a: AccessDenied: "),
        (
            ["s3:ListBucket", "s3:GetObject"],
            "ClientError: Failed to upload b to s3://{bucket}/out/b: AccessDenied: ",
        ),
    ],
)
def test_what_the_role_may_not_do_is_the_jobs_failure(
    client: Client, steps: Steps, bucket: str, granted: list[str], reason: str
):
    allowed = [{"Action": granted, "Resource": f"arn:aws:s3:::{bucket}*"}] if granted else []
    arn = role(client, "sagemaker.amazonaws.com", PULL, SIGN_IN, *allowed)
    asked = request(steps, bucket, arn, COPY)

    client("sagemaker").create_processing_job(**asked)
    job = ended(client, asked["ProcessingJobName"])

    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith(reason.format(bucket=bucket))


def test_a_killed_stage_leaves_no_process_and_knows_its_jobs_after_a_restart(
    tmp_path: Path, steps: Steps
):
    home = tmp_path / "home"
    first = local_stage.up(home, steps=steps.folder)
    before = partial(connect, first)
    before("s3").create_bucket(Bucket="jobs-bucket")
    before("s3").put_object(Bucket="jobs-bucket", Key="in/a")
    arn = role(before, "sagemaker.amazonaws.com", PULL, SIGN_IN, ANYTHING_IN_S3)
    begun = tmp_path / "begun"
    asked = request(steps, "jobs-bucket", arn, "import script")
    asked["Environment"] = {"PYTHONPATH": str(tmp_path)}
    (tmp_path / "script.py").write_text(
        f"""
import os, time
with open({str(begun)!r} + "~", "w") as file:
    file.write(str(os.getpid()))
os.rename({str(begun)!r} + "~", {str(begun)!r})
time.sleep(60)
"""
    )
    before("sagemaker").create_processing_job(**asked)
    appears(begun)
    appears(home / "state/sagemaker.json")

    os.kill(first.pid, signal.SIGKILL)
    ends(int(begun.read_text()))
    second = local_stage.up(home, steps=steps.folder)
    job = ended(partial(connect, second), asked["ProcessingJobName"])
    local_stage.down(home)

    assert (job["ProcessingJobStatus"], job["FailureReason"]) == (
        "Failed",
        "InternalServerError: the local stage ended while the job was running; run it again",
    )


def test_code_that_changed_since_is_another_image(client: Client, steps: Steps, bucket: str):
    arn = role(client, "sagemaker.amazonaws.com", PULL, SIGN_IN)
    asked = request(steps, bucket, arn, COPY)
    asked["AppSpecification"]["ImageUri"] = (
        f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/test-steps@sha256:{'0' * 64}"
    )

    client("sagemaker").create_processing_job(**asked)
    job = ended(client, asked["ProcessingJobName"])

    assert job["FailureReason"].startswith("ClientError: CannotPullContainerError: no step's code")


def test_a_role_that_trusts_another_service_starts_nothing(
    client: Client, steps: Steps, bucket: str
):
    arn = role(client, "states.amazonaws.com", PULL)

    with pytest.raises(ClientError, match="Could not assume role"):
        client("sagemaker").create_processing_job(**request(steps, bucket, arn, COPY))


def test_a_caller_needs_pass_role_and_its_own_jobs_only(
    stage: Stage, client: Client, steps: Steps, bucket: str
):
    job_role = role(client, "sagemaker.amazonaws.com", PULL, SIGN_IN)
    name = f"machine-{uuid.uuid4().hex[:8]}"
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sagemaker:CreateProcessingJob",
                "Resource": f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:processing-job/test-*",
            }
        ],
    }
    iam = client("iam")
    caller = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
    keys = client("sts").assume_role(RoleArn=caller["Arn"], RoleSessionName="test")["Credentials"]
    sagemaker = boto3.client(
        "sagemaker",
        endpoint_url=stage.endpoint,
        region_name=stage.region,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    own = request(steps, bucket, job_role, COPY)

    with pytest.raises(ClientError, match="iam:PassRole on resource"):
        sagemaker.create_processing_job(**own)
    with pytest.raises(ClientError, match="perform: sagemaker:CreateProcessingJob"):
        sagemaker.create_processing_job(**{**own, "ProcessingJobName": "another"})
