"""The shape of the retrain workflow: what a reviewer would check by hand at every change."""

import re
from collections import deque
from itertools import pairwise
from pathlib import Path

import botocore.session
import pytest
from jsonata import Jsonata
from statelint.config import Config
from statelint.linter import Linter
from statelint.problem import ProblemType

from tests.support.translation import WORKFLOW
from tests.support.workflow_definition import (
    HAPPY_PATH,
    LAMBDA_STATES,
    OTHER_RUNGS,
    PLACEHOLDER,
    SAMPLE_RUN,
    SERVICE,
    SEVERAL_HOSTS,
    STEP_STATES,
    deployed,
    evaluate,
    expressions,
    sample_variables,
    states,
    substitutions,
    transitions,
    with_plain_timeouts,
)

CONTROL = Path(__file__).parents[2] / "functions/control"
ON_LAMBDA = Path(__file__).parents[2] / "containers/on_lambda"
OPERATIONS = Path(__file__).parents[2] / "docs/operations.md"
TASKS = states("Task")


@pytest.mark.parametrize("stage", ["local", "dev", "prod"])
def test_statelint_finds_nothing_in_the_deployed_definition(stage: str) -> None:
    # Whole numbers are good back-off rates too.
    config = Config(ignored_problem_types={ProblemType.FLOAT}, evaluate_jsonata=True)

    assert Linter.validate(with_plain_timeouts(deployed(stage)), config) == []


def test_every_expression_is_jsonata_that_parses() -> None:
    found = list(expressions(deployed()))

    for path, text in found:
        try:
            Jsonata(text)
        except Exception as error:
            pytest.fail(f"{path}: {error}")
    assert len(found) > 80


def test_no_expression_is_left_as_plain_text_by_a_slip_of_its_braces() -> None:
    marks = re.findall(r"\{%|%\}", WORKFLOW.read_text())

    assert len(marks) == 2 * len(list(expressions(deployed())))


def test_placeholders_and_substitutions_are_the_same_names() -> None:
    assert set(PLACEHOLDER.findall(WORKFLOW.read_text())) == set(substitutions())


def test_every_state_is_reached_from_the_start() -> None:
    definition = deployed()
    seen = {definition["StartAt"]}
    waiting = deque(seen)
    while waiting:
        for name in set(transitions(definition["States"][waiting.popleft()])) - seen:
            seen.add(name)
            waiting.append(name)

    assert seen == set(definition["States"])


def test_the_longest_good_run_is_as_drawn_and_within_fifteen_transitions() -> None:
    for name, following in pairwise(HAPPY_PATH):
        assert following in set(transitions(states()[name])), name
    assert states()[HAPPY_PATH[-1]]["End"] is True
    # One transition into each state, and one to the end.
    longest = len(HAPPY_PATH) + 1
    assert longest <= 15
    assert f"at most {longest} of the 15 transitions" in WORKFLOW.read_text()
    assert f"transitions (at most {longest} in a run that goes well)" in OPERATIONS.read_text()


def test_the_good_path_comes_first_and_failures_last() -> None:
    names = [name for name in states() if name not in OTHER_RUNGS]

    assert names[: len(HAPPY_PATH)] == HAPPY_PATH
    assert names[-2:] == ["Report Failure", "Run Failed"]


@pytest.mark.parametrize("name", TASKS)
def test_every_task_has_a_timeout_retries_and_a_catch(name: str) -> None:
    assert {"TimeoutSeconds", "Retry", "Catch"} <= set(TASKS[name])


@pytest.mark.parametrize("name", LAMBDA_STATES)
def test_a_function_reports_the_steps_own_failure_and_leaves_any_other_to_a_job(name: str) -> None:
    own, everything = TASKS[name]["Catch"]
    step = name.removesuffix(" On Lambda")

    assert (own["ErrorEquals"], own["Next"]) == (["StepFailedError"], "Report Failure")
    assert own["Assign"] == {"failure": "{% $states.errorOutput %}"}
    assert (everything["ErrorEquals"], everything["Next"]) == (["States.ALL"], step)


@pytest.mark.parametrize("name", sorted(set(TASKS) - {"Report Failure", *LAMBDA_STATES}))
def test_every_failure_ends_up_reported(name: str) -> None:
    everything = TASKS[name]["Catch"][-1]

    assert everything["ErrorEquals"] == ["States.ALL"]
    asked_first = {"Create Package Group": "Is The Group There?"}
    assert everything["Next"] == asked_first.get(name, "Report Failure")
    assert all(states()[after]["Default"] == "Report Failure" for after in asked_first.values())
    assert everything["Assign"] == {"failure": "{% $states.errorOutput %}"}


def test_a_report_that_cannot_be_made_still_ends_the_run_as_failed() -> None:
    report = TASKS["Report Failure"]

    assert [catch["ErrorEquals"] for catch in report["Catch"]] == [["States.ALL"]]
    assert {report["Next"], report["Catch"][0]["Next"]} == {"Run Failed"}


@pytest.mark.parametrize("name", sorted(set(TASKS) - {"Report Failure"}))
def test_only_errors_that_pass_by_themselves_are_retried(name: str) -> None:
    retried = {error for retry in TASKS[name]["Retry"] for error in retry["ErrorEquals"]}

    assert not {error for error in retried if error.startswith("States.")}


