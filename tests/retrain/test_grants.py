"""Every permission in the template is one that a run or a release needs: grants equal grants used.

And nobody is refused anything on the way, machine or person, but what the test itself takes away.
"""

import json
from pathlib import Path

import pytest

from tests.support import people
from tests.support.grants import unasked_objects, unused
from tests.support.laptop import LONG_TRAINING, TINY, Laptop, rows
from tests.support.waiting import eventually

pytestmark = pytest.mark.faults


def test_roles_use_all_they_are_granted_and_are_refused_nothing(laptop: Laptop) -> None:
    a_good_run_and_another_behind_it(laptop)
    a_run_that_begins_as_a_job_and_goes_on_as_functions(laptop)
    a_stopped_run_with_another_behind_it(laptop)
    a_run_that_several_hosts_train_and_one_that_is_stopped(laptop)
    a_failing_run(laptop)
    people.all_of_it(laptop)

    assert asked(laptop, allowed=False) == {
        ("VerifyRole", "s3:GetObjectVersion"),
        ("RecordReleaseRole", "lambda:InvokeFunction"),
    }
    assert unused(record(laptop)) == {}
    assert unasked_objects(record(laptop)) == {}


def a_good_run_and_another_behind_it(laptop: Laptop) -> None:
    laptop.add_model("good")
    laptop.put_object("good", rows(300))
    first = laptop.must("run", "good", "--no-wait")
    laptop.holds("good", first["run"])
    behind = laptop.ended(start_behind(laptop, first["execution_arn"]))
    assert json.loads(behind["output"])["behind"] == first["run"]
    laptop.settle("good")


def a_run_that_begins_as_a_job_and_goes_on_as_functions(laptop: Laptop) -> None:
    definition = TINY + "compute: {{preprocess: processing, train: lambda, evaluate: lambda}}\n"
    laptop.add_model("good", definition.format(name="good", floor=5.0))
    assert laptop.must("run", "good", "--set", "seed=2")["status"] == "SUCCEEDED"
    laptop.settle("good")


def a_stopped_run_with_another_behind_it(laptop: Laptop) -> None:
    laptop.add_model("good", LONG_TRAINING.format(name="good", floor=5.0))
    run = laptop.must("run", "good", "--no-wait")
    laptop.entered(run["execution_arn"], "Preprocess")
    start_behind(laptop, run["execution_arn"])
    eventually(lambda: "queued" in laptop.retrain_lock("good"))
    laptop.must("stop", run["run"])
    laptop.settle("good")
    # Twice one that ran, one that waited, one for it; and one on both rungs.
    assert len(laptop.must("runs", "good")) == 7


def a_run_that_several_hosts_train_and_one_that_is_stopped(laptop: Laptop) -> None:
    hosts = "compute: {preprocess: {hosts: 2}, train: {hosts: 2}}\n"
    laptop.add_model("hosts", TINY.format(name="hosts", floor=5.0) + hosts)
    laptop.put_object("hosts", rows(300))
    assert laptop.must("run", "hosts")["status"] == "SUCCEEDED"
    laptop.settle("hosts")
    long = TINY.replace("rounds: 30", "rounds: 50000").replace("rounds: 10", "rounds: 50000")
    laptop.add_model("hosts", long.format(name="hosts", floor=5.0) + hosts)
    run = laptop.must("run", "hosts", "--no-wait")
    jobs = laptop.client("sagemaker").list_training_jobs
    asked = {"NameContains": run["run"], "StatusEquals": "InProgress"}
    eventually(lambda: jobs(**asked)["TrainingJobSummaries"])
    laptop.must("stop", run["run"])
    laptop.settle("hosts")


def start_behind(laptop: Laptop, execution: str) -> str:
    """Start another run, not by the command line, which may take longer than the first one."""
    machine = execution.rpartition(":")[0].replace(":execution:", ":stateMachine:")
    short = {"rounds": 20, "early_stopping_rounds": 10}
    started = laptop.client("stepfunctions").start_execution(
        stateMachineArn=machine, input=json.dumps({"model": "good", "parameters": short})
    )
    return str(started["executionArn"])


def a_failing_run(laptop: Laptop) -> None:
    laptop.add_model("failing")
    laptop.put_object("failing", "a,b,y\nx,u,1\n")
    execution = laptop.must("run", "failing", "--no-wait")["execution_arn"]
    assert laptop.ended(execution)["status"] == "FAILED"
    laptop.settle("failing")


def asked(laptop: Laptop, allowed: bool = True) -> set[tuple[str, str]]:
    """What roles of the stage asked for and were allowed or refused."""
    written, _, _ = record(laptop).read_text().rpartition("\n")  # a last line may be half there
    decisions = map(json.loads, written.splitlines())
    return {
        (decision["role"].split("-")[2], decision["action"])
        for decision in decisions
        if decision["allowed"] == allowed
    }


def record(laptop: Laptop) -> Path:
    return laptop.home / "state/authorizations.jsonl"
