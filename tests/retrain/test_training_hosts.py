"""A model that several hosts prepare and train, from its data to its release, on a stage."""

import json
from typing import Any

import pytest

from tests.support.laptop import TINY, Laptop, rows
from tests.support.waiting import eventually

HOSTS = "compute: {preprocess: {hosts: 2}, train: {hosts: 2}}\n"
LONG = TINY.replace("rounds: 30", "rounds: 50000").replace("rounds: 10", "rounds: 50000")
KEYED = "data: {key: [id]}\n"


@pytest.fixture(scope="module")
def laptop(shared: Laptop) -> Laptop:
    return shared


def read(laptop: Laptop, run: str, name: str) -> Any:
    model = run.rsplit("-", 2)[0]
    found = laptop.client("s3").get_object(
        Bucket=laptop.outputs["DataBucketName"], Key=f"runs/{model}/{run}/{name}"
    )
    return json.loads(found["Body"].read())


def keyed(first: int) -> str:
    """Rows with keys that count up."""
    header, *lines = rows(seed=first + 1).splitlines()
    numbered = [f"{first + number},{line}" for number, line in enumerate(lines)]
    return "\n".join([f"id,{header}", *numbered]) + "\n"


def put(laptop: Laptop, model: str, *contents: str) -> None:
    folder = laptop.root / "data" / model
    folder.mkdir(parents=True)
    files = [folder / f"{number}.csv" for number in range(len(contents))]
    for file, content in zip(files, contents, strict=True):
        file.write_text(content)
    laptop.must("put-data", model, *map(str, files))


def test_two_hosts_train_one_model_that_is_released(laptop: Laptop) -> None:
    laptop.add_model("pairs", TINY.format(name="pairs", floor=5.0) + HOSTS + KEYED)
    put(laptop, "pairs", keyed(0), keyed(400))

    run = laptop.must("run", "pairs")

    assert run["verdict"]["verdict"] == "promote"
    assert run["release"] == 1
    verdict = read(laptop, run["run"], "verdict.json")
    assert verdict["ran"]["train"]["rung"] == "training"
    assert verdict["ran"]["train"]["instance_count"] == 2
    assert verdict["ran"]["evaluate"]["rung"] == "lambda"  # it may read what the hosts left
    [job] = laptop.client("sagemaker").list_training_jobs(NameContains="pairs")[
        "TrainingJobSummaries"
    ]
    assert job["TrainingJobStatus"] == "Completed"
    printed = laptop.must("logs", run["run"], "--step", "train")
    words = " ".join(line["message"] for line in printed)
    assert words.count("training on 2 hosts") == 2
    assert {line["host"] for line in printed} == {"algo-1", "algo-2"}
    shown = laptop.kanmon("logs", run["run"]).out
    assert "train-0 algo-1" in shown and "train-0 algo-2" in shown
    assert "evaluate-0 algo" not in shown
    assert read(laptop, run["run"], "train/usage-001.json")["seconds"] > 0


def test_a_key_that_two_hosts_have_fails_the_run_in_one_line(laptop: Laptop) -> None:
    laptop.add_model("twins", TINY.format(name="twins", floor=5.0) + HOSTS + KEYED)
    put(laptop, "twins", keyed(0), keyed(399))

    failed = laptop.kanmon("run", "twins")

    assert failed.code != 0
    assert (
        "train: 1.csv row 1, column id: occurs 2 times, first in 0.csv row 400; a key must "
        "identify one row"
    ) in " ".join(failed.err.split()), failed.err


def test_a_stopped_run_stops_all_hosts(laptop: Laptop) -> None:
    laptop.add_model("slow", LONG.format(name="slow", floor=5.0) + HOSTS)
    put(laptop, "slow", rows(seed=1), rows(seed=2))
    started = laptop.must("run", "slow", "--no-wait")
    sagemaker = laptop.client("sagemaker")

    def training() -> Any:
        jobs = sagemaker.list_training_jobs(NameContains="slow")["TrainingJobSummaries"]
        return [job for job in jobs if job["TrainingJobStatus"] == "InProgress"]

    eventually(training)
    laptop.must("stop", started["run"])

    assert eventually(lambda: not training())
    [job] = sagemaker.list_training_jobs(NameContains="slow")["TrainingJobSummaries"]
    assert job["TrainingJobStatus"] in ("Stopping", "Stopped")
