"""Train on a spot machine, and what the run does where there is none."""

import pytest

from core.runs.failure import Failure, explain
from tests.support.playing import play
from tests.support.scenarios import NO_CAPACITY, NO_SPOT, SPOT_BAD_DATA, scenario
from tests.support.workflow_definition import ON_SPOT, ON_SPOT_STATE, SAMPLE_RUN


def test_a_spot_machine_trains_alone_and_the_next_step_reads_what_it_left() -> None:
    played = scenario("a spot machine trains")

    [asked] = played.services.asked(ON_SPOT_STATE)
    assert asked["EnableManagedSpotTraining"] is True
    assert asked["EnableNetworkIsolation"] is True
    assert "CheckpointConfig" not in asked
    assert asked["ResourceConfig"]["InstanceCount"] == 1
    assert asked["StoppingCondition"] == {
        "MaxRuntimeInSeconds": 7200,
        "MaxWaitTimeInSeconds": 7200 + 1800,
    }
    left = f"{SAMPLE_RUN['attempts']}/{SAMPLE_RUN['job_prefix']}-train-spot0/output/model"
    [evaluate] = played.services.asked("Evaluate")
    inputs = {one["InputName"]: one["S3Input"]["S3Uri"] for one in evaluate["ProcessingInputs"]}
    assert inputs["model"] == f"{left}/"
    [judge] = played.services.asked("Judge Candidate")
    assert judge["at"]["train"] == left
    assert judge["ran"]["train"] == {
        "rung": "spot",
        "instance_type": "ml.m5.xlarge",
        "instance_count": 1,
        "training_seconds": 100,
        "billable_seconds": 37,
    }
    assert judge["left_spot"] == {}
    assert played.outcome.status == "SUCCEEDED"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "no spot machine is free in time",
            "train: no spot machine was free for long enough within 150 minutes",
        ),
        (
            "a job without a spot machine is taken for a success",
            "train: no spot machine was free for long enough within 150 minutes",
        ),
        (
            "there is no capacity for spot machines",
            f"train: {NO_CAPACITY['FailureReason']}",
        ),
        ("the quota of spot machines is used up", "ResourceLimitExceededException: "),
        ("a spot machine hangs", "a state took longer than its time limit"),
    ],
)
def test_without_a_spot_machine_the_run_goes_on_with_another_and_says_why(
    name: str, words: str
) -> None:
    played = scenario(name)

    assert played.outcome.status == "SUCCEEDED"
    assert len(played.services.asked(ON_SPOT_STATE)) == 1
    [job] = played.services.asked("Train")
    # None of the tries that a job has which the platform loses is used up.
    assert job["ProcessingJobName"].endswith("-train-0")
    [judge] = played.services.asked("Judge Candidate")
    assert judge["at"]["train"] == f"{SAMPLE_RUN['prefix']}/train"
    assert judge["ran"]["train"]["rung"] == "processing"
    left = judge["left_spot"]["train"]
    assert explain(left["Error"], left.get("Cause", "")).message.startswith(words)


def test_a_spot_job_that_is_lost_to_the_platform_is_run_again_on_spot() -> None:
    played = scenario("Train On Spot loses its job once")

    first, second = played.services.asked(ON_SPOT_STATE)
    assert second["TrainingJobName"] == first["TrainingJobName"][:-1] + "6"
    assert played.services.asked("Train") == []
    assert played.outcome.status == "SUCCEEDED"


def test_a_step_that_fails_by_its_data_is_not_tried_on_another_machine() -> None:
    played = scenario("a spot machine trains on bad data")

    [report] = played.services.asked("Report Failure")
    assert explain(report["error"], report["cause"]) == Failure(
        "TrainJobFailed", "train: the column a is constant"
    )
    assert played.services.asked("Train") == []
    assert played.outcome.status == "FAILED"


def test_what_a_job_writes_itself_is_not_taken_for_a_lack_of_machines() -> None:
    said = 'AlgorithmError: "SecondaryStatus": "MaxWaitTimeExceeded", exit code: 1'

    played = play(
        {"Open Run": [ON_SPOT], ON_SPOT_STATE: [{**SPOT_BAD_DATA, "FailureReason": said}]}
    )

    assert played.services.asked("Train") == []
    assert played.outcome.status == "FAILED"


def test_leaving_spot_takes_two_transitions_more() -> None:
    stayed = scenario("a spot machine trains")

    assert len(scenario("no spot machine is free in time").path) == len(stayed.path) + 2
    assert NO_SPOT["SecondaryStatus"] == "MaxWaitTimeExceeded"
