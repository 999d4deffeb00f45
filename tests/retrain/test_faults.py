"""What breaks in a run is told in one line, and leaves the model free to run again."""

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.laptop import LONG_TRAINING, TINY, Laptop, rows
from tests.support.waiting import eventually

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
    "Report Failure",
)


LONG = {"rounds": 50000, "early_stopping_rounds": 50000}


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


@dataclass(frozen=True)
class Killed:
    """How the run that the kill met ended, what it had entered, and how the next one ended."""

    model: str
    ended: str
    entered: list[str]
    again: str


@pytest.fixture(scope="module")
def killed(laptop: Laptop) -> dict[str, Killed]:
    """By state: a model whose run was killed with the stage when the state had done its work, and
    nothing had come of it yet. In a job, and right after the start, it meets two more."""
    models = {state: f"killed-{number}" for number, state in enumerate(STATES)}
    models |= {"a job": "killed-job", "the start": "killed-start"}
    for model in models.values():
        laptop.add_model(model)
        laptop.put_object(model, rows(300))
    laptop.put_object(models["Report Failure"], "a,b,y\nx,u,1\n")
    laptop.must("deploy")  # publishes the definitions
    hold(laptop, {state: f"{models[state]}-first" for state in STATES})
    runs = {}
    for state in STATES:  # one after the other: at once, each job would import all for itself
        runs[state] = begin(laptop, models[state], f"{models[state]}-first")
        laptop.entered(runs[state], "Hold", pause_seconds=0.05)
    runs["a job"] = begin(laptop, models["a job"], "killed-job-first", **LONG)
    job = {"NameContains": "killed-job-first-train", "StatusEquals": "InProgress"}
    jobs = laptop.client("sagemaker").list_processing_jobs
    eventually(lambda: jobs(**job)["ProcessingJobSummaries"])
    runs["the start"] = begin(laptop, models["the start"], "killed-start-first")

    laptop.kill()

    ends = {state: laptop.ended(run)["status"] for state, run in runs.items()}
    for model in models.values():
        laptop.settle(model)
    laptop.put_object(models["Report Failure"], rows(300))
    return {
        state: Killed(
            model,
            ends[state],
            laptop.states_of(runs[state]),
            laptop.ended(begin(laptop, model, f"{model}-again"))["status"],
        )
        for state, model in models.items()
    }


def hold(laptop: Laptop, runs: Mapping[str, str]) -> None:
    """Have the machine stop each of these runs behind a state, where it waits to be killed."""
    states, machine = laptop.client("stepfunctions"), laptop.outputs["RetrainStateMachineArn"]
    found = json.loads(states.describe_state_machine(stateMachineArn=machine)["definition"])
    drawn = found["States"]
    drawn |= {"Hold": {"Type": "Wait", "Seconds": 3600, "End": True}, "Done": {"Type": "Succeed"}}
    for state, run in runs.items():
        onward = drawn[state].get("Next", "Done")
        held = {"Condition": f"{{% $states.context.Execution.Name = '{run}' %}}", "Next": "Hold"}
        drawn[f"Hold After {state}"] = {"Type": "Choice", "Choices": [held], "Default": onward}
        drawn[state].pop("End", None)
        drawn[state]["Next"] = f"Hold After {state}"
    states.update_state_machine(stateMachineArn=machine, definition=json.dumps(found))


def begin(laptop: Laptop, model: str, run: str, **parameters: int) -> str:
    """Start a run under a name; its execution."""
    started = laptop.client("stepfunctions").start_execution(
        stateMachineArn=laptop.outputs["RetrainStateMachineArn"],
        name=run,
        input=json.dumps({"model": model, "parameters": parameters}),
    )
    return str(started["executionArn"])


@pytest.mark.parametrize("state", STATES)
def test_a_stage_killed_behind_any_state_loses_no_turn_and_registers_nothing_twice(
    laptop: Laptop, killed: dict[str, Killed], state: str
) -> None:
    met = killed[state]

    assert met.ended == "ABORTED"
    assert met.entered[-3:] == [state, f"Hold After {state}", "Hold"]
    assert met.again == "SUCCEEDED"
    assert len(laptop.packages(met.model)) == 1
    assert "holder" not in laptop.retrain_lock(met.model)


@pytest.mark.parametrize("where", ["a job", "the start"])
def test_a_stage_killed_in_the_middle_of_something_leaves_the_model_free_to_run_again(
    laptop: Laptop, killed: dict[str, Killed], where: str
) -> None:
    met = killed[where]

    assert (met.ended, met.again) == ("ABORTED", "SUCCEEDED")
    assert "Hold" not in met.entered
    assert len(laptop.packages(met.model)) == 1
    assert "holder" not in laptop.retrain_lock(met.model)
