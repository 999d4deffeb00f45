"""What the score workflow does beside what it shares with the monitor workflow."""

from typing import Any

import pytest

from core.words.formats import parsed
from tests.support.one_job import BROKEN, FAILING, FINISHED, LOST, SCORING, scenario
from tests.support.playing import ANSWERS, RUN, Refused, play
from tests.support.workflow_definition import (
    SAMPLE_BATCH,
    SCORE,
    evaluate,
    sample_variables,
    states,
)

TASK = states("Task", SCORE)["Score Rows"]
REFUSED = Refused("BatchRequestError", "model: write a name")


# ---- The paths


def test_closing_learns_when_the_job_worked() -> None:
    played = scenario(SCORING, "all is well")

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
    played = scenario(SCORING, "it was finished before")

    assert played.path == ["Open Batch", "Anything To Score?", "Finished Before"]
    assert played.output == FINISHED
    assert played.outcome.status == "SUCCEEDED"


def test_a_batch_that_lacks_its_proof_alone_starts_no_job() -> None:
    played = scenario(SCORING, "only its proof is missing")

    assert played.path == ["Open Batch", "Anything To Score?", "Close Batch"]
    [closed] = played.services.asked("Close Batch")
    assert closed == {"batch": RUN, "model": "abalone", "lost": 0, "left_lambda": None}


def test_a_batch_that_is_a_function_starts_no_job_and_says_when_it_worked() -> None:
    played = scenario(SCORING, "it is a function")

    assert played.path[2:] == ["Score Rows On Lambda", "Close Batch"]
    [asked] = played.services.asked("Score On Lambda")
    assert asked["inputs"] == {
        "plan": SAMPLE_BATCH["plan_uri"],
        "model": SAMPLE_BATCH["model_uri"],
    }
    [closed] = played.services.asked("Close Batch")
    assert closed["memory_mb"] == 3008
    assert parsed(closed["began"]) <= parsed(closed["ended"])


def test_closing_hears_of_a_job_that_was_lost_so_that_no_part_of_the_cost_is_shown() -> None:
    played = scenario(SCORING, "the job is lost once")

    [closed] = played.services.asked("Close Batch")
    assert closed["lost"] == 1


@pytest.mark.parametrize(
    ("answers", "lost"),
    [
        ({"Score": [LOST, BROKEN]}, 1),
        ({"Score": [LOST]}, 2),
        ({"Score": [BROKEN]}, 0),
        ({"Open Batch": [REFUSED]}, 0),
    ],
)
def test_the_report_of_a_failure_hears_of_the_request_and_of_jobs_that_were_lost(
    answers: dict[str, list[Any]], lost: int
) -> None:
    played = play(answers, workflow=SCORE)

    [report] = SCORING.reports(played)
    assert (report["run"], report["model"], report["lost"]) == (RUN, "abalone", lost)
    assert report["request"] == {"model": "abalone"}


@pytest.mark.parametrize("name", FAILING)
def test_every_failure_is_reported_with_the_batch_and_its_request(name: str) -> None:
    [report] = SCORING.reports(scenario(SCORING, name))

    assert (report["run"], report["model"]) == (RUN, "abalone")
    assert report["request"] == {"model": "abalone"}


@pytest.mark.parametrize("request_", [{}, {"model": 7}, [], "abalone"])
def test_a_request_of_any_shape_is_in_the_report(request_: Any) -> None:
    [report] = SCORING.reports(play({"Open Batch": [REFUSED]}, request_, SCORE))

    assert report["request"] == request_


# ---- The request for the job


def test_the_job_gets_the_batchs_machines_its_plan_and_its_model() -> None:
    request = evaluate(TASK["Arguments"], sample_variables())
    own = SAMPLE_BATCH["resources"]

    assert request["ProcessingResources"]["ClusterConfig"] == {
        "InstanceType": own["instance_type"],
        "InstanceCount": own["instance_count"],
        "VolumeSizeInGB": own["volume_gb"],
    }
    limit = request["StoppingCondition"]["MaxRuntimeInSeconds"]
    assert limit == own["timeout_seconds"]
    assert evaluate(TASK["TimeoutSeconds"], sample_variables()) == limit + 900
    inputs = {one["InputName"]: one["S3Input"]["S3Uri"] for one in request["ProcessingInputs"]}
    assert inputs == {"plan": SAMPLE_BATCH["plan_uri"], "model": SAMPLE_BATCH["model_uri"]}


@pytest.mark.parametrize(
    ("retries", "faults", "redrives", "last"), [(0, 0, 0, "0"), (5, 2, 1, "23"), (0, 1, 0, "6")]
)
def test_every_attempt_at_the_job_has_a_name_of_its_own(
    retries: int, faults: int, redrives: int, last: str
) -> None:
    variables = sample_variables(faults=faults)
    variables["states"]["context"]["State"]["RetryCount"] = retries
    variables["states"]["context"]["Execution"]["RedriveCount"] = redrives

    name = evaluate(TASK["Arguments"]["ProcessingJobName"], variables)

    assert name == f"{SAMPLE_BATCH['job_prefix']}-score-{last}"
    assert sum(retry["MaxAttempts"] for retry in TASK["Retry"]) <= 5
