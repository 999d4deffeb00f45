"""The monitor workflow: its shape, the paths of a monitoring, and what it asks of services."""

import json
import re
from functools import cache
from typing import Any

import pytest
from jsonata import Jsonata
from statelint.config import Config
from statelint.linter import Linter
from statelint.problem import ProblemType

from core.runs.failure import explain
from tests.support.aws_requests import problems
from tests.support.playing import ANSWERS, COMPLETED, RUN, Played, Refused, job_failed, play
from tests.support.translation import MONITOR_WORKFLOW, granted
from tests.support.workflow_definition import (
    MONITOR,
    PLACEHOLDER,
    SAMPLE_MONITORING,
    deployed,
    evaluate,
    expressions,
    sample_variables,
    states,
    substitutions,
    transitions,
    with_plain_timeouts,
)
from tests.workflow.test_definition import OF_STATES, known_errors
from tests.workflow.test_permissions import FOR_LOGGING, FOR_TRACING, TO_WAIT_FOR_A_JOB
from tests.workflow.test_requests import OPTIMIZED_FIELDS

TASKS = states("Task", MONITOR)
HAPPY_PATH = ["Open Monitoring", "Anything To See?", "Monitor", "Close Monitoring"]
LOST = job_failed("InternalServerError: We encountered an internal error. Please try again.")
BROKEN = job_failed("AlgorithmError: , exit code: 1")
NO_DATA = {name: SAMPLE_MONITORING[name] for name in ("monitoring", "model", "release")} | {
    "outcome": "no data",
    "summary": "release 7: no row was captured or scored in batch in the window",
}

ATTEMPTS = "s3://kanmon-test-data/attempts/abalone/" + SAMPLE_MONITORING["monitoring"]
ON_LAMBDA = SAMPLE_MONITORING | {"rung": "lambda", "attempts": ATTEMPTS}
# What the services answer in turn. A failure is reported by the function that also closes.
SCENARIOS: dict[str, dict[str, list[Any]]] = {
    "all is well": {},
    "no data": {"Open Monitoring": [NO_DATA]},
    "the job is lost once": {"Monitor": [LOST, COMPLETED]},
    "the job fails by its own code": {"Monitor": [BROKEN]},
    "the job is refused": {"Monitor": [Refused("AccessDeniedException")]},
    "the job is planned without limits": {
        "Open Monitoring": [SAMPLE_MONITORING | {"resources": {}}]
    },
    "the request is wrong": {"Open Monitoring": [Refused("MonitorRequestError", "days: one")]},
    "the page cannot be made": {
        "Close Monitoring": [Refused("ObjectMissingError"), ANSWERS["Close Monitoring"]]
    },
    "it is a function": {"Open Monitoring": [ON_LAMBDA]},
    "the function fails": {
        "Open Monitoring": [ON_LAMBDA],
        "Monitor On Lambda": [Refused("Sandbox.Timedout", "timed out")],
    },
    "the function fails by the step's own sentence": {
        "Open Monitoring": [ON_LAMBDA],
        "Monitor On Lambda": [Refused("StepFailedError", "fix the data")],
    },
    "the bus takes nothing": {"Close Monitoring": [Refused("EventNotTakenError", "it is full")]},
    "even the report fails": {
        "Open Monitoring": [Refused("NoLiveReleaseError", "nothing in service")],
        "Close Monitoring": [Refused("ServiceUnavailable")],
    },
}


@cache
def scenario(name: str) -> Played:
    return play(SCENARIOS[name], workflow=MONITOR)


def reports(played: Played) -> list[Any]:
    return [one for one in played.services.asked("Close Monitoring") if "error" in one]


def test_a_monitoring_takes_the_drawn_path_and_ends_as_close_monitoring_says() -> None:
    played = scenario("all is well")

    assert played.path == HAPPY_PATH
    assert played.output == ANSWERS["Close Monitoring"]
    [opened] = played.services.asked("Open Monitoring")
    assert opened == {"monitoring": RUN, "request": {"model": "abalone"}}
    [closed] = played.services.asked("Close Monitoring")
    assert closed == {
        "monitoring": RUN,
        "model": "abalone",
        "outcome": "to watch",
        "at": None,
        "left_lambda": None,
    }


