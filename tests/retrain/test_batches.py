"""Batches on a stage: scored, resumed, proven, whatever happens to them on the way."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.support.acting import denied
from tests.support.laptop import TINY, Laptop, rows
from tests.support.releasing import SLOW, Releases, in_service
from tests.support.waiting import eventually

MODEL = "rings"
HEADER = "a,b\n"
# A file of its own shard: larger than half of the smallest one.
LARGE_ROWS = 1_000_000
LARGE = HEADER + "1.2345,u\n" * LARGE_ROWS


@pytest.fixture(scope="module")
def rings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Releases]:
    """A model whose first release is in service."""
    with in_service(tmp_path_factory.mktemp("laptop"), MODEL, pace=60) as releases:
        yield releases


@pytest.fixture
def laptop(rings: Releases) -> Laptop:
    return rings.laptop


@pytest.fixture
def on_jobs(laptop: Laptop) -> Iterator[None]:
    """Batches are jobs, which take long enough to do something meanwhile, and which stop."""
    plain = TINY.format(name=MODEL, floor=5.0)
    laptop.add_model(MODEL, plain + "compute: {score: processing}\n")
    laptop.must("publish")
    yield
    laptop.add_model(MODEL, plain)
    laptop.must("publish")


def put(laptop: Laptop, key: str, content: str) -> None:
    bucket = laptop.outputs["DataBucketName"]
    laptop.client("s3").put_object(Bucket=bucket, Key=key, Body=content.encode())


def begin(laptop: Laptop, *words: str) -> dict[str, Any]:
    started: dict[str, Any] = laptop.must("score-batch", MODEL, *words, "--no-wait")
    return started


def resume(laptop: Laptop, batch: str) -> dict[str, Any]:
    resumed: dict[str, Any] = laptop.must("score-batch", MODEL, "--resume", batch)
    return resumed


def ended(laptop: Laptop, started: dict[str, Any]) -> str:
    return str(laptop.ended(started["execution_arn"])["status"])


def record(laptop: Laptop, batch: str) -> dict[str, Any]:
    [found] = [one for one in laptop.must("batches", MODEL) if one["batch"] == batch]
    return dict(found)


def listed(laptop: Laptop, batch: str, folder: str) -> list[dict[str, Any]]:
    """Every version of every object in a folder of the batch."""
    found = laptop.client("s3").list_object_versions(
        Bucket=laptop.outputs["DataBucketName"], Prefix=f"batches/{MODEL}/{batch}/{folder}"
    )
    return list(found.get("Versions", []))


def scores(laptop: Laptop, batch: str) -> pl.DataFrame:
    bucket = laptop.outputs["DataBucketName"]
    keys = sorted({one["Key"] for one in listed(laptop, batch, "scores/")})
    objects = [laptop.client("s3").get_object(Bucket=bucket, Key=key) for key in keys]
    return pl.concat([pl.read_parquet(io.BytesIO(one["Body"].read())) for one in objects])


def each_row_once(found: pl.DataFrame) -> bool:
    return found.height == found.select("file", "row").unique().height


def test_files_of_every_kind_are_scored_and_fetched(laptop: Laptop, tmp_path: Path) -> None:
    small = tmp_path / "small.csv"
    small.write_text("a,b\n2.5,u\n,w\nx,u\n")
    parquet = tmp_path / "more.parquet"
    pl.DataFrame({"a": [1.0, 2.5], "b": ["v", "u"]}).write_parquet(parquet)

    scored = laptop.must("score-batch", MODEL, str(small), str(parquet))

    assert scored["rows"] == {"rows_in": 5, "scored": 4, "rejected": 1}
    assert (scored["release"]["number"], scored["missing"]) == (1, {"a": 1})
    fetched = laptop.must(
        "fetch", scored["batch"], "--to", str(tmp_path / "out"), "--csv", "--rejects"
    )
    assert [one["rows"] for one in fetched["csv"]] == [4, 1]
    found = pl.concat(map(pl.read_parquet, sorted((tmp_path / "out/scores").iterdir())))
    same = {("small.csv", 1), ("more.parquet", 2)}
    alike = [one for one in found.iter_rows(named=True) if (one["file"], one["row"]) in same]
    assert len({one["prediction"] for one in alike}) == 1
    assert record(laptop, scored["batch"])["status"] == "SUCCEEDED"


def test_a_file_without_rows_is_no_failure(laptop: Laptop, tmp_path: Path) -> None:
    (tmp_path / "nothing.csv").write_text(HEADER)

    scored = laptop.must("score-batch", MODEL, str(tmp_path / "nothing.csv"))

    assert scored["rows"] == {"rows_in": 0, "scored": 0, "rejected": 0}


def test_a_file_that_lacks_a_column_is_refused_by_name_unless_that_is_allowed(
    laptop: Laptop, tmp_path: Path
) -> None:
    (tmp_path / "lacking.csv").write_text("a\n1\n")
    file = str(tmp_path / "lacking.csv")

    refused = laptop.kanmon("score-batch", MODEL, file)

    assert refused.code == 1
    assert "lacking.csv" in refused.err
    assert "b" in refused.err
    allowed = laptop.must("score-batch", MODEL, file, "--allow-missing", "b")
    assert allowed["missing"] == {"b": 1}


def test_two_batches_of_a_model_run_at_once(laptop: Laptop) -> None:
    put(laptop, "ours/one/a.csv", HEADER + "1,u\n" * 50)
    put(laptop, "ours/two/a.csv", HEADER + "2,v\n" * 60)

    started = [begin(laptop, f"ours/{name}/") for name in ("one", "two")]

    assert [ended(laptop, one) for one in started] == ["SUCCEEDED", "SUCCEEDED"]
    found = [record(laptop, one["batch"])["rows"] for one in started]
    assert found == [50, 60]


@pytest.mark.faults
@pytest.mark.usefixtures("on_jobs")
def test_files_that_are_replaced_or_deleted_meanwhile_are_scored_as_they_were(
    laptop: Laptop,
) -> None:
    put(laptop, "ours/moving/replaced.csv", HEADER + "1,u\n" * 70)
    put(laptop, "ours/moving/deleted.csv", HEADER + "1,u\n" * 30)
    started = begin(laptop, "ours/moving/")
    laptop.entered(started["execution_arn"], "Score Rows")

    put(laptop, "ours/moving/replaced.csv", "other\n1\n")
    bucket = laptop.outputs["DataBucketName"]
    laptop.client("s3").delete_object(Bucket=bucket, Key="ours/moving/deleted.csv")

    assert ended(laptop, started) == "SUCCEEDED"
    assert record(laptop, started["batch"])["scored"] == 100


@pytest.mark.faults
@pytest.mark.usefixtures("on_jobs")
def test_a_batch_that_is_stopped_is_resumed_and_one_that_runs_or_is_done_is_not(
    laptop: Laptop,
) -> None:
    put(laptop, "ours/stopped/a.csv", HEADER + "1,u\n" * 40)
    started = begin(laptop, "ours/stopped/")
    laptop.entered(started["execution_arn"], "Score Rows")
    running = laptop.kanmon("score-batch", MODEL, "--resume", started["batch"])
    laptop.must("stop", started["batch"], "--reason", "wrong day")
    assert ended(laptop, started) == "ABORTED"
    eventually(lambda: record(laptop, started["batch"])["status"] == "FAILED")
    stopped = record(laptop, started["batch"])["summary"]

    resumed = resume(laptop, started["batch"])
    again = resume(laptop, started["batch"])

    assert (running.code, "is still running" in running.err) == (2, True)
    assert stopped.startswith("the batch was stopped")
    assert resumed["rows"]["scored"] == 40
    assert again["status"] == "SUCCEEDED"
    assert each_row_once(scores(laptop, started["batch"]))


@pytest.mark.faults
def test_a_job_killed_in_the_middle_of_its_shards_goes_on_with_those_that_are_missing(
    rings: Releases, laptop: Laptop
) -> None:
    for name in ("a", "b", "c"):
        put(laptop, f"ours/large/{name}.csv", LARGE)
    started = begin(laptop, "ours/large/")
    batch = started["batch"]
    eventually(lambda: listed(laptop, batch, "done/"), pause_seconds=0.05)

    laptop.kill()

    finished = {one["Key"]: one["VersionId"] for one in listed(laptop, batch, "done/")}
    assert len(finished) < 3
    newer = rings.open()
    rings.promote(newer)
    resumed = resume(laptop, batch)

    assert resumed["rows"] == {"rows_in": 3 * LARGE_ROWS, "scored": 3 * LARGE_ROWS, "rejected": 0}
    assert resumed["release"]["number"] == 1  # as it was planned, although another is in service
    after = listed(laptop, batch, "done/")
    assert len(after) == 3  # one version of each: what was done was not done again
    assert finished.items() <= {one["Key"]: one["VersionId"] for one in after}.items()
    found = scores(laptop, batch)
    assert each_row_once(found)
    assert found["release"].unique().to_list() == [1]


@pytest.mark.faults
def test_a_batch_that_cannot_be_proven_does_not_count_as_done(laptop: Laptop) -> None:
    put(laptop, "ours/proof/a.csv", HEADER + "1,u\n" * 20)
    bucket = laptop.outputs["DataBucketName"]
    manifests = f"arn:aws:s3:::{bucket}/batches/*"
    with denied(laptop, "CloseBatchRole", "s3:PutObject", manifests):
        started = begin(laptop, "ours/proof/")
        assert ended(laptop, started) == "FAILED"
    batch = started["batch"]
    eventually(lambda: record(laptop, batch)["status"] == "FAILED")
    [scored] = listed(laptop, batch, "scores/")
    gone = laptop.client("s3").delete_object(Bucket=bucket, Key=scored["Key"])

    unproven = laptop.kanmon("score-batch", MODEL, "--resume", batch)

    assert unproven.code == 1
    assert "is not there as it was written" in unproven.err
    assert "is not whole" in laptop.kanmon("fetch", batch).err
    marker = {"Key": scored["Key"], "VersionId": gone["VersionId"]}
    laptop.client("s3").delete_object(Bucket=bucket, **marker)
    assert resume(laptop, batch)["rows"]["scored"] == 20
    states = laptop.states_of(started["execution_arn"].replace(batch, f"{batch}-r3"))
    assert states == ["Open Batch", "Anything To Score?", "Close Batch"]  # without another job


@pytest.mark.faults
def test_while_a_canary_shifts_the_release_that_has_most_of_the_traffic_is_kept(
    rings: Releases, laptop: Laptop
) -> None:
    before = int(rings.item("champion")["release"])
    canary = rings.open(canary=SLOW)
    rings.decide(canary)
    eventually(lambda: canary in rings.traffic())

    scored = laptop.must("score-batch", MODEL)

    assert canary in rings.traffic()
    assert scored["release"]["number"] == before
    assert scored["rows"]["scored"] == len(rows(300).splitlines()) - 1
    laptop.must("stop", f"{MODEL}/{canary}", "--reason", "enough")


ROLES = ("OpenBatchRole", "CloseBatchRole", "OpenMonitoringRole", "CloseMonitoringRole")
WRITING = """
import boto3
def handler(event, context):
    boto3.client("dynamodb").update_item(
        TableName=event["table"], Key=event["key"], UpdateExpression="SET #s = :s",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":s": {"S": "PROMOTED"}},
    )
