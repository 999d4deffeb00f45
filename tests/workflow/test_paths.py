"""The paths a run can take, each played through the real interpreter."""

import json
from functools import cache
from typing import Any

import pytest

from core.runs.failure import Failure, explain
from tests.support.playing import (
    COMPLETED,
    LOST,
    OPENED,
    PACKAGE,
    RUN,
    Played,
    Refused,
    job_failed,
    play,
    query,
)
from tests.support.waiting import eventually
from tests.support.workflow_definition import (
    CHAMPION,
    HAPPY_PATH,
    LAMBDA_STATES,
    ON_HOSTS,
    ON_LAMBDA,
    OTHER_RUNGS,
    SAMPLE_GATHER_JOB,
    SAMPLE_GATHERING,
    SAMPLE_JUDGEMENT,
    SAMPLE_RUN,
    SEVERAL_HOSTS,
    STEP_STATES,
    states,
    transitions,
)

TASKS = set(states("Task"))
BROKEN = job_failed("AlgorithmError: , exit code: 1")
# At its own limit a job is stopped; the times are those of AWS, in milliseconds.
HOSTS_LOST = {"TrainingJobStatus": "Failed", "FailureReason": LOST["FailureReason"]}
HOST_FAILED = {
    "TrainingJobStatus": "Failed",
    "FailureReason": "AlgorithmError: host algo-3 of the job stopped without a word; see its log, "
    "exit code: 1",
}
AT_ITS_LIMIT = {
    "ProcessingJobStatus": "Stopped",
    "ProcessingStartTime": 1795240501000,
    "ProcessingEndTime": 1795240501000 + 7200_000,
}
# The state waits for a quarter of an hour longer than the job may take: here a second in all.
IMPATIENT = SAMPLE_RUN["resources"] | {
    "train": SAMPLE_RUN["resources"]["train"] | {"timeout_seconds": 1 - 900}
}
IMPATIENT_GATHERING = SAMPLE_GATHERING | {
    "gather": SAMPLE_GATHERING["gather"] | {"timeout_seconds": 1}
}
IMPATIENT_JOB = SAMPLE_GATHER_JOB | {
    "gather": SAMPLE_GATHER_JOB["gather"] | {"timeout_seconds": 1 - 900}
}
GATHERING_STATES = {
    "Gather": SAMPLE_GATHERING,
    "Gather In A Job": SAMPLE_GATHER_JOB,
    "Take Snapshot": SAMPLE_GATHERING,
}
QUEUED = {
    "outcome": "queued",
    "run": RUN,
    "model": "abalone",
    "equals": None,
    "behind": "abalone-261121055400-abc",
    "summary": "queued: run abalone-261121055400-abc holds the lock of abalone",
    "fingerprint": None,
}
NOTHING_NEW = SAMPLE_RUN | {
    "outcome": "nothing new",
    "equals": "abalone-261120055501-a1b",
    "summary": "nothing new: as run abalone-261120055501-a1b",
}
# The earlier run was killed before its candidate had a release.
UNRELEASED = NOTHING_NEW | {
    "candidate": {
        "run": "abalone-261120055501-a1b",
        "package_arn": PACKAGE,
        "verdict": "hold",
    }
}

LOST_TO_THE_CHAMPION = SAMPLE_JUDGEMENT | {"verdict": "reject", "approval_status": "Rejected"}

