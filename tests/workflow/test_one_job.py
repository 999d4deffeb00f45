"""What the score workflow and the monitor workflow have in common."""

import json
import re
from typing import Any

import pytest
from jsonata import Jsonata
from statelint.config import Config
from statelint.linter import Linter
from statelint.problem import ProblemType

from core.runs.failure import explain
from tests.support.aws_requests import problems
from tests.support.one_job import BROKEN, FAILING, LOST, MONITORING, SCORING, OneJob, scenario
from tests.support.playing import ANSWERS, RUN, Refused, Services, play, playing, start
from tests.support.translation import granted
from tests.support.waiting import PATIENCE_SECONDS, eventually
from tests.support.workflow_definition import (
    PLACEHOLDER,
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

BOTH = [SCORING, MONITORING]
pytestmark = pytest.mark.parametrize("one", BOTH, ids=str)


# ---- The paths


def test_all_that_is_well_takes_the_drawn_path_and_ends_as_closing_says(one: OneJob) -> None:
    played = scenario(one, "all is well")

    assert played.path == one.happy_path
    assert played.output == ANSWERS[one.close]


def test_a_function_that_fails_goes_on_as_a_job_unless_by_the_steps_own_sentence(
    one: OneJob,
) -> None:
    played = scenario(one, "the function fails")

    assert played.path[2:] == [f"{one.state} On Lambda", one.state, one.close]
    [closed] = played.services.asked(one.close)
    assert closed["left_lambda"]["Error"] == "Sandbox.Timedout"
    own = scenario(one, "the function fails by the step's own sentence")
    assert own.path[-3:] == [f"{one.state} On Lambda", "Report Failure", one.failed]


def test_a_job_lost_to_the_platform_runs_again_under_a_new_name(one: OneJob) -> None:
    played = scenario(one, "the job is lost once")

    jobs = [request["ProcessingJobName"][-1] for request in played.services.asked(one.step)]
    assert (jobs, played.outcome.status) == (["0", "6"], "SUCCEEDED")


def test_two_lost_jobs_are_enough(one: OneJob) -> None:
    played = play({one.step: [LOST]}, workflow=one.workflow)

    assert len(played.services.asked(one.step)) == 3
    assert played.outcome.status == "FAILED"


@pytest.mark.parametrize("code", ["ThrottlingException", "ResourceLimitExceededException"])
def test_a_job_that_could_not_start_is_tried_under_the_next_name(one: OneJob, code: str) -> None:
    played = play({one.step: [Refused(code), one.completed]}, workflow=one.workflow)

    jobs = [request["ProcessingJobName"][-1] for request in played.services.asked(one.step)]
    assert jobs == ["0", "1"]


@pytest.mark.parametrize("name", FAILING)
def test_a_failure_is_reported_once_and_fails_the_execution(one: OneJob, name: str) -> None:
    played = scenario(one, name)

    assert played.path[-2:] == ["Report Failure", one.failed]
    assert len(one.reports(played)) == 1
    step = one.step
    assert (played.outcome.status, played.outcome.error, played.outcome.cause) == (
        "FAILED",
        f"{step}JobFailed",
        f"{step.lower()}: fix the data",
    )


def test_the_report_explains_the_job_by_its_step(one: OneJob) -> None:
    [report] = one.reports(scenario(one, "the job fails by its own code"))

    said = explain(report["error"], report["cause"], one.subject)
    assert said.error == f"{one.step}JobFailed"
    assert json.loads(report["cause"])["FailureReason"] == BROKEN["FailureReason"]


def test_when_even_the_report_fails_the_execution_fails_with_the_first_error(
    one: OneJob,
) -> None:
    played = scenario(one, "even the report fails")

    assert len(played.services.asked(one.close)) == 5
    assert (played.outcome.status, played.outcome.error) == ("FAILED", "NoLiveReleaseError")


@pytest.mark.parametrize("request_", [{}, {"model": 7}, [], "abalone"])
def test_a_request_of_any_shape_fails_as_reported(one: OneJob, request_: Any) -> None:
    script: dict[str, list[Any]] = {one.open: [Refused(one.refusal)]}

    assert len(one.reports(play(script, request_, one.workflow))) == 1


def test_stopping_an_execution_stops_its_job(one: OneJob) -> None:
    services = Services({one.step: [{"ProcessingJobStatus": "InProgress"}]})
    with playing(services):
        running = start({"model": "abalone"}, one.workflow)
        eventually(lambda: services.asked(one.step))

        running.stop("Operator", "enough")

        assert running.ended.wait(PATIENCE_SECONDS)
        eventually(lambda: services.stopped)
    assert services.stopped == [f"kanmon-test-{RUN}-{one.step.lower()}-0"]


def test_the_scenarios_take_every_transition_the_workflow_has(one: OneJob) -> None:
    every = states(workflow=one.workflow).items()
    drawn = {(name, target) for name, state in every for target in transitions(state)}
    taken = set().union(*(scenario(one, name).steps for name in one.scenarios))

    assert taken == drawn


# ---- The shape


@pytest.mark.parametrize("stage", ["local", "dev", "prod"])
def test_statelint_finds_nothing_in_the_deployed_definition(one: OneJob, stage: str) -> None:
    config = Config(ignored_problem_types={ProblemType.FLOAT}, evaluate_jsonata=True)

    assert Linter.validate(with_plain_timeouts(deployed(stage, one.workflow)), config) == []


def test_every_expression_parses_and_none_is_left_as_plain_text(one: OneJob) -> None:
    found = list(expressions(deployed(workflow=one.workflow)))
    marks = re.findall(r"\{%|%\}", one.source.read_text())

    assert [text for _, text in found if not Jsonata(text)] == []
    assert len(marks) == 2 * len(found)


def test_placeholders_and_substitutions_are_the_same_names(one: OneJob) -> None:
    written = set(PLACEHOLDER.findall(one.source.read_text()))

    assert written == set(substitutions(workflow=one.workflow))


def test_the_good_path_comes_first_and_failures_last(one: OneJob) -> None:
    names = [name for name in states(workflow=one.workflow) if not name.endswith("On Lambda")]

    assert names[: len(one.happy_path)] == one.happy_path
    assert names[-2:] == ["Report Failure", one.failed]


def test_every_task_has_a_timeout_bounded_retries_and_a_catch(one: OneJob) -> None:
    for name, task in states("Task", one.workflow).items():
        assert {"TimeoutSeconds", "Retry", "Catch"} <= set(task), name
        for retry in task["Retry"]:
            assert 1 <= retry["MaxAttempts"] <= 4, name
            assert retry["IntervalSeconds"] >= 1, name
            assert retry["BackoffRate"] >= 2, name


def test_every_error_that_is_retried_or_caught_has_a_name_that_can_come(one: OneJob) -> None:
    for name, task in states("Task", one.workflow).items():
        known = known_errors(task["Resource"]) | {f"States.{error}" for error in OF_STATES}
        handlers = [*task["Retry"], *task["Catch"]]

        assert {error for each in handlers for error in each["ErrorEquals"]} <= known, name


def test_every_failure_ends_up_reported_and_only_passing_errors_are_retried(one: OneJob) -> None:
    for name, task in states("Task", one.workflow).items():
        if name == "Report Failure":
            continue
        everything = task["Catch"][-1]
        retried = {error for retry in task["Retry"] for error in retry["ErrorEquals"]}
        following = one.state if name == f"{one.state} On Lambda" else "Report Failure"

        assert (everything["ErrorEquals"], everything["Next"]) == (["States.ALL"], following), name
        assert not {error for error in retried if error.startswith("States.")}, name


def test_states_list_their_fields_in_one_order(one: OneJob) -> None:
    order = [
        "Comment", "Type", "Resource", "Arguments", "Seconds", "Choices", "Default", "Output",
        "Assign", "TimeoutSeconds", "Retry", "Catch", "Error", "Cause", "Next", "End",
    ]  # fmt: skip

    for name, state in states(workflow=one.workflow).items():
        assert list(state) == sorted(state, key=order.index), name


def test_the_whole_may_take_longer_than_its_job(one: OneJob) -> None:
    longest_job = 5 * 24 * 3600  # SageMaker's limit for a processing job

    assert deployed(workflow=one.workflow)["TimeoutSeconds"] > longest_job


# ---- The request for the job, and what the role may do


def test_the_job_is_one_that_sagemaker_and_step_functions_accept(one: OneJob) -> None:
    task = states("Task", one.workflow)[one.state]
    request = evaluate(task["Arguments"], sample_variables())

    assert problems("sagemaker", "createProcessingJob", request) == []
    assert set(request) <= OPTIMIZED_FIELDS["sagemaker", "createProcessingJob"]
    inputs = [each["S3Input"] | {"name": each["InputName"]} for each in request["ProcessingInputs"]]
    assert all(each["LocalPath"].endswith(f"/input/{each['name']}") for each in inputs)


def test_granted_and_needed_actions_are_the_same(one: OneJob) -> None:
    needed = {
        *("lambda:InvokeFunction", "sagemaker:CreateProcessingJob"),
        *FOR_TRACING,
        *FOR_LOGGING,
        *TO_WAIT_FOR_A_JOB,
    }

    assert {action for statement in granted(one.role) for action in statement["Action"]} == needed


def test_it_calls_exactly_its_functions_and_passes_exactly_its_jobs_role(one: OneJob) -> None:
    tasks, statements = states("Task", one.workflow), granted(one.role)
    called = {state["Resource"] for state in tasks.values() if ":function:" in state["Resource"]}
    allowed = [s["Resource"] for s in statements if s["Action"] == ["lambda:InvokeFunction"]]
    [passed] = [s["Resource"] for s in statements if "iam:PassRole" in s["Action"]]

    assert {arn for each in allowed for arn in each} == called
    assert passed == [tasks[one.state]["Arguments"]["RoleArn"]]
