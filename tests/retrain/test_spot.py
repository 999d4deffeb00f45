"""A model that trains on spot machines: they come, they are taken away, or there are none."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.laptop import TINY, Laptop, rows
from tests.support.waiting import eventually

pytestmark = pytest.mark.faults

# A model that takes a while: a machine is taken away in the middle of it.
LONG = TINY.replace("rounds: 30", "rounds: 20000").replace("rounds: 10", "rounds: 20000")
SPOT = "compute: {preprocess: processing, train: spot, evaluate: lambda}\n"
# With the stage's time scale of 200, this and a minute of waiting are 0.6 seconds.
QUICK = "resources: {train: {timeout_minutes: 1, spot_wait_minutes: 1}}\n"


@contextmanager
def market(laptop: Laptop, **says: Any) -> Iterator[None]:
    """The stage with this in its spot.json."""
    file = laptop.home / "spot.json"
    file.write_text(json.dumps(says))
    try:
        yield
    finally:
        file.unlink()


def run(laptop: Laptop, model: str, text: str = TINY, more: str = SPOT + QUICK) -> dict[str, Any]:
    """Run a model made for this test to its end."""
    laptop.add_model(model, text.format(name=model, floor=5.0) + more)
    laptop.put_object(model, rows(300))
    return dict(laptop.must("run", model))


def jobs(laptop: Laptop, of: dict[str, Any]) -> list[dict[str, Any]]:
    """The descriptions of the run's Training jobs."""
    sagemaker = laptop.client("sagemaker")
    found = sagemaker.list_training_jobs(NameContains=of["run"])["TrainingJobSummaries"]
    return [
        sagemaker.describe_training_job(TrainingJobName=each["TrainingJobName"]) for each in found
    ]


def trained(laptop: Laptop, of: dict[str, Any]) -> str:
    """The digest of the run's model."""
    model = of["run"].rsplit("-", 2)[0]
    return hashlib.sha256(
        laptop.objects(f"runs/{model}/{of['run']}/train/")["model.tar.gz"]
    ).hexdigest()


def interruptions(job: dict[str, Any]) -> int:
    return [each["Status"] for each in job["SecondaryStatusTransitions"]].count("Interrupted")


def test_a_spot_machine_gives_the_model_of_any_other_and_says_what_it_saved(
    laptop: Laptop,
) -> None:
    on_spot = run(laptop, "same", LONG)

    place = on_spot["verdict"]["ran"]["train"]
    assert place["rung"] == "spot"
    assert 0 < place["billable_seconds"] <= place["training_seconds"]
    [job] = jobs(laptop, on_spot)
    assert job["EnableManagedSpotTraining"] is True
    assert interruptions(job) == 0
    shown = laptop.kanmon("show", on_spot["run"]).out
    assert "ml.m5.large, spot" in shown
    for rung in ("processing", "lambda"):
        laptop.add_model(
            "same", LONG.format(name="same", floor=5.0) + f"compute: {{train: {rung}}}\n"
        )
        other = laptop.must("run", "same")
        assert other["verdict"]["ran"]["train"]["rung"] == rung
        assert trained(laptop, other) == trained(laptop, on_spot)


@pytest.mark.parametrize(
    ("model", "after"), [("early", [0]), ("late", [1.0]), ("twice", [0.6, 1.0])]
)
def test_a_machine_that_is_taken_away_starts_the_job_over_and_changes_nothing_of_the_model(
    laptop: Laptop, model: str, after: list[float]
) -> None:
    with market(laptop, interrupted_after=after):
        interrupted = run(laptop, model, LONG)

    [job] = jobs(laptop, interrupted)
    assert job["TrainingJobStatus"] == "Completed"
    assert interruptions(job) == len(after)
    assert interrupted["verdict"]["ran"]["train"]["rung"] == "spot"
    undisturbed = laptop.must("run", model, "--force")
    assert interruptions(jobs(laptop, undisturbed)[0]) == 0
    assert trained(laptop, undisturbed) == trained(laptop, interrupted)