# What the services answer in turn, by the state that asks; states left out do well.
SCENARIOS: dict[str, dict[str, list[Any]]] = {
    "all is well": {},
    "the group exists": {"Open Run": [SAMPLE_RUN | {"package_group_exists": True}]},
    "the candidate loses": {"Judge Candidate": [LOST_TO_THE_CHAMPION]},
    "the group is there already": {
        "Create Package Group": [Refused("ValidationException", "Group already exists: arn")],
    },
    "nothing is new": {"Open Run": [NOTHING_NEW]},
    "an earlier candidate has no release": {"Open Run": [UNRELEASED]},
    "another run holds the lock": {"Open Run": [QUEUED]},
    **{f"{step} loses its job once": {step: [LOST, COMPLETED]} for step in STEP_STATES},
    **{f"{step} fails by its own code": {step: [BROKEN]} for step in STEP_STATES},
    **{f"{step} reaches its limit": {step: [AT_ITS_LIMIT]} for step in STEP_STATES},
    "Train hangs": {
        "Open Run": [SAMPLE_RUN | {"resources": IMPATIENT}],
        "Train": [{"ProcessingJobStatus": "InProgress"}],
    },
    **{
        f"{name} is refused": {
            **({"Open Run": [GATHERING_STATES[name]]} if name in GATHERING_STATES else {}),
            name: [Refused("AccessDeniedException")],
        }
        for name in TASKS - {"Report Failure", *OTHER_RUNGS}
    },
    "several hosts train": {"Open Run": [ON_HOSTS]},
    "several hosts are refused": {
        "Open Run": [ON_HOSTS],
        SEVERAL_HOSTS: [Refused("AccessDeniedException")],
    },
    "Train On Several Hosts loses its job once": {
        "Open Run": [ON_HOSTS],
        SEVERAL_HOSTS: [HOSTS_LOST, {"TrainingJobStatus": "Completed"}],
    },
    "several hosts hang": {
        "Open Run": [ON_HOSTS | {"resources": IMPATIENT}],
        SEVERAL_HOSTS: [{"TrainingJobStatus": "InProgress"}],
    },
    "a host fails": {"Open Run": [ON_HOSTS], SEVERAL_HOSTS: [HOST_FAILED]},
    "the steps are functions": {"Open Run": [ON_LAMBDA]},
    **{
        f"{name} fails as a function by the step's own sentence": {
            "Open Run": [ON_LAMBDA],
            name: [Refused("StepFailedError", "fix the data")],
        }
        for name in LAMBDA_STATES
    },
    **{
        f"{name} fails as a function": {
            "Open Run": [ON_LAMBDA | {"package_group_exists": True}],
            name: [Refused("Runtime.ExitError", "signal: killed")],
        }
        for name in LAMBDA_STATES
    },
    "every function fails": {
        "Open Run": [ON_LAMBDA],
        **{name: [Refused("Sandbox.Timedout", "timed out")] for name in LAMBDA_STATES},
    },
    **{f"{step} is planned without limits": {"Open Run": [
        SAMPLE_RUN | {"resources": {
            name: settings for name, settings in SAMPLE_RUN["resources"].items()
            if name != step.lower()
        }}
    ]} for step in STEP_STATES},
    "a query makes the data": {"Open Run": [SAMPLE_GATHERING]},
    "a query gives what is known already": {
        "Open Run": [SAMPLE_GATHERING],
        "Take Snapshot": [NOTHING_NEW],
    },
    "the query fails": {
        "Open Run": [SAMPLE_GATHERING],
        "Gather": [query("FAILED", "SYNTAX_ERROR: line 1:8: Column 'rings' cannot be resolved")],
    },
    "the query scans too much": {
        "Open Run": [SAMPLE_GATHERING],
        "Gather": [query("CANCELLED", "Query cancelled! : Bytes scanned limit was exceeded")],
    },
    "the query hangs": {
        "Open Run": [IMPATIENT_GATHERING],
        "Gather": [query("RUNNING")],
    },
    "Athena is busy": {
        "Open Run": [SAMPLE_GATHERING],
        "Gather": [Refused("TooManyRequestsException"), query("SUCCEEDED")],
    },
    "the query returns nothing": {
        "Open Run": [SAMPLE_GATHERING],
        "Take Snapshot": [Refused("EmptyResultError", "gather.sql returned no rows")],
    },
    "a job makes the data": {"Open Run": [SAMPLE_GATHER_JOB]},
    "a job without a secret makes the data": {"Open Run": [{
        **SAMPLE_GATHER_JOB, "gather": SAMPLE_GATHER_JOB["gather"] | {"secret": None}
    }]},
    "Gather In A Job loses its job once": {
        "Open Run": [SAMPLE_GATHER_JOB],
        "Gather In A Job": [LOST, COMPLETED],
    },
    "the job that gathers fails": {
        "Open Run": [SAMPLE_GATHER_JOB],
        "Gather In A Job": [BROKEN | {"ExitMessage": "gather.py line 3: OSError: no route"}],
    },
    "the job that gathers takes too long": {
        "Open Run": [SAMPLE_GATHER_JOB],
        "Gather In A Job": [AT_ITS_LIMIT],
    },
    "the job that gathers hangs": {
        "Open Run": [IMPATIENT_JOB],
        "Gather In A Job": [{"ProcessingJobStatus": "InProgress"}],
    },
    "the bus takes nothing": {
        "Open Release": [Refused("EventNotTakenError", "it is full")],
        "Close Run": [Refused("EventNotTakenError", "it is full")],
    },
    "even the report fails": {
        "Open Run": [Refused("UnknownModelError", "no such model")],
        "Report Failure": [Refused("ServiceUnavailable")],
    },
}  # fmt: skip


