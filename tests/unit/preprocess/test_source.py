"""The step takes exactly the snapshot's object versions."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from contract.step import StepError
from reading.source import (
    DataObject,
    common_folder,
    downloaded,
    read_snapshot,
    s3_client,
)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        bucket = boto3.resource("s3", region_name="us-east-1").create_bucket(Bucket="data")
        bucket.Versioning().enable()
        yield bucket


def put(bucket: Any, key: str, content: str) -> DataObject:
    version = bucket.put_object(Key=key, Body=content.encode()).version_id
    return DataObject("data", key, version, len(content))


def test_a_later_version_does_not_take_the_place_of_the_snapshot(
    bucket: Any, tmp_path: Path
) -> None:
    entry = put(bucket, "datasets/abalone/a.csv", "then")
    put(bucket, "datasets/abalone/a.csv", "now")

    files = downloaded([entry], tmp_path, s3_client())

    assert [(file.name, file.path.read_text()) for file in files] == [("a.csv", "then")]


def test_files_are_taken_in_order_and_gone_once_read(bucket: Any, tmp_path: Path) -> None:
    entries = [put(bucket, f"d/{number:02d}/../x y.csv", str(number)) for number in range(12)]

    seen = [
        (file.name, file.path.read_text()) for file in downloaded(entries, tmp_path, s3_client())
    ]

    assert seen == [(f"{number:02d}/../x y.csv", str(number)) for number in range(12)]
    assert list(tmp_path.iterdir()) == []


def test_a_version_that_vanished_is_reported(bucket: Any, tmp_path: Path) -> None:
    entry = put(bucket, "d/a.csv", "then")
    bucket.Object("d/a.csv").Version(entry.version).delete()

    with pytest.raises(StepError) as failure:
        list(downloaded([entry], tmp_path, s3_client()))

    assert str(failure.value) == (
        f"s3://data/d/a.csv version {entry.version} is gone (NoSuchVersion): it was deleted after "
        "the snapshot was made; restore it, or start a new run on the data as it is now"
    )


def test_a_bucket_without_versions_must_at_least_have_the_same_size(
    bucket: Any, tmp_path: Path
) -> None:
    put(bucket, "d/a.csv", "more than then")

    with pytest.raises(StepError, match=r"has 14 bytes, but 4 in the snapshot; start a new run"):
        list(downloaded([DataObject("data", "d/a.csv", "null", 4)], tmp_path, s3_client()))


@pytest.mark.parametrize(
    ("keys", "folder"),
    [
        (["d/m/a.csv"], "d/m/"),
        (["d/m/a1.csv", "d/m/a2.csv"], "d/m/"),
        (["d/m/x/1.csv", "d/m/y/1.csv"], "d/m/"),
        (["a.csv"], ""),
        ([], ""),
    ],
)
def test_messages_leave_out_the_folder_all_files_lie_in(keys: list[str], folder: str) -> None:
    assert common_folder([DataObject("data", key, "v", 1) for key in keys]) == folder


def test_markers_of_empty_folders_are_no_data(tmp_path: Path) -> None:
    objects = [
        {"key": "d/", "version_id": "v0", "size": 0, "checksum": "c"},
        {"key": "d/a.csv", "version_id": "v1", "size": 3, "checksum": "c"},
    ]
    (tmp_path / "x.json").write_text(json.dumps({"bucket": "data", "objects": objects}))

    assert read_snapshot(tmp_path) == [DataObject("data", "d/a.csv", "v1", 3)]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "there are 0 snapshots instead of one"),
        ({"a.json": "{}", "b.json": "{}"}, "there are 2 snapshots instead of one"),
        ({"a.json": "{"}, "not a snapshot"),
        ({"a.json": "{}"}, "not a snapshot"),
    ],
)
def test_a_broken_snapshot_is_reported(tmp_path: Path, files: dict[str, str], words: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    with pytest.raises(StepError, match=words):
        read_snapshot(tmp_path)
