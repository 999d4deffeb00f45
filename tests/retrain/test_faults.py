"""What breaks in a run is told in one line, and leaves the model free to run again."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.retrain.laptop import TINY, Laptop, rows
from tests.waiting import eventually

STATES = (
    "Open Run",
    "Preprocess",
    "Train",
    "Evaluate",
    "Judge Candidate",
    "Create Package Group",
    "Register Candidate",
    "Open Release",
    "Close Run",
)


# Trains for longer than a command line takes to start.
SLOW = TINY.replace("rounds: 30", "rounds: 50000").replace("rounds: 10", "rounds: 50000")


def start(laptop: Laptop, model: str, text: str = TINY) -> tuple[str, str]:
    """Start a run of a model made for this test; its name and execution."""
    laptop.add_model(model, text.format(name=model, floor=5.0))
    laptop.put_object(model, rows(300))
    started = laptop.must("run", model, "--no-wait")
    return started["run"], started["execution_arn"]


def test_a_job_that_is_stopped_fails_the_run_and_says_so(laptop: Laptop) -> None:
    run, arn = start(laptop, "stopped-job", SLOW)
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
    run, arn = start(laptop, "stopped-run", SLOW)
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
    ("role", "says"),
    [
        ("JudgeCandidateRole", "GetObject"),  # a function throws
        ("JobRole", "not authorized"),  # a job may not even be pulled
        ("CloseRunRole", "dynamodb"),  # the last step of a good run throws
    ],
)
def test_a_permission_taken_away_fails_the_run_with_its_name(
    laptop: Laptop, without_policy: Callable[[str], None], role: str, says: str
) -> None:
    model = role.lower().removesuffix("role")[:18]
    laptop.add_model(model)
    laptop.put_object(model, rows(300))
    without_policy(role)

    said = laptop.kanmon("run", model)

    assert said.code == 1
    assert says.lower() in said.err.lower(), said.err
    laptop.settle(model)


# Each kill meets one run in each of these states. A run that entered a long one is still in it
# when the next has come to an earlier one.
KILLS = (
    ("Train", "Preprocess", "Open Run"),
    ("Evaluate",),
    ("Judge Candidate",),
    ("Create Package Group",),
    ("Register Candidate",),
    ("Open Release",),
    ("Close Run",),
)


@pytest.fixture(scope="module")
def after_the_kills(laptop: Laptop) -> dict[str, tuple[str, str, str]]:
    """By state: the model whose run was in it when the stage was killed; how that run and the
    model's next one ended.

    The next runs go on side by side, after all kills: one after the other would take long.
    """
    models = {state: f"killed-{number}" for number, state in enumerate(STATES)}
    for model in models.values():
        laptop.add_model(model)
        laptop.put_object(model, rows(300))
    laptop.must("deploy")  # publishes the definitions
    killed: dict[str, str] = {}
    for states in KILLS:
        killed |= killed_in(laptop, {state: models[state] for state in states})
    again = {state: begin(laptop, model, f"{model}-again") for state, model in models.items()}
    return {
        state: (model, killed[state], laptop.ended(again[state])["status"])
        for state, model in models.items()
    }


def killed_in(laptop: Laptop, models: dict[str, str]) -> dict[str, str]:
    """Kill the stage while runs are in these states, start it again; how they ended."""
    runs = {}
    for state, model in models.items():
        runs[state] = begin(laptop, model, f"{model}-first")
        if STATES.index(state) > STATES.index("Evaluate"):  # short ones, after seconds of jobs
            laptop.entered(runs[state], "Evaluate", pause_seconds=0.2)
        laptop.entered(runs[state], state)
    laptop.kill()
    ended = {state: str(laptop.ended(run)["status"]) for state, run in runs.items()}
    for model in models.values():
        laptop.settle(model)
    return ended


def begin(laptop: Laptop, model: str, run: str) -> str:
    """Start a run under a name; its execution."""
    started = laptop.client("stepfunctions").start_execution(
        stateMachineArn=laptop.outputs["RetrainStateMachineArn"],
        name=run,
        input=json.dumps({"model": model}),
    )
    return str(started["executionArn"])


@pytest.mark.parametrize("state", STATES)
def test_a_stage_killed_in_any_state_loses_no_turn_and_registers_nothing_twice(
    laptop: Laptop, after_the_kills: dict[str, tuple[str, str, str]], state: str
) -> None:
    model, killed, again = after_the_kills[state]

    assert killed != "RUNNING"
    assert again == "SUCCEEDED"
    assert len(laptop.packages(model)) == 1
    assert "holder" not in laptop.turn(model)
