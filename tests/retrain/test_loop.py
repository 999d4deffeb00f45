"""The retrain loop as a user meets it: new, nothing new, compared with the champion.

The first tests go on with one model, in the order they stand in.
"""

import io
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.support.laptop import TINY, Laptop, rows
from tests.support.releasing import Releases


@dataclass(frozen=True)
class First:
    """The first run of a model, and the commit of the project that it was started in."""

    run: dict[str, Any]
    commit: str


@pytest.fixture(scope="module")
def laptop(shared: Laptop) -> Laptop:
    return shared


@pytest.fixture(scope="module")
def first(laptop: Laptop) -> First:
    laptop.add_model("rings")
    laptop.put("rings", rows())
    commit = committed(laptop)
    return First(laptop.must("run", "rings"), commit)


def test_a_first_run_registers_a_candidate_with_a_verdict_and_a_page(
    laptop: Laptop, first: First
) -> None:
    run = first.run
    assert run["verdict"]["verdict"] == "promote"
    assert "no champion yet" in run["summary"]
    (package,) = laptop.packages("rings")
    assert package["ModelPackageArn"] == run["package_arn"]
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    page = laptop.must("report", "rings")
    assert "rings" in open(page["path"], encoding="utf-8").read()  # noqa: PTH123, SIM115
    assert "holder" not in laptop.retrain_lock("rings")


def test_the_same_again_trains_nothing_and_says_what_it_equals(
    laptop: Laptop, first: First
) -> None:
    committed(laptop)
    again = laptop.must("run", "rings")
    same_bytes_new_version(laptop, "rings")
    after_upload = laptop.must("run", "rings")

    assert again["equals"] == after_upload["equals"] == first.run["run"]
    (package,) = laptop.packages("rings")
    registered = laptop.client("sagemaker").describe_model_package(
        ModelPackageName=package["ModelPackageArn"]
    )
    # The project's files are in no commit.
    assert registered["CustomerMetadataProperties"]["commit"] == f"{first.commit}-dirty"