@cache
def scenario(name: str) -> Played:
    return play(SCENARIOS[name])


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


def test_data_is_gathered_before_anything_is_asked_about_it() -> None:
    played = scenario("a query makes the data")

    gathering = ["Open Run", "Anything New?", "Gather", "Take Snapshot", "Anything New?"]
    assert played.path == [*gathering, *HAPPY_PATH[2:]]
    [asked] = played.services.asked("Gather")
    prefix = SAMPLE_GATHERING["gather"]["prefix"]
    assert asked == {
        "QueryString": (
            "UNLOAD (\nSELECT rings FROM shells -- all of them\n) "
            f"TO '{prefix}/0/' WITH (format = 'PARQUET', compression = 'SNAPPY')"
        ),
        "QueryExecutionContext": {"Database": "sea"},
        "WorkGroup": "kanmon-test-gather-10gb",
    }
    [taken] = played.services.asked("Take Snapshot")
    assert taken == {
        "run": RUN,
        "request": {"model": "abalone"},
        "gathered": {"prefix": f"{prefix}/0", "query_id": "q-1", "scanned_bytes": 7_000_000},
    }


def test_an_unchanged_result_trains_nothing() -> None:
    played = scenario("a query gives what is known already")

    assert played.path[-3:] == ["Take Snapshot", "Anything New?", "Close Run"]


def test_each_attempt_of_a_query_writes_into_a_prefix_of_its_own() -> None:
    played = scenario("Athena is busy")

    [taken] = played.services.asked("Take Snapshot")
    assert taken["gathered"]["prefix"].endswith("/1")
    places = [asked["QueryString"].split("'")[1][-3:] for asked in played.services.asked("Gather")]
    assert places == ["/0/", "/1/"]


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("the query fails", "States.TaskFailed", "gather.sql: SYNTAX_ERROR: line 1:8: Column"),
        (
            "the query scans too much",
            "States.TaskFailed",
            "gather.sql would scan more than the 10 GB of gather.maximum_gb; read fewer columns",
        ),
        ("the query hangs", "States.Timeout", "a state took longer than its time limit"),
        ("the query returns nothing", "EmptyResultError", "gather.sql returned no rows"),
    ],
)
def test_a_query_that_fails_is_told_in_one_line(name: str, error: str, words: str) -> None:
    played = scenario(name)

    assert played.path[-2:] == ["Report Failure", "Run Failed"]
    [report] = played.services.asked("Report Failure")
    assert report["error"] == error
    assert words in explain(report["error"], report["cause"]).message


def test_a_query_that_hangs_is_stopped() -> None:
    played = scenario("the query hangs")

    eventually(lambda: played.services.stopped)
    assert played.services.stopped == ["q-1"]


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
    """A known model's run takes 15 at most, also where a step leaves Lambda; others 18."""
    for name, script in SCENARIOS.items():
        [opened, *_] = script.get("Open Run", [{}])
        known = isinstance(opened, dict) and opened.get("package_group_exists")
        if "loses" not in name:
            assert len(scenario(name).path) + 1 <= (15 if known else 18), name
