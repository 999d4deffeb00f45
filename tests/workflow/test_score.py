"""The score workflow: its shape, the paths that a batch can take, and what it asks of services."""

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
from core.words.formats import parsed
from tests.support.aws_requests import problems
from tests.support.playing import (
    ANSWERS,
    RUN,
    Played,
    Refused,
    Services,
    job_failed,
    play,
    playing,
    start,
)
from tests.support.translation import SCORE_WORKFLOW, granted
from tests.support.waiting import PATIENCE_SECONDS, eventually
from tests.support.workflow_definition import (
    PLACEHOLDER,
    SAMPLE_BATCH,
    SCORE,
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

TASKS = states("Task", SCORE)
HAPPY_PATH = ["Open Batch", "Anything To Score?", "Score Rows", "Close Batch"]
LOST = job_failed("InternalServerError: We encountered an internal error. Please try again.")
BROKEN = job_failed("AlgorithmError: , exit code: 1")
ON_LAMBDA = SAMPLE_BATCH | {"rung": "lambda"}
FINISHED = {
    "outcome": "finished",
    "batch": RUN,
    "model": "abalone",
    "summary": f"batch {RUN} is finished: 10 rows in",
}

# What the services answer in turn. A failure is reported by the function that also closes.
SCENARIOS: dict[str, dict[str, list[Any]]] = {
    "all is well": {},
    "it was finished before": {"Open Batch": [FINISHED]},
    "only its proof is missing": {"Open Batch": [SAMPLE_BATCH | {"outcome": "scored"}]},
    "the job is lost once": {"Score": [LOST, ANSWERS["Score"]]},
    "the job fails by its own code": {"Score": [BROKEN]},
    "the job is refused": {"Score": [Refused("AccessDeniedException")]},
    "the job is planned without limits": {"Open Batch": [SAMPLE_BATCH | {"resources": {}}]},
    "the request is wrong": {"Open Batch": [Refused("BatchRequestError", "model: write a name")]},
    "the proof fails": {
        "Close Batch": [Refused("UnprovenBatchError", "a row is missing"), ANSWERS["Close Batch"]]
    },
    "it is a function": {"Open Batch": [ON_LAMBDA]},
    "the function fails": {
        "Open Batch": [ON_LAMBDA],
        "Score On Lambda": [Refused("Sandbox.Timedout", "timed out")],
    },
    "the function fails by the step's own sentence": {
        "Open Batch": [ON_LAMBDA],
        "Score On Lambda": [Refused("StepFailedError", "fix the data")],
    },
    "the bus takes nothing": {"Close Batch": [Refused("EventNotTakenError", "it is full")]},
    "even the report fails": {
        "Open Batch": [Refused("NoLiveReleaseError", "nothing in service")],
        "Close Batch": [Refused("ServiceUnavailable")],
    },
}


@cache
def scenario(name: str) -> Played:
    return play(SCENARIOS[name], workflow=SCORE)


def asked_to_report(played: Played) -> list[Any]:
    return [one for one in played.services.asked("Close Batch") if "error" in one]


# ---- The paths


def test_a_batch_takes_the_drawn_path_and_ends_as_close_batch_says() -> None:
    played = scenario("all is well")

    assert played.path == HAPPY_PATH
    assert played.output == ANSWERS["Close Batch"]
    [opened] = played.services.asked("Open Batch")
    assert opened == {"execution": RUN, "request": {"model": "abalone"}}
    [closed] = played.services.asked("Close Batch")
    assert closed == {
        "batch": RUN,
        "model": "abalone",
        "lost": 0,
        "left_lambda": None,
        "began": ANSWERS["Score"]["ProcessingStartTime"],
        "ended": ANSWERS["Score"]["ProcessingEndTime"],
    }


def test_a_finished_batch_says_so_without_a_job() -> None:
    played = scenario("it was finished before")

    assert played.path == [*HAPPY_PATH[:2], "Finished Before"]
    assert played.output == FINISHED
    assert played.outcome.status == "SUCCEEDED"


def test_a_batch_that_lacks_its_proof_alone_starts_no_job() -> None:
    played = scenario("only its proof is missing")

    assert played.path == ["Open Batch", "Anything To Score?", "Close Batch"]
    [closed] = played.services.asked("Close Batch")
    assert closed == {"batch": RUN, "model": "abalone", "lost": 0, "left_lambda": None}


def test_a_batch_that_is_a_function_starts_no_job_and_says_when_it_worked() -> None:
    played = scenario("it is a function")

    assert played.path == [*HAPPY_PATH[:2], "Score Rows On Lambda", "Close Batch"]
    [asked] = played.services.asked("Score On Lambda")
    assert asked["inputs"] == {
        "plan": SAMPLE_BATCH["plan_uri"],
        "model": SAMPLE_BATCH["model_uri"],
    }
    [closed] = played.services.asked("Close Batch")
    assert closed["memory_mb"] == 3008
    assert parsed(closed["began"]) <= parsed(closed["ended"])


def test_a_function_that_fails_goes_on_as_a_job_unless_by_the_steps_own_sentence() -> None:
    played = scenario("the function fails")

    assert played.path[2:] == ["Score Rows On Lambda", "Score Rows", "Close Batch"]
    [closed] = played.services.asked("Close Batch")
    assert closed["left_lambda"]["Error"] == "Sandbox.Timedout"
    own = scenario("the function fails by the step's own sentence")
    assert own.path[-3:] == ["Score Rows On Lambda", "Report Failure", "Batch Failed"]


def test_a_job_lost_to_the_platform_runs_again_under_a_new_name() -> None:
    played = scenario("the job is lost once")

    jobs = [request["ProcessingJobName"][-1] for request in played.services.asked("Score")]
    assert jobs == ["0", "6"]
    assert played.outcome.status == "SUCCEEDED"


def test_two_lost_jobs_are_enough() -> None:
    played = play({"Score": [LOST]}, workflow=SCORE)

    assert len(played.services.asked("Score")) == 3
    assert played.outcome.status == "FAILED"


def test_closing_hears_of_a_job_that_was_lost_so_that_no_part_of_the_cost_is_shown() -> None:
    played = scenario("the job is lost once")

    [closed] = played.services.asked("Close Batch")
    assert closed["lost"] == 1


@pytest.mark.parametrize(
    ("answers", "lost"),
    [
        ({"Score": [LOST, BROKEN]}, 1),
        ({"Score": [LOST]}, 2),
        ({"Score": [BROKEN]}, 0),
        ({"Open Batch": [Refused("BatchRequestError", "model: write a name")]}, 0),
    ],
)
def test_the_report_of_a_failure_hears_of_jobs_that_were_lost(
    answers: dict[str, list[Any]], lost: int
) -> None:
    played = play(answers, workflow=SCORE)

    [reported] = asked_to_report(played)
    assert reported["lost"] == lost


@pytest.mark.parametrize("code", ["ThrottlingException", "ResourceLimitExceededException"])
def test_a_job_that_could_not_start_is_tried_under_the_next_name(code: str) -> None:
    played = play({"Score": [Refused(code), ANSWERS["Score"]]}, workflow=SCORE)

    jobs = [request["ProcessingJobName"][-1] for request in played.services.asked("Score")]
    assert jobs == ["0", "1"]


@pytest.mark.parametrize(
    "name",
    [
        "the job fails by its own code",
        "the job is refused",
        "the request is wrong",
        "the proof fails",
    ],
)
def test_a_failure_is_reported_once_and_fails_the_batch(name: str) -> None:
    played = scenario(name)

    assert played.path[-2:] == ["Report Failure", "Batch Failed"]
    [report] = asked_to_report(played)
    assert (report["run"], report["model"]) == (RUN, "abalone")
    assert report["request"] == {"model": "abalone"}
    assert (played.outcome.status, played.outcome.error, played.outcome.cause) == (
        "FAILED",
        "ScoreJobFailed",
        "score: fix the data",
    )


def test_the_report_explains_the_job_by_its_step() -> None:
    [report] = asked_to_report(scenario("the job fails by its own code"))

    assert explain(report["error"], report["cause"], "batch").error == "ScoreJobFailed"
    assert json.loads(report["cause"])["FailureReason"] == BROKEN["FailureReason"]


def test_when_even_the_report_fails_the_batch_fails_with_the_first_error() -> None:
    played = scenario("even the report fails")

    assert len(played.services.asked("Close Batch")) == 5
    assert (played.outcome.status, played.outcome.error) == ("FAILED", "NoLiveReleaseError")


@pytest.mark.parametrize("request_", [{}, {"model": 7}, [], "abalone"])
def test_a_request_of_any_shape_fails_as_reported(request_: Any) -> None:
    script: dict[str, list[Any]] = {"Open Batch": [Refused("BatchRequestError")]}

    [report] = asked_to_report(play(script, request_, SCORE))

    assert report["request"] == request_


def test_stopping_a_batch_stops_its_job() -> None:
    services = Services({"Score": [{"ProcessingJobStatus": "InProgress"}]})
    with playing(services):
        running = start({"model": "abalone"}, SCORE)
        eventually(lambda: services.asked("Score"))

        running.stop("Operator", "enough")

        assert running.ended.wait(PATIENCE_SECONDS)
        eventually(lambda: services.stopped)
    assert services.stopped == ["kanmon-test-abalone-261121055501-x7k-score-0"]


def test_the_scenarios_take_every_transition_the_workflow_has() -> None:
    every = states(workflow=SCORE).items()
    drawn = {(name, target) for name, state in every for target in transitions(state)}
    taken = set().union(*(scenario(name).steps for name in SCENARIOS))

    assert taken == drawn


# ---- The shape


@pytest.mark.parametrize("stage", ["local", "dev", "prod"])
def test_statelint_finds_nothing_in_the_deployed_definition(stage: str) -> None:
    config = Config(ignored_problem_types={ProblemType.FLOAT}, evaluate_jsonata=True)

    assert Linter.validate(with_plain_timeouts(deployed(stage, SCORE)), config) == []


def test_every_expression_parses_and_none_is_left_as_plain_text() -> None:
    found = list(expressions(deployed(workflow=SCORE)))
    marks = re.findall(r"\{%|%\}", SCORE_WORKFLOW.read_text())

    assert [text for _, text in found if not Jsonata(text)] == []
    assert len(marks) == 2 * len(found)


def test_placeholders_and_substitutions_are_the_same_names() -> None:
    written = set(PLACEHOLDER.findall(SCORE_WORKFLOW.read_text()))

    assert written == set(substitutions(workflow=SCORE))


def test_the_good_path_comes_first_and_failures_last() -> None:
    names = [name for name in states(workflow=SCORE) if name != "Score Rows On Lambda"]

    assert names[: len(HAPPY_PATH)] == HAPPY_PATH
    assert names[-2:] == ["Report Failure", "Batch Failed"]


@pytest.mark.parametrize("name", TASKS)
def test_every_task_has_a_timeout_bounded_retries_and_a_catch(name: str) -> None:
    assert {"TimeoutSeconds", "Retry", "Catch"} <= set(TASKS[name])
    for retry in TASKS[name]["Retry"]:
        assert 1 <= retry["MaxAttempts"] <= 4
        assert retry["IntervalSeconds"] >= 1
        assert retry["BackoffRate"] >= 2


@pytest.mark.parametrize("name", TASKS)
def test_every_error_that_is_retried_or_caught_has_a_name_that_can_come(name: str) -> None:
    known = known_errors(TASKS[name]["Resource"]) | {f"States.{error}" for error in OF_STATES}
    handlers = [*TASKS[name]["Retry"], *TASKS[name]["Catch"]]

    assert {error for one in handlers for error in one["ErrorEquals"]} <= known


@pytest.mark.parametrize("name", sorted(set(TASKS) - {"Report Failure"}))
def test_every_failure_ends_up_reported_and_only_passing_errors_are_retried(name: str) -> None:
    everything = TASKS[name]["Catch"][-1]
    retried = {error for retry in TASKS[name]["Retry"] for error in retry["ErrorEquals"]}

    assert everything["ErrorEquals"] == ["States.ALL"]
    on_lambda = name == "Score Rows On Lambda"
    assert everything["Next"] == ("Score Rows" if on_lambda else "Report Failure")
    assert not {error for error in retried if error.startswith("States.")}


def test_states_list_their_fields_in_one_order() -> None:
    order = [
        "Comment", "Type", "Resource", "Arguments", "Seconds", "Choices", "Default", "Output",
        "Assign", "TimeoutSeconds", "Retry", "Catch", "Error", "Cause", "Next", "End",
    ]  # fmt: skip

    for name, state in states(workflow=SCORE).items():
        assert list(state) == sorted(state, key=order.index), name


def test_the_whole_batch_may_take_longer_than_its_job() -> None:
    longest_job = 5 * 24 * 3600  # SageMaker's limit for a processing job

    assert deployed(workflow=SCORE)["TimeoutSeconds"] > longest_job


# ---- The request for the job


def job_request(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = evaluate(TASKS["Score Rows"]["Arguments"], sample_variables(**changes))
    return found


def test_the_job_is_one_that_sagemaker_and_step_functions_accept() -> None:
    request = job_request()

    assert problems("sagemaker", "createProcessingJob", request) == []
    assert set(request) <= OPTIMIZED_FIELDS["sagemaker", "createProcessingJob"]


def test_the_job_gets_the_batchs_machines_its_plan_and_its_model() -> None:
    request, own = job_request(), SAMPLE_BATCH["resources"]

    assert request["ProcessingResources"]["ClusterConfig"] == {
        "InstanceType": own["instance_type"],
        "InstanceCount": own["instance_count"],
        "VolumeSizeInGB": own["volume_gb"],
    }
    limit = request["StoppingCondition"]["MaxRuntimeInSeconds"]
    assert limit == own["timeout_seconds"]
    assert evaluate(TASKS["Score Rows"]["TimeoutSeconds"], sample_variables()) == limit + 900
    inputs = {one["InputName"]: one["S3Input"] for one in request["ProcessingInputs"]}
    assert {name: one["S3Uri"] for name, one in inputs.items()} == {
        "plan": SAMPLE_BATCH["plan_uri"],
        "model": SAMPLE_BATCH["model_uri"],
    }
    assert all(one["LocalPath"].endswith(f"/input/{name}") for name, one in inputs.items())


@pytest.mark.parametrize(
    ("retries", "faults", "redrives", "last"), [(0, 0, 0, "0"), (5, 2, 1, "23"), (0, 1, 0, "6")]
)
def test_every_attempt_at_the_job_has_a_name_of_its_own(
    retries: int, faults: int, redrives: int, last: str
) -> None:
    variables = sample_variables(faults=faults)
    variables["states"]["context"]["State"]["RetryCount"] = retries
    variables["states"]["context"]["Execution"]["RedriveCount"] = redrives

    name = evaluate(TASKS["Score Rows"]["Arguments"]["ProcessingJobName"], variables)

    assert name == f"{SAMPLE_BATCH['job_prefix']}-score-{last}"
    assert sum(retry["MaxAttempts"] for retry in TASKS["Score Rows"]["Retry"]) <= 5


# ---- What its role may do


GRANTED = granted("ScoreStateMachineRole")


def test_granted_and_needed_actions_are_the_same() -> None:
    needed = {
        *("lambda:InvokeFunction", "sagemaker:CreateProcessingJob"),
        *FOR_TRACING,
        *FOR_LOGGING,
        *TO_WAIT_FOR_A_JOB,
    }

    assert {action for statement in GRANTED for action in statement["Action"]} == needed


def test_it_calls_exactly_its_functions_and_passes_exactly_its_jobs_role() -> None:
    called = {state["Resource"] for state in TASKS.values() if ":function:" in state["Resource"]}
    allowed = [s["Resource"] for s in GRANTED if s["Action"] == ["lambda:InvokeFunction"]]
    [passed] = [s["Resource"] for s in GRANTED if "iam:PassRole" in s["Action"]]

    assert {arn for each in allowed for arn in each} == called
    assert passed == [TASKS["Score Rows"]["Arguments"]["RoleArn"]]
