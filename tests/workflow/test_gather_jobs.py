"""A run whose data a job gathers: what the job is given, and what is told where it fails."""

import pytest

from core.runs.failure import explain
from tests.support.playing import RUN
from tests.support.scenarios import scenario
from tests.support.workflow_definition import HAPPY_PATH, SAMPLE_GATHER_JOB, SAMPLE_RUN


def test_a_job_gathers_as_its_models_own_role_and_with_a_network() -> None:
    played = scenario("a job makes the data")
    asked_for = SAMPLE_GATHER_JOB["gather"]

    gathering = ["Open Run", "Anything New?", "Gather In A Job", "Take Snapshot", "Anything New?"]
    assert played.path == [*gathering, *HAPPY_PATH[2:]]
    assert len(played.path) + 1 <= 18
    [asked] = played.services.asked("Gather In A Job")
    assert asked["RoleArn"] == "arn:aws:iam::123456789012:role/kanmon-test-gather-abalone"
    assert asked["ProcessingJobName"] == f"{SAMPLE_RUN['job_prefix']}-gather-0"
    assert asked["AppSpecification"] == {"ImageUri": asked_for["image"]}
    assert asked["Environment"] == {
        "KANMON_RUN": RUN,
        "KANMON_MODEL": "abalone",
        "KANMON_DATA": asked_for["data"],
        "KANMON_SECRET": asked_for["secret"],
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    assert asked["StoppingCondition"] == {"MaxRuntimeInSeconds": 2700}
    assert "NetworkConfig" not in asked
    assert "ProcessingOutputConfig" not in asked  # it writes to the data of its model alone
    [taken] = played.services.asked("Take Snapshot")
    assert taken["gathered"] == {"job": asked["ProcessingJobName"], "said": '{"files": 1}'}


def test_a_job_that_needs_no_secret_is_told_of_none() -> None:
    [asked] = scenario("a job without a secret makes the data").services.asked("Gather In A Job")

    assert "KANMON_SECRET" not in asked["Environment"]


def test_a_job_that_gathers_and_was_lost_is_tried_again_under_another_name() -> None:
    played = scenario("Gather In A Job loses its job once")

    names = [asked["ProcessingJobName"] for asked in played.services.asked("Gather In A Job")]
    assert [name.rpartition("-")[2] for name in names] == ["0", "6"]
    assert played.path[-1] == "Close Run"
    [taken] = played.services.asked("Take Snapshot")
    assert taken["gathered"] == {"job": names[1], "said": ""}


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        (
            "the job that gathers fails",
            "States.TaskFailed",
            "gather: gather.py line 3: OSError: no route",
        ),
        (
            "the job that gathers takes too long",
            "States.TaskFailed",
            "ran longer than 2700 seconds; raise gather.timeout_minutes in model.yaml",
        ),
        ("the job that gathers hangs", "States.Timeout", "a state took longer than its time limit"),
    ],
)
def test_a_job_that_fails_to_gather_is_told_in_one_line(name: str, error: str, words: str) -> None:
    played = scenario(name)

    assert played.path[-2:] == ["Report Failure", "Run Failed"]
    [report] = played.services.asked("Report Failure")
    assert report["error"] == error
    assert words in explain(report["error"], report["cause"]).message