def test_without_a_spot_machine_the_run_goes_on_with_another_and_the_next_asks_again(
    laptop: Laptop,
) -> None:
    with market(laptop, capacity=False):
        alone = run(laptop, "none")

    [job] = jobs(laptop, alone)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxWaitTimeExceeded")
    place = alone["verdict"]["ran"]["train"]
    assert place["rung"] == "processing"
    words = "train: no spot machine was free for long enough within 2 minutes"
    assert place["left_spot"] == words
    shown = laptop.kanmon("show", alone["run"]).out
    assert f"train went on without a spot machine: {words}" in shown
    again = laptop.must("run", "none", "--force")
    assert again["verdict"]["ran"]["train"]["rung"] == "spot"
    assert trained(laptop, again) == trained(laptop, alone)


def test_a_machine_that_is_taken_away_without_another_leads_to_another_kind(
    laptop: Laptop,
) -> None:
    with market(laptop, interrupted_after=[0.5], capacity=False):
        lost = run(laptop, "lost", LONG)

    [job] = jobs(laptop, lost)
    assert (interruptions(job), job["SecondaryStatus"]) == (1, "MaxWaitTimeExceeded")
    assert lost["verdict"]["ran"]["train"]["rung"] == "processing"
    # What the lost machine worked is billed too.
    assert job["BillableTimeInSeconds"] >= 1


def test_a_run_that_waits_for_a_spot_machine_can_be_stopped(laptop: Laptop) -> None:
    laptop.add_model("waiting", TINY.format(name="waiting", floor=5.0) + SPOT)
    laptop.put_object("waiting", rows(300))
    sagemaker = laptop.client("sagemaker")

    def training() -> list[Any]:
        found = sagemaker.list_training_jobs(NameContains="waiting")["TrainingJobSummaries"]
        return [job["SecondaryStatus"] for job in found]

    with market(laptop, capacity=False):
        started = laptop.must("run", "waiting", "--no-wait")
        eventually(lambda: training() == ["Starting"])
        laptop.must("stop", started["run"])

        assert eventually(lambda: training() == ["Stopped"])


def test_a_step_that_fails_by_itself_fails_the_run_without_another_machine(laptop: Laptop) -> None:
    text = TINY.format(name="wrong", floor=5.0).replace("num_leaves: 7", "max_bin: 1")
    laptop.add_model("wrong", text + SPOT)
    laptop.put_object("wrong", rows(300))

    failed = laptop.kanmon("run", "wrong")

    assert failed.code == 1
    processing = laptop.client("sagemaker").list_processing_jobs(NameContains="wrong-")
    names = [each["ProcessingJobName"] for each in processing["ProcessingJobSummaries"]]
    assert not [name for name in names if "-train-" in name], failed.err
    training = laptop.client("sagemaker").list_training_jobs(NameContains="wrong-")
    assert len(training["TrainingJobSummaries"]) == 1, failed.err


def test_a_step_with_machines_in_an_order_of_preference_names_the_one_that_it_had(
    laptop: Laptop,
) -> None:
    keys = "compute: {preprocess: lambda, train: processing, evaluate: lambda}\n"
    machines = "resources: {train: {instance_types: [ml.m6i.large, ml.m5.large]}}\n"

    preferring = run(laptop, "preferring", more=keys + machines)

    assert preferring["verdict"]["ran"]["train"]["instance_type"] == "ml.m6i.large"
    assert "ml.m6i.large" in laptop.kanmon("show", preferring["run"]).out
    [job] = laptop.client("sagemaker").list_processing_jobs(NameContains=preferring["run"])[
        "ProcessingJobSummaries"
    ]
    cluster = laptop.client("sagemaker").describe_processing_job(
        ProcessingJobName=job["ProcessingJobName"]
    )["ProcessingResources"]["ClusterConfig"]
    assert cluster["SelectedInstanceType"] == "ml.m6i.large"


def test_a_wrong_spot_file_fails_the_run_with_how_to_write_it(laptop: Laptop) -> None:
    laptop.add_model("typo", TINY.format(name="typo", floor=5.0) + SPOT)
    laptop.put_object("typo", rows(300))

    with market(laptop, interrupted=[1]):
        failed = laptop.kanmon("run", "typo")

    assert failed.code == 1
    assert 'write {"interrupted_after": [0.5, 2]}' in " ".join(failed.err.split())


def test_what_spot_machines_saved_is_counted_in_the_month(laptop: Laptop) -> None:
    run(laptop, "saving", LONG)

    cost = laptop.must("cost", "saving")

    [month] = cost["models"]
    assert month["saved_usd"] >= 0
    page = laptop.kanmon("cost", "saving").out
    assert ("Spot machines saved" in page) == (month["saved_usd"] > 0)
