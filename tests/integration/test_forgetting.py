"""Forgetting on a bucket with versions: nothing of a key is left, and the rest still agrees."""

import hashlib
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import polars as pl
import pytest
from moto import mock_aws

from kanmon.labels import versions
from kanmon.labels.remains import remaining
from kanmon.labels.whose import Whose
from tests.support.forgettable import (
    BATCH,
    BUCKET,
    BY_REQUEST,
    DAY,
    INPUT,
    NAMED,
    Bucket,
    filled,
    forget,
    forgetting,
    line,
    parquet,
    search,
)


@pytest.fixture(scope="module")
def client(no_account: None) -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("s3")


@pytest.fixture
def bucket(client: Any) -> Bucket:
    return filled(client)


def persons(content: bytes) -> set[str]:
    """What of the person 7 is in a file."""
    if content.startswith(b"PAR1"):
        content = pl.read_parquet(io.BytesIO(content)).write_csv().encode()
    return {
        word
        for word in ("7,77", "7,yes", "seven", '"id": 7', "\n7,", "\na,0,yes", "people.csv,2,yes")
        if word in content.decode()
    }


def test_a_search_counts_rows_files_and_versions_and_changes_nothing(bucket: Bucket):
    before = bucket.every_content()

    found = search(bucket)

    assert {kind: tuple(each.values()) for kind, each in found.counts.items()} == {
        "labels": (4, 3, 3),
        "rejects": (1, 1, 1),
        "scores": (1, 1, 1),
        "inputs": (1, 1, 1),
        "captured": (2, 2, 2),
    }
    assert bucket.every_content() == before


def test_keys_and_requests_that_no_file_has_are_known(bucket: Bucket):
    one = forgetting(bucket, "7", "8", "70", "71")
    one.whose = Whose(one.whose.columns, one.whose.keys, frozenset({"b1/people.csv", "b", "x"}))

    one.search(lambda key: None)

    assert one.whose.not_found() == ["70", "71", "x"]


def test_reports_of_monitorings_are_named_as_what_stays(bucket: Bucket):
    bucket.put("monitoring/churn/churn-1/report.json", "{}")
    one = forgetting(bucket)

    stays = remaining(one.connection, "churn", "data/", one.search(lambda key: None))

    assert [(each.what, each.count) for each in stays if "monitorings" in each.what] == [
        ("reports and pages of monitorings", 1)
    ]


def test_nothing_of_the_key_is_left_in_any_version(bucket: Bucket):
    assert any(persons(content) for content in bucket.every_content().values())

    forget(bucket)

    left = {key: found for key, one in bucket.every_content().items() if (found := persons(one))}
    assert left == {}
    assert not search(bucket).found


def test_rejects_of_a_file_named_like_the_end_of_another_stay(bucket: Bucket):
    # Below their common folder they are a.csv and a path that ends like the first one's key.
    folder = "inputs/churn/b1/"
    keys = [f"{folder}a.csv", f"{folder}{folder}a.csv"]
    objects = [
        {"key": key, "version_id": bucket.put(key, text), "size": len(text)}
        for key, text in zip(keys, ("id,age\n7,x\n", "id,age\n8,x\n"), strict=True)
    ]
    bucket.put(f"{BATCH}/plan.json", json.dumps({"objects": objects}))
    rejects = {"file": ["a.csv", f"{folder}a.csv"], "row": [1, 1], "value": ["seven", "eight"]}
    bucket.put(f"{BATCH}/rejects/00000-0000.parquet", parquet(rejects))

    forget(bucket)

    left = pl.read_parquet(io.BytesIO(bucket.current(f"{BATCH}/rejects/00000-0000.parquet")))
    assert left["value"].to_list() == ["eight"]


def test_rejects_of_a_batch_over_another_folder_go_by_their_key(bucket: Bucket):
    key = "batches/churn/b2/rejects/00000-0000.parquet"
    rejects = {
        "id": ["7", "8", None],
        "file": ["a.csv"] * 3,
        "row": [1, 2, 3],
        "value": list("xyz"),
    }
    bucket.put(key, parquet(rejects))
    bucket.put("batches/churn/b2/manifest.json", "{}")

    found = search(bucket)
    forget(bucket)

    assert found.keyless_rejects == 1
    assert pl.read_parquet(io.BytesIO(bucket.current(key)))["id"].to_list() == ["8", None]


