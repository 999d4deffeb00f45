"""The stage is killed while runs go on, and started again: no lock is lost, nothing comes twice."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from tests.support.laptop import ON_JOBS, Laptop, rows
from tests.support.waiting import eventually

pytestmark = pytest.mark.faults

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
        # As jobs: their states are named here, and a job outlives its state.
        laptop.add_model(model, ON_JOBS.format(name=model, floor=5.0))
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


@pytest.mark.parametrize("state", ["Register Candidate", "Open Release", "Close Run"])
def test_a_candidate_whose_run_was_killed_has_one_release_after_the_next_run(
    laptop: Laptop, killed: dict[str, Killed], state: str
) -> None:
    model = killed[state].model

    first, again = (laptop.must("show", f"{model}-{run}") for run in ("first", "again"))
    release = laptop.must("show", f"{model}/1")

    assert int(first["record"]["release"]) == 1
    assert (again["outcome"], again["release"]) == ("nothing new", 1)
    assert release["status"] == "WAITING"
    assert release["execution"]
    assert laptop.kanmon("show", f"{model}/2").code == 2


@pytest.mark.parametrize("where", ["a job", "the start"])
def test_a_stage_killed_in_the_middle_of_something_leaves_the_model_free_to_run_again(
    laptop: Laptop, killed: dict[str, Killed], where: str
) -> None:
    met = killed[where]

    assert (met.ended, met.again) == ("ABORTED", "SUCCEEDED")
    assert "Hold" not in met.entered
    assert len(laptop.packages(met.model)) == 1
    assert "holder" not in laptop.retrain_lock(met.model)
