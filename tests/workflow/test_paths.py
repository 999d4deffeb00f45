"""The paths a run can take, each played through the real interpreter."""

import json
from typing import Any

import pytest

from core.runs.failure import Failure, explain
from tests.support.playing import (
    OPENED,
    PACKAGE,
    RUN,
    Refused,
    play,
)
from tests.support.scenarios import (
    BROKEN,
    NOTHING_NEW,
    QUEUED,
    SCENARIOS,
    TASKS,
    UNRELEASED,
    scenario,
)
from tests.support.waiting import eventually
from tests.support.workflow_definition import (
    CHAMPION,
    HAPPY_PATH,
    OTHER_RUNGS,
    SAMPLE_JUDGEMENT,
    SAMPLE_RUN,
    STEP_STATES,
    states,
    transitions,
)


def test_a_good_run_takes_the_drawn_path() -> None:
    assert scenario("all is well").path == HAPPY_PATH


def test_a_runs_output_is_what_close_run_says() -> None:
    assert scenario("all is well").output == {"run": RUN, "closed": True}


def test_close_run_learns_verdict_package_and_release() -> None:
    [request] = scenario("all is well").services.asked("Close Run")

    assert request == {
        "run": RUN,
        "model": "abalone",
        "outcome": "new",
        "verdict": "promote",
        "package_arn": PACKAGE,
        "metric": SAMPLE_JUDGEMENT["metric"],
        "steps": SAMPLE_JUDGEMENT["steps"],
        "fingerprint": "5" * 64,
        **OPENED,
    }


def test_a_release_is_opened_of_exactly_the_registered_candidate() -> None:
    [request] = scenario("all is well").services.asked("Open Release")

    assert request == {
        "run": RUN,
        "model": "abalone",
        "package_arn": PACKAGE,
        "verdict": "promote",
    }


def test_a_candidate_that_an_earlier_run_left_without_a_release_gets_one() -> None:
    played = scenario("an earlier candidate has no release")

    assert played.path == ["Open Run", "Anything New?", "Open Release", "Close Run"]
    [request] = played.services.asked("Open Release")
    assert request == {**UNRELEASED["candidate"], "model": "abalone"}
    [closed] = played.services.asked("Close Run")
    assert (closed["run"], closed["outcome"], closed["release"]) == (RUN, "nothing new", 7)
    assert (closed["summary"], closed["equals"]) == (UNRELEASED["summary"], UNRELEASED["equals"])


def test_a_candidate_that_lost_has_no_release() -> None:
    played = scenario("the candidate loses")

    assert played.path == [name for name in HAPPY_PATH if name != "Open Release"]
    [request] = played.services.asked("Close Run")
    assert request == {
        "run": RUN,
        "model": "abalone",
        "outcome": "new",
        "verdict": "reject",
        "summary": SAMPLE_JUDGEMENT["summary"],
        "package_arn": PACKAGE,
        "review_uri": SAMPLE_JUDGEMENT["review_uri"],
        "metric": SAMPLE_JUDGEMENT["metric"],
        "steps": SAMPLE_JUDGEMENT["steps"],
        "fingerprint": "5" * 64,
    }


@pytest.mark.parametrize("verdict", ["promote", "hold"])
def test_people_decide_about_whatever_is_not_rejected(verdict: str) -> None:
    played = play({"Judge Candidate": [SAMPLE_JUDGEMENT | {"verdict": verdict}]})

    [request] = played.services.asked("Open Release")
    assert request["verdict"] == verdict


def test_open_run_learns_the_runs_name_and_the_whole_request() -> None:
    request = {"model": "abalone", "reason": "manual", "parameters": {"rounds": 10}}

    [asked] = play(request=request).services.asked("Open Run")

    assert asked == {"run": RUN, "request": request}


def test_a_later_run_finds_its_package_group_and_makes_none() -> None:
    assert "Create Package Group" not in scenario("the group exists").path
    assert scenario("the group exists").outcome.status == "SUCCEEDED"


def test_a_package_group_that_is_there_already_is_as_good_as_a_new_one() -> None:
    """Another run made it, or the answer to the call that made it was lost."""
    played = scenario("the group is there already")

    after = played.path.index("Is The Group There?")
    assert played.path[after + 1] == "Register Candidate"
    assert played.outcome.status == "SUCCEEDED"


def test_a_run_with_nothing_new_is_closed_without_a_job() -> None:
    played = scenario("nothing is new")

    assert played.path == ["Open Run", "Anything New?", "Close Run"]
    [request] = played.services.asked("Close Run")
    assert request == {
        "run": RUN,
        "model": "abalone",
        "outcome": "nothing new",
        "summary": NOTHING_NEW["summary"],
        "fingerprint": "5" * 64,
        "equals": NOTHING_NEW["equals"],
    }


def test_a_queued_run_ends_at_once_and_leaves_the_turn_alone() -> None:
    played = scenario("another run holds the lock")

    assert played.path == ["Open Run", "Anything New?", "Queued Behind Another Run"]
    assert played.outcome.status == "SUCCEEDED"
    assert played.output == {
        "run": RUN,
        "model": "abalone",
        "outcome": "queued",
        "summary": QUEUED["summary"],
        "behind": QUEUED["behind"],
    }