def test_the_other_rows_are_as_they_were(bucket: Bucket):
    forget(bucket)

    assert bucket.current(NAMED) == b"id,died\n8,no\n"
    assert bucket.current(BY_REQUEST) == b"request_id,row,died\nb,0,no\n"
    assert bucket.current(f"{DAY}/101500-a.jsonl") == line("b", 8).encode()
    assert bucket.current(INPUT) == b"id,age\n6,61\n\n8,\n"
    assert f"{DAY}/101600-c.jsonl" not in bucket.names()


def test_a_label_file_keeps_the_time_it_came(bucket: Bucket):
    """S3 stores it anew; where no name has the time, a name is given that does."""
    forget(bucket)

    (moved,) = [key for key in bucket.names() if key.endswith("-mine.csv")]
    assert bucket.current(moved) == b"id,died\n9,no\n"
    assert "labels/churn/mine.csv" not in bucket.names()


def test_what_a_batch_says_of_its_machines_is_not_opened(bucket: Bucket):
    """A steward may not: it names no file, and no person."""
    bucket.put(f"{BATCH}/usage.json", b"no JSON")

    forget(bucket)

    assert bucket.current(f"{BATCH}/usage.json") == b"no JSON"


def test_a_batchs_documents_agree_with_its_files_and_name_no_key(bucket: Bucket):
    forget(bucket)

    manifest, done, plan = map(bucket.document, ("manifest.json", "done/00000.json", "plan.json"))
    for document in (manifest, done):
        for entry in (*document["scores"], *document["rejects"]):
            content = bucket.current(entry["key"])
            assert entry["sha256"] == hashlib.sha256(content).hexdigest()
            assert entry["bytes"] == len(content)
            assert (entry["rows"], entry["forgotten"]) == (1, 1)
    assert manifest["forgotten"] == 1
    assert manifest["rows"] == {"rows_in": 3, "scored": 2, "rejected": 1}
    (planned,) = plan["objects"]
    assert (INPUT, planned["version_id"]) in bucket.every_content()
    assert planned["size"] == len(bucket.current(INPUT))
    assert manifest["files"][0]["version_id"] == planned["version_id"]


def test_a_file_that_is_too_large_for_one_request_goes_in_parts(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
):
    others = "".join(f"{number},{number}\n" for number in range(100_000, 600_000))
    bucket.put(INPUT, f"id,age\n7,77\n{others}")
    monkeypatch.setattr(versions, "MOST_AT_ONCE", 1 << 20)
    monkeypatch.setattr(versions, "PART", 5 << 20)

    forget(bucket)

    assert bucket.current(INPUT) == f"id,age\n\n{others}".encode()
    [planned] = bucket.document("plan.json")["objects"]
    assert (INPUT, planned["version_id"]) in bucket.every_content()
    assert not any(persons(one) for one in bucket.every_content().values())


def test_older_versions_that_hold_the_key_go_and_others_stay(bucket: Bucket):
    bucket.put(NAMED, "id,died\n8,no\n")

    forget(bucket)

    versions = [one for (key, _), one in bucket.every_content().items() if key == NAMED]
    assert versions == [b"id,died\n8,no\n"]


def test_a_deleted_file_is_searched_too(bucket: Bucket):
    bucket.s3.delete_object(Bucket=BUCKET, Key=f"{DAY}/101600-c.jsonl")

    forget(bucket)

    assert not any(persons(one) for one in bucket.every_content().values())