def committed(laptop: Laptop) -> str:
    """Make a commit in the project; its name."""
    git = ["git", "-C", str(laptop.root), "-c", "user.name=x", "-c", "user.email=x@example.com"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    message = ["--message", "Another", "--allow-empty", "--no-gpg-sign", "--quiet"]
    subprocess.run([*git, "commit", *message], check=True)
    found = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return found.stdout.strip()


def same_bytes_new_version(laptop: Laptop, model: str) -> None:
    laptop.client("s3").put_object(
        Bucket=laptop.outputs["DataBucketName"],
        Key=f"datasets/{model}/data.csv",
        Body=rows().encode(),
    )


def test_force_trains_again_and_gives_the_same_bytes(laptop: Laptop, first: First) -> None:
    again = laptop.must("run", "rings", "--force")

    assert len(laptop.packages("rings")) == 2
    assert model_sha256(laptop, first.run["run"]) == model_sha256(laptop, again["run"])


def model_sha256(laptop: Laptop, run: str) -> str:
    model = run.rsplit("-", 2)[0]
    body = laptop.client("s3").get_object(
        Bucket=laptop.outputs["DataBucketName"], Key=f"runs/{model}/{run}/train/training.json"
    )["Body"]
    return str(json.loads(body.read())["model_sha256"])


def test_a_changed_parameter_is_compared_with_the_release_in_service(
    laptop: Laptop, first: First
) -> None:
    champion = first.run
    Releases(laptop, "rings").promote(champion["release"])

    worse = laptop.kanmon("run", "rings", "--set", "rounds=1", "--json")

    assert worse.code == 4  # the run worked, the gate rejected its candidate
    assert worse.document["verdict"]["verdict"] == "reject"
    evaluation = read(laptop, worse.document["run"], "evaluate/evaluation.json")
    assert evaluation["champion"]["run"] == champion["run"]
    assert evaluation["difference"]["rmse"]["low"] > 0
    rejected = laptop.packages("rings")[0]
    assert rejected["ModelApprovalStatus"] == "Rejected"
    assert "RMSE" in rejected["ModelPackageDescription"]


def test_two_runs_differ_on_the_same_rows_by_what_the_gate_found(
    laptop: Laptop, first: First
) -> None:
    # The run of the test before, which was rejected beside the release in service.
    worse = laptop.kanmon("run", "rings", "--set", "rounds=1", "--json").document
    evaluation = read(laptop, worse["equals"] or worse["run"], "evaluate/evaluation.json")

    compared = laptop.must("compare", first.run["run"], worse["run"])

    assert compared["not_paired"] == []
    [pair] = compared["paired"]
    assert pair["base"] == first.run["run"]
    assert pair["rows"] == evaluation["rows"]["test"]
    found = {name: each["difference"] for name, each in pair["metrics"].items()}
    assert found == evaluation["difference"]
    changed = compared["facts"]["parameters"]["trainer.rounds"]
    assert changed[pair["run"]] == "1"


def test_a_run_that_failed_is_compared_by_what_is_known_of_it(laptop: Laptop, first: First) -> None:
    failed = laptop.kanmon("run", "rings", "--set", "learning_rate=-1", "--json")
    assert failed.code == 1

    compared = laptop.must("compare", first.run["run"], failed.document["run"])

    assert compared["paired"] == []
    assert compared["not_paired"] == [
        {
            "run": failed.document["run"],
            "why": f"{failed.document['run']} has no metrics: failed",
        }
    ]
    assert "trainer.parameters.learning_rate" in compared["facts"]["parameters"]


def test_the_trend_has_every_judged_run_with_what_became_of_it(
    laptop: Laptop, first: First, tmp_path: Path
) -> None:
    trend = laptop.must("trend", "rings", "--svg", str(tmp_path / "rings.svg"))

    became = {one["run"]: one["became"] for one in trend["runs"]}
    assert became[first.run["run"]] == "in service"
    assert "rejected" in became.values()
    assert trend["unjudged"] > 0
    assert "RMSE of rings" in (tmp_path / "rings.svg").read_text()


def read(laptop: Laptop, run: str, name: str) -> Any:
    model = run.rsplit("-", 2)[0]
    body = laptop.client("s3").get_object(
        Bucket=laptop.outputs["DataBucketName"], Key=f"runs/{model}/{run}/{name}"
    )["Body"]
    return json.loads(body.read())


def test_new_data_is_a_new_run_and_old_test_rows_stay_test_rows(
    laptop: Laptop, first: First
) -> None:
    laptop.put_object("rings", rows(500))  # the same 400 rows and 100 more
    second = laptop.must("run", "rings")

    assert first.run["run"] != second["run"]
    for split in ("train", "validation", "test"):
        old, new = (rows_in(laptop, run["run"], split) for run in (first.run, second))
        assert old and old < new, split


def rows_in(laptop: Laptop, run: str, split: str) -> set[int]:
    """The rows of a part, by the hash that names them."""
    model = run.rsplit("-", 2)[0]
    s3, bucket = laptop.client("s3"), laptop.outputs["DataBucketName"]
    files = s3.list_objects_v2(Bucket=bucket, Prefix=f"runs/{model}/{run}/preprocess/{split}/")
    bodies = (s3.get_object(Bucket=bucket, Key=file["Key"])["Body"] for file in files["Contents"])
    return {row for body in bodies for row in pl.read_parquet(io.BytesIO(body.read()))["__row"]}


def test_two_runs_of_one_model_at_once_become_one_after_the_other(laptop: Laptop) -> None:
    laptop.add_model("busy")
    laptop.put_object("busy", rows())
    states, machine = laptop.client("stepfunctions"), laptop.outputs["RetrainStateMachineArn"]
    first = laptop.must("run", "busy", "--no-wait")
    laptop.holds("busy", first["run"])

    queued = [
        states.start_execution(stateMachineArn=machine, name=f"busy-{number}", input=request)
        for number, request in enumerate(
            json.dumps({"model": "busy", "parameters": {"rounds": 20}, "reason": reason})
            for reason in ("me too", "and me")
        )
    ]

    answers = [json.loads(laptop.ended(one["executionArn"])["output"]) for one in queued]
    assert [answer["behind"] for answer in answers] == [first["run"]] * 2
    laptop.settle("busy")
    runs = laptop.must("runs", "busy")
    reasons = [run["reason"] for run in runs if run["status"] == "SUCCEEDED"]
    assert len(laptop.packages("busy")) == 2
    assert any("me too" in reason and "and me" in reason for reason in reasons)


def test_the_same_event_twice_is_one_run(laptop: Laptop) -> None:
    laptop.add_model("twice")
    laptop.put_object("twice", rows())
    machine = laptop.outputs["RetrainStateMachineArn"]
    laptop.must("deploy")  # publishes the definition
    states = laptop.client("stepfunctions")
    event = {"stateMachineArn": machine, "name": "twice-1", "input": '{"model": "twice"}'}

    first = states.start_execution(**event)
    second = states.start_execution(**event)

    assert first["executionArn"] == second["executionArn"]
    laptop.ended(first["executionArn"])
    assert len(laptop.packages("twice")) == 1


def test_two_instances_preprocess_what_one_does(laptop: Laptop) -> None:
    laptop.add_model("halves")
    header, *lines = rows().splitlines()
    files = [laptop.root / "data" / f"half-{number}.csv" for number in (0, 1)]
    files[0].parent.mkdir(exist_ok=True)
    for number, file in enumerate(files):  # cut by the value of a feature
        half = sorted(lines)[200 * number : 200 * (number + 1)]
        file.write_text("\n".join([header, *half]) + "\n")
    laptop.must("put-data", "halves", *map(str, files))
    alone = laptop.must("run", "halves")
    Releases(laptop, "halves").promote(alone["release"])
    two_instances = "compute: {preprocess: {hosts: 2}}\n"
    laptop.add_model("halves", TINY.format(name="halves", floor=5.0) + two_instances)

    shared = laptop.must("run", "halves")

    second = read(laptop, shared["run"], "preprocess/report/preprocess-001.json")
    assert second["rows_read"] == 200
    one, two = (read(laptop, run["run"], "evaluate/evaluation.json") for run in (alone, shared))
    assert two["rows"] == one["rows"]
    assert two["data"]["rows_read"] == 400
    assert max(entry["psi"] for entry in two["data"]["drift"]) < 0.05


SQUARED = """
import polars as pl

def features(frame):
    return frame.select(squared=pl.col("a") ** 2 + {more})
"""
COMPUTED = TINY.replace(
    "features:\n  - {{name: a, kind: numeric}}\n  - {{name: b, kind: categorical}}\n",
    "inputs: [{{name: a, kind: numeric}}, {{name: b, kind: categorical}}]\n"
    "features: [{{name: squared, kind: numeric}}, {{name: b, kind: categorical}}]\n",
)


def test_a_model_with_features_py_is_released_and_refused_online(laptop: Laptop) -> None:
    laptop.add_model("squares", COMPUTED.format(name="squares", floor=50.0))
    code = laptop.root / "models/squares/features.py"
    code.write_text(SQUARED.format(more="1 / 0"))
    laptop.put("squares", rows())
    failed = laptop.kanmon("run", "squares")
    code.write_text(SQUARED.format(more="1"))
    first = laptop.must("run", "squares")

    releases = Releases(laptop, "squares")
    releases.promote(first["release"])

    assert failed.code == 1
    assert "preprocess: features.py line 5: ZeroDivisionError: division by zero" in failed.err
    line = (
        "the model squares computes its features with features.py, which runs only in batch; score "
        "files with `kanmon score-batch squares`"
    )
    file = laptop.root / "data/squares/data.csv"
    refused = laptop.kanmon("score", "squares", str(file))
    assert (refused.code, refused.out) == (2, "")
    assert line in refused.err
    invoked = laptop.client("lambda").invoke(
        FunctionName=releases.item("champion")["alias_arn"],
        Payload=json.dumps({"row": {"squared": 1.0, "b": "u"}}).encode(),
    )
    answer = json.loads(invoked["Payload"].read())
    assert (answer["status"], answer["errors"][0]["message"]) == (400, line)

    code.write_text(SQUARED.format(more="2"))
    second = laptop.must("run", "squares")

    evaluation = read(laptop, second["run"], "evaluate/evaluation.json")
    digests = [evaluation[who]["features_py"] for who in ("candidate", "champion")]
    assert len(set(digests)) == 2
    assert "obstacle" not in evaluation["champion"]
    page = Path(laptop.must("report", "squares")["path"]).read_text(encoding="utf-8")
    assert all(digest[:12] in page for digest in digests)