def test_a_monitoring_that_is_a_function_starts_no_job_and_says_where_its_report_is() -> None:
    played = scenario("it is a function")

    assert played.path == [*HAPPY_PATH[:2], "Monitor On Lambda", "Close Monitoring"]
    [closed] = played.services.asked("Close Monitoring")
    assert closed["at"] == f"{ATTEMPTS}/monitor-0/monitor"


def test_a_function_that_fails_goes_on_as_a_job_unless_by_the_steps_own_sentence() -> None:
    played = scenario("the function fails")

    assert played.path[2:] == ["Monitor On Lambda", "Monitor", "Close Monitoring"]
    [closed] = played.services.asked("Close Monitoring")
    assert (closed["at"], closed["left_lambda"]["Error"]) == (None, "Sandbox.Timedout")
    own = scenario("the function fails by the step's own sentence")
    assert own.path[-3:] == ["Monitor On Lambda", "Report Failure", "Monitoring Failed"]


def test_without_a_row_no_job_is_paid_for_and_the_monitoring_is_recorded_all_the_same() -> None:
    played = scenario("no data")

    assert played.path == ["Open Monitoring", "Anything To See?", "Close Monitoring"]
    [closed] = played.services.asked("Close Monitoring")
    assert closed["outcome"] == "no data"
    assert played.outcome.status == "SUCCEEDED"


def test_a_job_lost_to_the_platform_runs_again_under_a_new_name() -> None:
    played = scenario("the job is lost once")

    jobs = [request["ProcessingJobName"][-1] for request in played.services.asked("Monitor")]
    assert (jobs, played.outcome.status) == (["0", "6"], "SUCCEEDED")


def test_two_lost_jobs_are_enough() -> None:
    played = play({"Monitor": [LOST]}, workflow=MONITOR)

    assert len(played.services.asked("Monitor")) == 3
    assert played.outcome.status == "FAILED"


@pytest.mark.parametrize(
    "name",
    [
        "the job fails by its own code",
        "the job is refused",
        "the request is wrong",
        "the page cannot be made",
    ],
)
def test_a_failure_is_reported_once_and_fails_the_monitoring(name: str) -> None:
    played = scenario(name)

    assert played.path[-2:] == ["Report Failure", "Monitoring Failed"]
    [report] = reports(played)
    assert (report["monitoring"], report["model"], report["redrives"]) == (RUN, "abalone", 0)
    assert (played.outcome.status, played.outcome.error, played.outcome.cause) == (
        "FAILED",
        "MonitorJobFailed",
        "monitor: fix the data",
    )


def test_the_report_explains_the_job_by_its_step() -> None:
    [report] = reports(scenario("the job fails by its own code"))

    assert explain(report["error"], report["cause"], "monitoring").error == "MonitorJobFailed"
    assert json.loads(report["cause"])["FailureReason"] == BROKEN["FailureReason"]


def test_when_even_the_report_fails_the_monitoring_fails_with_the_first_error() -> None:
    played = scenario("even the report fails")

    assert len(played.services.asked("Close Monitoring")) == 5
    assert (played.outcome.status, played.outcome.error) == ("FAILED", "NoLiveReleaseError")


@pytest.mark.parametrize("request_", [{}, {"model": 7}, [], "abalone"])
def test_a_request_of_any_shape_fails_as_reported(request_: Any) -> None:
    script: dict[str, list[Any]] = {"Open Monitoring": [Refused("MonitorRequestError")]}

    assert len(reports(play(script, request=request_, workflow=MONITOR))) == 1


def test_the_scenarios_take_every_transition_the_workflow_has() -> None:
    every = states(workflow=MONITOR).items()
    drawn = {(name, target) for name, state in every for target in transitions(state)}
    taken = set().union(*(scenario(name).steps for name in SCENARIOS))

    assert taken == drawn


