"""Label files on a stage, and new data of what a model answered there and their labels."""

import io
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import polars as pl
import pytest
import requests
from botocore.exceptions import ClientError
from moto import mock_aws

from core.definition.parse import parse_definition
from kanmon.errors import BadInputError
from kanmon.labels import dataset, files
from kanmon.labels.model_plan import plan_of
from kanmon.labels.new_data import write

BUCKET, TABLE = "kanmon-test-data", "kanmon-test-models"
MODEL = """
name: churn
task: binary
target: left
positive: "yes"
data: {key: [id]}
features:
  - {name: age, kind: numeric}
  - {name: plan, kind: categorical}
metrics: {primary: auc}
"""
PRIVATE = MODEL.replace("kind: categorical}", "kind: categorical, private: true}")


@pytest.fixture(scope="module")
def clients(no_account: None) -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("s3"), boto3.client("dynamodb")


@pytest.fixture
def connection(clients: Any) -> Any:
    """A stage with an empty bucket, and a model that has no release in service."""
    requests.post("http://motoapi.amazonaws.com/moto-api/reset", timeout=5)
    s3, dynamodb = clients
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    dynamodb.create_table(
        TableName=TABLE,
        KeySchema=[
            {"AttributeName": "model", "KeyType": "HASH"},
            {"AttributeName": "item", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "model", "AttributeType": "S"},
            {"AttributeName": "item", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return SimpleNamespace(
        s3=s3, dynamodb=dynamodb, bucket=BUCKET, table=TABLE, name="local", prepare=lambda _: None
    )


def put(connection: Any, key: str, content: str | bytes) -> str:
    answer = connection.s3.put_object(Bucket=BUCKET, Key=key, Body=content)
    return str(answer["VersionId"])


def put_labels(connection: Any, path: Path, *, correction: bool = False) -> list[files.Put]:
    plan = plan_of(parse_definition(MODEL, "model.yaml"))
    checked, _ = files.checked([path], plan, ("no", "yes"))
    return files.put(connection, "churn", checked, correction=correction)


def captured(connection: Any, key: str, at: str = "2026-11-21T10:15:00Z", **features: Any) -> None:
    """A captured request about a key, of its own."""
    name = f"{at[11:19].replace(':', '')}-{key}"
    document = {
        "at": at,
        "request_id": f"{at}-{key}",
        "release": 7,
        "row": 0,
        "prediction": "yes",
        "probability": 0.7,
        "key": {"id": key},
        "features": features,
    }
    put(connection, f"capture/churn/7/dt={at[:10]}/{name}.jsonl", json.dumps(document) + "\n")


def batch(
    connection: Any,
    text: str,
    rows: dict[str, int],
    closed: bool = True,
    key: Sequence[str] = ("id",),
) -> None:
    """A finished batch over one file: the keys that were scored, and their rows."""
    version = put(connection, "inputs/churn/b1/people.csv", text)
    objects = [{"key": "inputs/churn/b1/people.csv", "version_id": version, "size": len(text)}]
    plan: dict[str, Any] = {"batch": "b1", "asked_at": "2026-11-22T06:00:00Z", "objects": objects}
    plan["definition"] = {"content": {"data": {"key": list(key)}}}
    put(connection, "batches/churn/b1/plan.json", json.dumps(plan))
    scores = io.BytesIO()
    columns = {"id": list(rows), "file": ["people.csv"] * len(rows), "row": list(rows.values())}
    pl.DataFrame(columns).write_parquet(scores)
    put(connection, "batches/churn/b1/scores/00000-0000.parquet", scores.getvalue())
    if closed:
        put(connection, "batches/churn/b1/manifest.json", "{}")


def gathered(connection: Any, model: str = MODEL, since: str = "") -> dataset.Gathered:
    return dataset.gathered(connection, parse_definition(model, "model.yaml"), since)


# ---- Label files


def test_a_file_is_kept_under_a_name_with_its_time_and_digest(connection: Any, tmp_path: Path):
    path = tmp_path / "may.csv"
    path.write_text("id,left\n1,yes\n")

    (done,) = put_labels(connection, path)

    (stored,) = files.stored_labels(connection, "churn")
    assert (done.what, done.stored_as) == ("uploaded", stored.name)
    assert stored.name.endswith("-may.csv")
    assert abs((stored.received - datetime.now(UTC)).total_seconds()) < 60


def test_the_same_content_is_uploaded_once_whatever_its_name(connection: Any, tmp_path: Path):
    for name in ("may.csv", "again.csv"):
        (tmp_path / name).write_text("id,left\n1,yes\n")
        done = put_labels(connection, tmp_path / name)

    assert done[0].what == "unchanged"
    assert len(files.stored_labels(connection, "churn")) == 1


def test_the_same_content_may_come_again_as_a_correction(connection: Any, tmp_path: Path):
    path = tmp_path / "may.csv"
    path.write_text("id,left\n1,yes\n")
    put_labels(connection, path)

    (done,) = put_labels(connection, path, correction=True)

    assert done.what == "uploaded"
    assert [one.correction for one in files.stored_labels(connection, "churn")] == [False, True]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("id,left\n1,yes\n2,maybe\n,no\n", "2 rows cannot be used; nothing was uploaded: "),
        ("id,gone\n1,yes\n", "column left: is missing"),
        ("id,left\n", "there are no rows in "),
    ],
)
def test_where_a_row_is_bad_nothing_is_uploaded(
    connection: Any, tmp_path: Path, text: str, problem: str
):
    path = tmp_path / "may.csv"
    path.write_text(text)

    with pytest.raises(BadInputError) as refused:
        put_labels(connection, path)

    assert problem in refused.value.line()
    assert files.stored_labels(connection, "churn") == []


def test_every_problem_is_named_with_its_row(connection: Any, tmp_path: Path):
    path = tmp_path / "may.csv"
    path.write_text("id,left\n1,maybe\n,no\n" + "x,never\n" * 50)

    with pytest.raises(BadInputError) as refused:
        put_labels(connection, path)

    words = refused.value.line()
    assert "row 1 (line 2), column left: 'maybe'" in words
    assert "row 2 (line 3), column id: is missing" in words
    assert "and 32 more like these" in words


# ---- New data


def test_new_data_has_what_was_captured_and_scored_with_its_label(connection: Any):
    captured(connection, "1", age=30, plan="basic")
    captured(connection, "2", age=None, plan="plus")
    batch(connection, "id,age,plan\n3,33,pro\n4,44,pro\n5,x,pro\n", {"3": 1, "4": 2})
    put(connection, "labels/churn/a.csv", "id,left\n1,yes\n2,no\n3,no\n5,yes\n")

    found = gathered(connection)

    assert found.data.rows.sort("id").rows(named=True) == [
        {"id": "1", "age": 30.0, "plan": "basic", "left": "yes"},
        {"id": "2", "age": None, "plan": "plus", "left": "no"},
        {"id": "3", "age": 33.0, "plan": "pro", "left": "no"},
    ]
    assert (found.labels["given"], found.labels["unknown"]) == (4, 1)


def test_a_key_is_there_once_with_its_latest_answer(connection: Any):
    captured(connection, "1", age=30, plan="basic")
    captured(connection, "1", "2026-11-23T09:00:00Z", age=31, plan="plus")
    put(connection, "labels/churn/a.csv", "id,left\n1,yes\n")

    found = gathered(connection)

    assert found.data.rows.rows() == [("1", 31.0, "plus", "yes")]
    assert found.data.left_out["earlier answers of a key"] == 1


def test_contradicting_labels_are_left_out_and_counted(connection: Any):
    for key in ("1", "2"):
        captured(connection, key, age=30, plan="basic")
    put(connection, "labels/churn/a.csv", "id,left\n1,yes\n1,no\n2,no\n")

    found = gathered(connection)

    assert found.data.rows["id"].to_list() == ["2"]
    assert found.labels["contradicting"] == 2


def test_only_answers_since_a_day_are_used(connection: Any):
    captured(connection, "1", age=30, plan="basic")
    captured(connection, "2", "2026-11-23T09:00:00Z", age=31, plan="plus")
    put(connection, "labels/churn/a.csv", "id,left\n1,yes\n2,no\n")

    assert gathered(connection, since="2026-11-22").data.rows["id"].to_list() == ["2"]


def test_a_batch_that_is_not_done_is_not_used(connection: Any):
    batch(connection, "id,age,plan\n3,33,pro\n", {"3": 1}, closed=False)
    put(connection, "labels/churn/a.csv", "id,left\n3,yes\n")

    with pytest.raises(BadInputError, match="no answer of churn has a label"):
        gathered(connection)


def test_a_batch_that_was_scored_with_another_key_is_named_and_not_used(connection: Any):
    captured(connection, "1", age=30, plan="basic")
    batch(connection, "id,age,plan\n3,33,pro\n", {"3": 1}, key=["shop", "account"])
    put(connection, "labels/churn/a.csv", "id,left\n1,yes\n3,no\n")

    found = gathered(connection)

    assert found.data.rows["id"].to_list() == ["1"]
    [note] = found.notes
    assert note == (
        "batches/churn/b1 is not used: its scores have the key shop, account, "
        "without id of data.key in model.yaml"
    )
    put(connection, "labels/churn/a.csv", "id,left\n3,no\n")  # of nothing else
    with pytest.raises(BadInputError) as raised:
        gathered(connection)
    assert raised.value.what == f"no answer of churn has a label; {note}"


def test_inputs_that_a_person_may_not_read_are_left_out_with_a_note(
    connection: Any, monkeypatch: pytest.MonkeyPatch
):
    captured(connection, "1", age=30, plan="basic")
    batch(connection, "id,age,plan\n3,33,pro\n", {"3": 1})
    put(connection, "labels/churn/a.csv", "id,left\n1,yes\n3,no\n")
    get_object = connection.s3.get_object

    def refusing(**request: Any) -> Any:
        if "VersionId" in request:
            error = {"Code": "AccessDenied", "Message": "not yours"}
            raise ClientError({"Error": error}, "GetObject")
        return get_object(**request)

    monkeypatch.setattr(connection.s3, "get_object", refusing)
    found = gathered(connection)

    assert found.data.rows["id"].to_list() == ["1"]
    assert found.notes == [
        "batches/churn/b1: inputs are gone or not yours to read: inputs/churn/b1/people.csv"
    ]


def test_private_features_come_from_batches_alone(connection: Any):
    captured(connection, "1", age=30)
    put(connection, "labels/churn/a.csv", "id,left\n1,yes\n3,no\n")

    with pytest.raises(BadInputError, match="captured requests of churn lack plan, and no"):
        gathered(connection, PRIVATE)

    batch(connection, "id,age,plan\n3,33,pro\n", {"3": 1})
    found = gathered(connection, PRIVATE)
    assert found.data.rows.rows() == [("3", 33.0, "pro", "no")]
    assert found.data.left_out["without private columns"] == 1


def test_without_labels_there_is_no_data(connection: Any):
    with pytest.raises(BadInputError, match="churn has no labels on stage local"):
        gathered(connection)


@pytest.mark.parametrize("name", ["new.csv", "new.parquet"])
def test_the_file_is_one_that_a_run_reads(connection: Any, tmp_path: Path, name: str):
    captured(connection, "1", age=None, plan="basic")
    put(connection, "labels/churn/a.csv", "id,left\n1,yes\n")
    found = gathered(connection)

    write(found.data.rows, tmp_path / name, found.plan)

    read = pl.read_csv if name.endswith("csv") else pl.read_parquet
    assert read(tmp_path / name).columns == ["id", "age", "plan", "left"]
    with pytest.raises(BadInputError, match="is there already"):
        write(found.data.rows, tmp_path / name, found.plan)