def test_the_champion_reaches_evaluate() -> None:
    played = play({"Open Run": [SAMPLE_RUN | {"champion": CHAMPION}]})

    [request] = played.services.asked("Evaluate")
    inputs = {
        entry["InputName"]: entry["S3Input"]["S3Uri"] for entry in request["ProcessingInputs"]
    }
    assert inputs["champion"] == CHAMPION["model_uri"]
    assert inputs["champion-report"] == CHAMPION["report_uri"]


@pytest.mark.parametrize("verdict", ["promote", "hold", "reject"])
def test_every_candidate_is_registered_whatever_the_verdict(verdict: str) -> None:
    status = "Rejected" if verdict == "reject" else "PendingManualApproval"
    judgement = SAMPLE_JUDGEMENT | {"verdict": verdict, "approval_status": status}

    played = play({"Judge Candidate": [judgement]})

    [request] = played.services.asked("Register Candidate")
    assert request["ModelApprovalStatus"] == status
    assert played.services.asked("Close Run")[0]["verdict"] == verdict


@pytest.mark.parametrize("name", sorted(TASKS - {"Report Failure", *OTHER_RUNGS}))
def test_a_refusal_in_any_state_is_reported_and_fails_the_run(name: str) -> None:
    played = scenario(f"{name} is refused")

    assert played.path[-2:] == ["Report Failure", "Run Failed"]
    [report] = played.services.asked("Report Failure")
    assert (report["run"], report["model"]) == (RUN, "abalone")
    service_error = report["error"].startswith(("SageMaker", "Athena"))
    assert "AccessDenied" in report["error"] + report["cause"] or service_error
    assert (played.outcome.status, played.outcome.error, played.outcome.cause) == (
        "FAILED",
        "PreprocessJobFailed",
        "preprocess: fix the data",
    )


@pytest.mark.parametrize("step", STEP_STATES)
def test_a_job_lost_to_the_platform_runs_again_under_a_new_name(step: str) -> None:
    played = scenario(f"{step} loses its job once")

    jobs = [request["ProcessingJobName"][-1] for request in played.services.asked(step)]
    assert jobs == ["0", "6"]
    assert played.outcome.status == "SUCCEEDED"


@pytest.mark.parametrize("step", STEP_STATES)
def test_a_job_that_fails_by_its_own_code_is_not_repeated(step: str) -> None:
    played = scenario(f"{step} fails by its own code")

    assert len(played.services.asked(step)) == 1
    [report] = played.services.asked("Report Failure")
    assert report["error"] == "States.TaskFailed"
    assert json.loads(report["cause"])["FailureReason"] == BROKEN["FailureReason"]


@pytest.mark.parametrize("step", STEP_STATES)
def test_a_job_at_its_limit_is_not_repeated_and_the_report_says_which_limit(step: str) -> None:
    played = scenario(f"{step} reaches its limit")

    assert len(played.services.asked(step)) == 1
    [report] = played.services.asked("Report Failure")
    job, step = played.services.asked(step)[0]["ProcessingJobName"], step.lower()
    limit = SAMPLE_RUN["resources"][step]["timeout_seconds"]
    assert explain(report["error"], report["cause"]) == Failure(
        f"{step.title()}JobFailed",
        f"{step}: the job {job} ran longer than {limit} seconds; "
        f"raise resources.{step}.timeout_minutes in model.yaml",
    )


def test_a_state_whose_job_hangs_is_reported_and_the_job_is_stopped() -> None:
    played = scenario("Train hangs")

    [job] = played.services.asked("Train")
    eventually(lambda: played.services.stopped)
    assert played.services.stopped == [job["ProcessingJobName"]]
    [report] = played.services.asked("Report Failure")
    assert report["error"] == "States.Timeout"
    assert played.path[-2:] == ["Report Failure", "Run Failed"]


@pytest.mark.parametrize(
    ("request_", "model"), [({}, ""), ({"model": 7}, "7"), ([], ""), ("abalone", "")]
)
def test_a_request_of_any_shape_fails_as_reported(request_: Any, model: str) -> None:
    played = play({"Open Run": [Refused("RunRequestError")]}, request=request_)

    [report] = played.services.asked("Report Failure")
    assert report["model"] == model


def test_when_even_the_report_fails_the_run_fails_with_the_first_error() -> None:
    played = scenario("even the report fails")

    assert len(played.services.asked("Report Failure")) == 5
    assert played.outcome.status == "FAILED"
    assert played.outcome.error == "UnknownModelError"
    assert "no such model" in (played.outcome.cause or "")


def test_the_scenarios_take_every_transition_the_workflow_has() -> None:
    drawn = {(name, target) for name, state in states().items() for target in transitions(state)}
    taken = set().union(*(scenario(name).steps for name in SCENARIOS))

    assert taken == drawn


def test_no_scenario_takes_more_transitions_than_it_may_but_for_lost_jobs() -> None:
    """A known model's run takes 15 at most, also where a step leaves Lambda; others 18. One that
    leaves spot may take one more."""
    for name, script in SCENARIOS.items():
        [opened, *_] = script.get("Open Run", [{}])
        known = isinstance(opened, dict) and opened.get("package_group_exists")
        if "loses" not in name:
            path = scenario(name).path
            more = "Was There A Spot Machine?" in path
            assert len(path) + 1 <= (15 if known else 18) + more, name
