"""Every permission in the template is one that a run or a release needs: grants equal grants used.

And nobody is refused anything on the way, machine or person, but what the test itself takes away.
"""

import json
from pathlib import Path

from tests.retrain import people
from tests.retrain.laptop import Laptop, rows
from tests.retrain.test_faults import SLOW, end, entered, eventually
from tests.template.grants import unused


def test_roles_use_all_they_are_granted_and_are_refused_nothing(laptop: Laptop) -> None:
    a_good_run_and_a_queued_one_behind_it(laptop)
    a_failing_run_with_another_behind_it(laptop)
    a_stopped_run(laptop)
    people.all_of_it(laptop)
    a_report_that_fails(laptop)

    assert asked(laptop, allowed=False) == {
        ("VerifyRole", "s3:GetObjectVersion"),
        ("RecordReleaseRole", "lambda:InvokeFunction"),
        ("ReportFailureRole", "sns:Publish"),
    }
    assert unused(record(laptop)) == {}


def a_good_run_and_a_queued_one_behind_it(laptop: Laptop) -> None:
    laptop.add_model("good")
    laptop.put_object("good", rows(300))
    first = laptop.must("run", "good", "--no-wait")
    entered(laptop, first["execution_arn"], "Preprocess")
    # Not by the command line, whose start may take longer than the run.
    request = {"model": "good", "parameters": {"rounds": 20}}
    behind = laptop.client("stepfunctions").start_execution(
        stateMachineArn=machine_of(first["execution_arn"]),
        name="good-behind",
        input=json.dumps(request),
    )
    assert json.loads(end(laptop, behind["executionArn"])["output"])["behind"] == first["run"]
    laptop.settle("good")


def machine_of(execution: str) -> str:
    return execution.rpartition(":")[0].replace(":execution:", ":stateMachine:")


def a_failing_run_with_another_behind_it(laptop: Laptop) -> None:
    laptop.add_model("failing")
    laptop.put_object("failing", "a,b,y\nx,u,1\n")
    alone = laptop.must("run", "failing", "--no-wait")["execution_arn"]
    assert end(laptop, alone)["status"] == "FAILED"
    machine = machine_of(alone)
    for name in ("failing-first", "failing-behind"):
        laptop.client("stepfunctions").start_execution(
            stateMachineArn=machine, name=name, input='{"model": "failing"}'
        )
    eventually(lambda: len(laptop.must("runs", "failing")) == 4)
    laptop.settle("failing")


def a_stopped_run(laptop: Laptop) -> None:
    laptop.add_model("good", SLOW.format(name="good", floor=5.0))
    run = laptop.must("run", "good", "--no-wait")
    entered(laptop, run["execution_arn"], "Preprocess")
    laptop.must("stop", run["run"])
    laptop.settle("good")


def a_report_that_fails(laptop: Laptop) -> None:
    """Only then is the mark removed that keeps a failure from being reported twice."""
    with people.denied(laptop, "ReportFailureRole", "sns:Publish", "*"):
        run = laptop.must("run", "failing", "--no-wait")["run"]
        eventually(lambda: ("ReportFailureRole", "dynamodb:DeleteItem") in asked(laptop))
        laptop.must("stop", run)  # it would repeat the report for some seconds


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