@pytest.mark.faults
def test_wherever_it_is_interrupted_a_second_call_finishes(client: Any):
    whole = filled(client)
    forget(whole)
    wanted = {key: whole.current(key) for key in whole.names() if not key.endswith("mine.csv")}
    for fails_at in range(1, whole.changes + 1):
        bucket = filled(client)
        bucket.fails_at = fails_at
        with pytest.raises(ConnectionError):
            forget(bucket)

        forget(bucket)

        left = {key: persons(one) for key, one in bucket.every_content().items() if persons(one)}
        assert left == {}, fails_at
        found = {key: bucket.current(key) for key in wanted}
        assert without_versions(found) == without_versions(wanted), fails_at


def without_versions(contents: dict[str, bytes]) -> dict[str, Any]:
    """The contents; documents without ids of versions, which no two buckets share."""
    return {
        key: json.loads(one, object_hook=lambda each: {**each, "version_id": ""})
        if key.endswith(".json")
        else one
        for key, one in contents.items()
    }


def test_a_second_call_has_nothing_to_do(bucket: Bucket):
    forget(bucket)
    bucket.changes = 0

    forget(bucket)

    assert bucket.changes == 0


def test_a_batch_that_is_not_done_is_left_and_named(bucket: Bucket):
    bucket.s3.delete_object(Bucket=BUCKET, Key=f"{BATCH}/manifest.json")
    version = bucket.s3.list_object_versions(Bucket=BUCKET, Prefix=f"{BATCH}/manifest.json")
    for one in version["Versions"]:
        bucket.s3.delete_object(Bucket=BUCKET, Key=one["Key"], VersionId=one["VersionId"])

    found = search(bucket)

    assert found.open_batches == {"b1": "it has no manifest"}
    assert {one.kind for one in found.found} == {"labels", "captured"}


@pytest.mark.parametrize(("row_groups", "searched"), [(None, True), ([0, 2], False)])
def test_a_batch_that_failed_is_searched_unless_a_resume_needs_all_of_its_rows(
    bucket: Bucket, row_groups: list[int] | None, searched: bool
):
    for one in bucket.s3.list_object_versions(Bucket=BUCKET, Prefix=f"{BATCH}/manifest.json")[
        "Versions"
    ]:
        bucket.s3.delete_object(Bucket=BUCKET, Key=one["Key"], VersionId=one["VersionId"])
    parts = [{"file": 0, "row_groups": row_groups, "first_row": 1, "rows": 3}]
    bucket.put(f"{BATCH}/shards.json", json.dumps({"shards": [{"shard": 0, "parts": parts}]}))
    planned = bucket.document("plan.json")
    one = forgetting(bucket, states={"b1": "FAILED"})

    found = one.search(lambda key: None)
    one.remove(found, lambda key: None)

    assert list(found.open_batches) == ([] if searched else ["b1"])
    # A resume reads the input as it is now.
    assert (bucket.document("plan.json") != planned) is searched


def test_a_monitoring_that_runs_is_named_since_it_may_write_captured_rows_again(bucket: Bucket):
    one = forgetting(bucket)
    one.running = lambda: {"m1"}

    found = one.search(lambda key: None)

    assert found.open_monitorings == {"m1"}
    stays = remaining(one.connection, "churn", "datasets/churn/", found)
    assert [each.why.partition(":")[0] for each in stays if each.what == "monitoring m1"] == [
        "it may write captured rows again"
    ]


def test_files_that_batches_scored_elsewhere_stay_and_are_counted(bucket: Bucket):
    keys = ("exports/a.csv", "exports/b.csv", "datasets/churn/a.csv", "inputs/churn/b2/a.csv")
    objects = [{"key": key, "version_id": "1", "size": 9} for key in keys]
    bucket.put("batches/churn/b2/plan.json", json.dumps({"objects": objects}))
    one = forgetting(bucket)

    stays = remaining(one.connection, "churn", "datasets/churn/", one.search(lambda key: None))

    counts = {each.what: each.count for each in stays}
    assert counts["files that batches scored in other folders"] == 2


def test_files_that_were_uploaded_for_a_batch_that_never_started_are_searched(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
):
    key = "inputs/churn/b9/people.csv"
    bucket.put(key, "id,age\n7,77\n8,78\n")
    assert "b9" in search(bucket).open_batches  # the upload may be going on

    monkeypatch.setattr("kanmon.labels.forgetting.UPLOADED", timedelta(0))
    forget(bucket)

    assert b"77" not in bucket.current(key)
    assert b"8,78" in bucket.current(key)