"""


@pytest.mark.parametrize("role", ROLES)
def test_what_runs_as_a_function_of_batches_or_monitorings_cannot_promote_a_release(
    rings: Releases, role: str
) -> None:
    named = rings.client("cloudformation").describe_stack_resource(
        StackName="kanmon-local", LogicalResourceId=role
    )["StackResourceDetail"]["PhysicalResourceId"]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", WRITING)
    functions, table = rings.client("lambda"), rings.outputs["ModelTableName"]
    functions.create_function(
        FunctionName=role,
        Runtime="python3.13",
        Role=f"arn:aws:iam::123456789012:role/{named}",
        Handler="app.handler",
        Code={"ZipFile": packed.getvalue()},
        Timeout=30,
    )

    def written(partition: str, item: str) -> str:
        key = {"model": {"S": partition}, "item": {"S": item}}
        event = json.dumps({"table": table, "key": key})
        answer = functions.invoke(FunctionName=role, Payload=event.encode())
        return str(json.loads(answer["Payload"].read() or b"null"))

    for partition, item in ((MODEL, "release#000009"), (MODEL, "champion"), ("#plan", MODEL)):
        assert "AccessDenied" in written(partition, item)
    assert written("#service/another", "batch#another-1") == "None"
    assert "status" not in rings.item("champion") and not rings.item("release#000009")
    functions.delete_function(FunctionName=role)


@pytest.mark.faults
def test_nothing_was_refused_to_a_role_on_the_way_but_what_a_test_took(laptop: Laptop) -> None:
    written, _, _ = (laptop.home / "state/authorizations.jsonl").read_text().rpartition("\n")
    # The functions that the test before made, under these roles, have no log.
    own = [f"log-group:/aws/lambda/{role}:" for role in ROLES]
    refused = {
        (one["role"].split("-")[2], one["action"])
        for one in map(json.loads, written.splitlines())
        if not one["allowed"] and not any(group in one["resource"] for group in own)
    }

    # The manifest of a batch that was not to be written, and the releases of the test before.
    tried = {(role, "dynamodb:UpdateItem") for role in ROLES}
    assert refused <= {("CloseBatchRole", "s3:PutObject"), *tried}
