"""Several hosts train in one Training job, and what it leaves goes on through the run."""

from core.runs.failure import Failure, explain
from tests.support.playing import play
from tests.support.scenarios import HOST_FAILED, HOSTS_LOST
from tests.support.workflow_definition import ON_HOSTS, SAMPLE_RUN, SEVERAL_HOSTS


def test_several_hosts_train_as_one_training_job_and_the_next_step_reads_what_it_left() -> None:
    played = play(
        {"Open Run": [ON_HOSTS], SEVERAL_HOSTS: [HOSTS_LOST, {"TrainingJobStatus": "Completed"}]}
    )

    first, second = played.services.asked(SEVERAL_HOSTS)
    assert first["ResourceConfig"]["InstanceCount"] == 4
    assert (first["EnableNetworkIsolation"], first["EnableInterContainerTrafficEncryption"]) == (
        True,
        True,
    )
    job = "kanmon-test-abalone-261121055501-x7k-train-6"
    assert second["TrainingJobName"] == job
    left = f"{SAMPLE_RUN['attempts']}/{job}/output/model"
    [evaluate] = played.services.asked("Evaluate")
    inputs = {one["InputName"]: one["S3Input"]["S3Uri"] for one in evaluate["ProcessingInputs"]}
    assert inputs["model"] == f"{left}/"
    [judge] = played.services.asked("Judge Candidate")
    assert judge["at"]["train"] == left
    assert judge["ran"]["train"] == {
        "rung": "training",
        "instance_type": "ml.m5.xlarge",
        "instance_count": 4,
    }
    assert played.outcome.status == "SUCCEEDED"


def test_a_host_that_fails_ends_the_run_with_its_word() -> None:
    played = play({"Open Run": [ON_HOSTS], SEVERAL_HOSTS: [HOST_FAILED]})

    [report] = played.services.asked("Report Failure")
    assert explain(report["error"], report["cause"]) == Failure(
        "TrainJobFailed", "train: host algo-3 of the job stopped without a word; see its log"
    )