# ---- The shape


@pytest.mark.parametrize("stage", ["local", "prod"])
def test_statelint_finds_nothing_in_the_deployed_definition(stage: str) -> None:
    config = Config(ignored_problem_types={ProblemType.FLOAT}, evaluate_jsonata=True)

    assert Linter.validate(with_plain_timeouts(deployed(stage, MONITOR)), config) == []


def test_every_expression_parses_and_every_placeholder_is_filled() -> None:
    found = list(expressions(deployed(workflow=MONITOR)))
    written = MONITOR_WORKFLOW.read_text()

    assert [text for _, text in found if not Jsonata(text)] == []
    assert len(re.findall(r"\{%|%\}", written)) == 2 * len(found)
    assert set(PLACEHOLDER.findall(written)) == set(substitutions(workflow=MONITOR))


@pytest.mark.parametrize("name", TASKS)
def test_every_task_has_a_timeout_and_handles_errors_that_can_come(name: str) -> None:
    task = TASKS[name]
    known = known_errors(task["Resource"]) | {f"States.{error}" for error in OF_STATES}
    handlers = [*task["Retry"], *task["Catch"]]

    assert "TimeoutSeconds" in task
    assert {error for one in handlers for error in one["ErrorEquals"]} <= known


@pytest.mark.parametrize("name", sorted(set(TASKS) - {"Report Failure"}))
def test_every_failure_ends_up_reported_and_only_passing_errors_are_retried(name: str) -> None:
    everything = TASKS[name]["Catch"][-1]
    retried = {error for retry in TASKS[name]["Retry"] for error in retry["ErrorEquals"]}

    following = "Monitor" if name == "Monitor On Lambda" else "Report Failure"
    assert (everything["ErrorEquals"], everything["Next"]) == (["States.ALL"], following)
    assert not {error for error in retried if error.startswith("States.")}


# ---- The request for the job, and what the role may do


def job_request(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = evaluate(TASKS["Monitor"]["Arguments"], sample_variables(**changes))
    return found


def test_the_job_is_one_that_sagemaker_and_step_functions_accept() -> None:
    request = job_request()

    assert problems("sagemaker", "createProcessingJob", request) == []
    assert set(request) <= OPTIMIZED_FIELDS["sagemaker", "createProcessingJob"]


def test_the_job_reads_the_plan_and_the_releases_run_and_writes_its_report_beside_the_plan() -> (
    None
):
    request = job_request()
    run, own = SAMPLE_MONITORING["run_prefix"], SAMPLE_MONITORING["prefix"]

    inputs = {one["InputName"]: one["S3Input"] for one in request["ProcessingInputs"]}
    assert {name: one["S3Uri"] for name, one in inputs.items()} == {
        "plan": f"{own}/plan.json",
        "model": f"{run}/train/",
        "report": f"{run}/preprocess/report/",
        "evaluation": f"{run}/evaluate/",
        "test": f"{run}/preprocess/test/",
    }
    assert all(one["LocalPath"].endswith(f"/input/{name}") for name, one in inputs.items())
    [output] = request["ProcessingOutputConfig"]["Outputs"]
    assert output["S3Output"]["S3Uri"] == own


def test_granted_and_needed_actions_are_the_same() -> None:
    needed = {
        *("lambda:InvokeFunction", "sagemaker:CreateProcessingJob"),
        *FOR_TRACING,
        *FOR_LOGGING,
        *TO_WAIT_FOR_A_JOB,
    }
    statements = granted("MonitorStateMachineRole")

    assert {action for statement in statements for action in statement["Action"]} == needed
    called = {state["Resource"] for state in TASKS.values() if ":function:" in state["Resource"]}
    allowed = [s["Resource"] for s in statements if s["Action"] == ["lambda:InvokeFunction"]]
    [passed] = [s["Resource"] for s in statements if "iam:PassRole" in s["Action"]]
    assert {arn for each in allowed for arn in each} == called
    assert passed == [TASKS["Monitor"]["Arguments"]["RoleArn"]]