# What Step Functions itself raises; see its documentation of error names.
OF_STATES = {
    *("ALL", "BranchFailed", "DataLimitExceeded", "ExceedToleratedFailureThreshold"),
    *("HeartbeatTimeout", "Http.Socket", "IntrinsicFailure", "ItemReaderFailed"),
    *("NoChoiceMatched", "ParameterPathFailure", "Permissions", "QueryEvaluationError"),
    *("ResultPathMatchFailure", "ResultWriterFailed", "Runtime", "TaskFailed", "Timeout"),
}
# Errors of every AWS service that its own model does not list.
COMMON = {"SdkClientException", "ThrottlingException"}


def service_errors(service: str) -> set[str]:
    """The names of a service's errors, as the Java SDK makes them from its model."""
    shapes = botocore.session.get_session().get_service_model(service).error_shapes
    names = {shape.name for shape in shapes}
    return COMMON | {name.removesuffix("Exception") + "Exception" for name in names}


def known_errors(resource: str) -> set[str]:
    """The names by which a task on this resource can fail."""
    call = SERVICE.match(resource)
    if call is None:
        # Of the services that the functions call; Take Snapshot calls another function, too.
        called = ["dynamodb", *(["lambda"] if "TakeSnapshot" in resource else [])]
        models = map(botocore.session.get_session().get_service_model, called)
        theirs = {shape.name for model in models for shape in model.error_shapes}
        ours = re.findall(
            r"^class (\w+Error)\(Exception\)",
            "\n".join(
                path.read_text() for path in [*CONTROL.rglob("*.py"), *ON_LAMBDA.glob("*.py")]
            ),
            re.MULTILINE,
        )
        invoked = {*service_errors("lambda"), "AWSLambdaException", "Unknown"}
        return {*theirs, *ours, *(f"Lambda.{name}" for name in invoked)}
    service = {"athena": "Athena", "sagemaker": "SageMaker"}[call["service"]]
    general = f"{service}Exception" if call["sdk"] else f"Amazon{service}Exception"
    return {f"{service}.{name}" for name in {*service_errors(call["service"]), general}}


@pytest.mark.parametrize("name", TASKS)
def test_every_error_that_is_retried_or_caught_has_a_name_that_can_come(name: str) -> None:
    known = known_errors(TASKS[name]["Resource"]) | {f"States.{error}" for error in OF_STATES}
    handlers = [*TASKS[name]["Retry"], *TASKS[name]["Catch"]]

    assert {error for one in handlers for error in one["ErrorEquals"]} <= known


@pytest.mark.parametrize("name", STEP_STATES)
def test_a_step_gets_its_own_machine_and_time(name: str) -> None:
    own = SAMPLE_RUN["resources"][name.lower()]
    arguments = evaluate(
        {
            key: TASKS[name]["Arguments"][key]
            for key in ("ProcessingResources", "StoppingCondition")
        },
        sample_variables(),
    )

    assert arguments["ProcessingResources"]["ClusterConfig"] == {
        "InstanceType": own["instance_type"],
        "InstanceCount": 1,
        "VolumeSizeInGB": own["volume_gb"],
    }
    limit = arguments["StoppingCondition"]["MaxRuntimeInSeconds"]
    assert limit == own["timeout_seconds"]
    assert evaluate(TASKS[name]["TimeoutSeconds"], sample_variables()) == limit + 900


@pytest.mark.parametrize("name", TASKS)
def test_retries_are_bounded_and_spread(name: str) -> None:
    for retry in TASKS[name]["Retry"]:
        assert 1 <= retry["MaxAttempts"] <= 4
        assert retry["IntervalSeconds"] >= 1
        assert retry["BackoffRate"] >= 2


@pytest.mark.parametrize("name", [*STEP_STATES, SEVERAL_HOSTS])
def test_a_job_is_retried_fewer_times_than_its_name_can_count(name: str) -> None:
    # The number of a job's name counts six attempts before it counts the next fault.
    assert sum(retry["MaxAttempts"] for retry in TASKS[name]["Retry"]) <= 5


@pytest.mark.parametrize("name", [*STEP_STATES, SEVERAL_HOSTS])
def test_a_failed_job_is_tried_again_only_after_asking_whose_fault_it_was(name: str) -> None:
    failed = TASKS[name]["Catch"][0]

    assert failed["ErrorEquals"] == ["States.TaskFailed"]
    assert failed["Next"] == "Was It The Platform?"
    assert failed["Assign"]["failed_step"] == name


def test_states_list_their_fields_in_one_order() -> None:
    order = [
        "Comment", "Type", "Resource", "Arguments", "Seconds", "Choices", "Default", "Output",
        "Assign", "TimeoutSeconds", "Retry", "Catch", "Error", "Cause", "Next", "End",
    ]  # fmt: skip

    for name, state in states().items():
        assert list(state) == sorted(state, key=order.index), name


def test_the_whole_run_may_take_longer_than_its_three_longest_jobs() -> None:
    longest_job = 5 * 24 * 3600  # SageMaker's limit for a processing job

    assert deployed()["TimeoutSeconds"] <= 3 * longest_job
    assert deployed()["TimeoutSeconds"] > 2 * longest_job
