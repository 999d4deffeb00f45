"""What breaks in a run is told in one line, and leaves the model free to run again."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.laptop import LONG_TRAINING, ON_JOBS, TINY, Laptop, rows
from tests.support.waiting import eventually

pytestmark = pytest.mark.faults


def start(laptop: Laptop, model: str, text: str = TINY) -> tuple[str, str]:
    """Start a run of a model made for this test; its name and execution."""
    laptop.add_model(model, text.format(name=model, floor=5.0))
    laptop.put_object(model, rows(300))
    started = laptop.must("run", model, "--no-wait")
    return started["run"], started["execution_arn"]


def test_a_job_that_is_stopped_fails_the_run_and_says_so(laptop: Laptop) -> None:
    run, arn = start(laptop, "stopped-job", LONG_TRAINING)
    sagemaker = laptop.client("sagemaker")
    job = eventually(
        lambda: sagemaker.list_processing_jobs(
            NameContains=f"{run}-train", StatusEquals="InProgress"
        )["ProcessingJobSummaries"]
    )[0]["ProcessingJobName"]

    sagemaker.stop_processing_job(ProcessingJobName=job)

    ended = laptop.ended(arn)
    assert ended["status"] == "FAILED"
    assert "stopped" in ended["cause"].lower()
    laptop.settle("stopped-job")
    laptop.add_model("stopped-job")
    assert laptop.must("run", "stopped-job")["status"] == "SUCCEEDED"


def test_a_run_that_is_stopped_gives_its_turn_back_and_stops_its_job(laptop: Laptop) -> None:
    run, arn = start(laptop, "stopped-run", LONG_TRAINING)
    laptop.entered(arn, "Train")

    laptop.must("stop", run)

    laptop.settle("stopped-run")
    shown = laptop.must("show", run)
    assert shown["status"] in ("FAILED", "ABORTED")
    sagemaker = laptop.client("sagemaker")
    eventually(
        lambda: (
            not sagemaker.list_processing_jobs(NameContains=run, StatusEquals="InProgress")[
                "ProcessingJobSummaries"
            ]
        )
    )
    laptop.add_model("stopped-run")
    assert laptop.must("run", "stopped-run")["status"] == "SUCCEEDED"


def test_data_that_vanishes_after_the_snapshot_is_named(laptop: Laptop) -> None:
    laptop.add_model("vanishes")
    laptop.put_object("vanishes", rows(300))
    s3, bucket = laptop.client("s3"), laptop.outputs["DataBucketName"]
    (data,) = s3.list_object_versions(Bucket=bucket, Prefix="datasets/vanishes/")["Versions"]
    with ThreadPoolExecutor() as pool:  # the command may come back when the job has read the data
        started = pool.submit(laptop.must, "run", "vanishes", "--no-wait")
        eventually(
            lambda: s3.list_objects_v2(Bucket=bucket, Prefix="snapshots/vanishes/")["KeyCount"]
        )
        s3.delete_object(Bucket=bucket, Key=data["Key"], VersionId=data["VersionId"])

    ended = laptop.ended(started.result()["execution_arn"])
    assert ended["status"] == "FAILED"
    assert "data.csv" in ended["cause"]
    laptop.settle("vanishes")
    # The same content, uploaded again, is the same snapshot with an object version that exists.
    laptop.put_object("vanishes", rows(300))
    assert laptop.must("run", "vanishes")["status"] == "SUCCEEDED"


@pytest.fixture
def without_policy(laptop: Laptop) -> Iterator[Callable[[str], None]]:
    """Take a role's own permissions away for the length of a test."""
    iam = laptop.client("iam")
    taken: list[tuple[str, str, Any]] = []

    def take(logical_id: str) -> None:
        stack = laptop.client("cloudformation").describe_stack_resource(
            StackName="kanmon-local", LogicalResourceId=logical_id
        )
        role = stack["StackResourceDetail"]["PhysicalResourceId"]
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            taken.append((role, name, document))
            iam.delete_role_policy(RoleName=role, PolicyName=name)

    yield take
    for role, name, document in taken:
        text = document if isinstance(document, str) else json.dumps(document)
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=text)


@pytest.mark.parametrize(
    ("role", "text", "says"),
    [
        ("JudgeCandidateRole", TINY, "ListBucket"),  # it may not see what the functions left
        ("JudgeCandidateRole", ON_JOBS, "GetObject"),  # it may not read what the jobs left
        ("JobRole", ON_JOBS, "not authorized"),  # a job may not even be pulled
        ("CloseRunRole", TINY, "dynamodb"),  # the last step of a good run throws
    ],
)
def test_a_permission_taken_away_fails_the_run_with_its_name(
    laptop: Laptop, without_policy: Callable[[str], None], role: str, text: str, says: str
) -> None:
    model = f"{role.lower().removesuffix('role')[:18]}-{'jobs' if text == ON_JOBS else 'auto'}"
    laptop.add_model(model, text.format(name=model, floor=5.0))
    laptop.put_object(model, rows(300))
    without_policy(role)

    said = laptop.kanmon("run", model)

    assert said.code == 1
    assert says.lower() in said.err.lower(), said.err
    laptop.settle(model)