def test_what_was_skipped_is_listed_with_what_to_do(bucket: Bucket):
    parts = [{"file": 0, "row_groups": [0, 2], "first_row": 1, "rows": 3}]
    folder = "batches/churn/b8"
    bucket.put(f"{folder}/shards.json", json.dumps({"shards": [{"shard": 0, "parts": parts}]}))
    bucket.put(f"{folder}/scores/00000-0000.parquet", parquet({"id": ["7"]}))
    one = forgetting(bucket, states={"b8": "FAILED"})

    stays = remaining(one.connection, "churn", "datasets/churn/", one.search(lambda key: None))

    [skipped] = [each for each in stays if each.what == "batch b8"]
    assert skipped.why.startswith("it was skipped: a Parquet file of it is scored in parts")
    assert "`kanmon score-batch churn --resume b8`" in skipped.why


def test_an_input_without_the_key_is_named_and_can_be_emptied(bucket: Bucket):
    """Its batch failed by that, so nothing else says whose rows these are."""
    key = "inputs/churn/b7/people.csv"
    bucket.put(key, "ID,age\n7,77\n")
    bucket.put("batches/churn/b7/plan.json", json.dumps({"objects": [{"key": key}]}))
    one = forgetting(bucket, states={"b7": "FAILED"})

    found = one.search(lambda key: None)
    stays = remaining(one.connection, "churn", "datasets/churn/", found)

    assert found.unreadable == {key: "it has no column id, read with the delimiter ','"}
    [named] = [each.why for each in stays if each.what == key]
    assert "so it cannot be searched" in named
    assert "`kanmon forget churn --request-id b7/people.csv` empties it" in named

    one.whose = Whose(("id",), frozenset(), frozenset({"b7/people.csv"}))
    one.remove(one.search(lambda key: None), lambda key: None)

    assert bucket.current(key) == b"ID,age\n\n"
    assert not [
        each for each in bucket.every_content().values() if b"7,77" in each and b"ID" in each
    ]
    assert (
        key not in forgetting(bucket, states={"b7": "FAILED"}).search(lambda key: None).unreadable
    )


def test_what_stays_is_listed_with_counts(bucket: Bucket):
    bucket.put("datasets/churn/a.csv", "id\n7\n")
    bucket.put("runs/churn/r1/run.json", "{}")
    bucket.put("attempts/churn/r1/preprocess-0/preprocess/train/part-000.parquet", b"rows")
    bucket.put("attempts/churn/r1/train-0/train/model.tar.gz", b"model")
    bucket.put("releases/churn/1/release.json", "{}")
    bucket.put("labels/churn/broken.csv", b"\xff")
    rejected = parquet({"file": ["a.csv"], "row": [1], "value": ["x"]})
    bucket.put("batches/churn/b2/rejects/00000-0000.parquet", rejected)
    bucket.put("batches/churn/b2/manifest.json", "{}")
    connection: Any = SimpleNamespace(
        s3=bucket,
        bucket=BUCKET,
        stack_description=lambda: {
            "Parameters": [{"ParameterKey": "DataVersionRetentionDays", "ParameterValue": "90"}]
        },
    )

    stays = remaining(connection, "churn", "datasets/churn/", search(bucket))

    counts = {one.what: one.count for one in stays}
    assert counts["data files in datasets/churn/"] == 1
    assert counts["copies of the data in runs"] == counts["releases"] == 1
    assert counts["attempts of steps in runs"] == 1
    assert "(DataVersionRetentionDays: 90)" in stays[0].why
    assert "put-data churn FILE... --replace" in stays[0].why
    assert counts["rejected rows without a key of batches over other folders"] == 1
    assert "labels/churn/broken.csv" in counts
    gathered = remaining(connection, "churn", "datasets/churn/", search(bucket), by_program=True)
    assert [one.why for one in gathered if one not in stays] == [
        "take the rows out of what gather.py reads, or the next run brings them back"
    ]
