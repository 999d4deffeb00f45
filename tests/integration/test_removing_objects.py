"""Emptying a bucket: every version and marker, a page after the other, and what S3 refuses."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from kanmon.errors import RunFailedError, StageError
from kanmon.removal import buckets
from kanmon.removal.buckets import Amount
from kanmon.removal.model_places import belongs

BUCKET = "kanmon-test-databucket-1abcdefghij2k"


class Stage:
    """A connection that has S3 only."""

    def __init__(self, s3: Any) -> None:
        self.s3 = s3


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield client


def put(s3: Any, *keys: str) -> None:
    for key in keys:
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"four")


def silent(line: str) -> None:
    return None


def test_replaced_and_deleted_versions_are_counted_and_deleted(s3: Any) -> None:
    put(s3, "runs/toys/a", "runs/toys/a", "runs/toys-two/a")
    s3.delete_object(Bucket=BUCKET, Key="runs/toys/a")
    stage: Any = Stage(s3)

    before = buckets.amount(stage, BUCKET, "runs/toys/")
    buckets.empty(stage, BUCKET, silent, "runs/toys/")

    assert before == Amount(versions=3, bytes=8)
    assert buckets.amount(stage, BUCKET) == Amount(versions=1, bytes=4)


def test_a_bucket_of_several_pages_is_deleted_although_its_policy_denies_it(s3: Any) -> None:
    put(s3, *(f"runs/{number:04}" for number in range(1203)))
    s3.put_bucket_policy(Bucket=BUCKET, Policy='{"Version": "2012-10-17", "Statement": []}')
    stage: Any = Stage(s3)

    buckets.delete_bucket(stage, BUCKET, silent)
    buckets.delete_bucket(stage, BUCKET, silent)  # what is gone is no error

    assert s3.list_buckets()["Buckets"] == []
    assert buckets.amount(stage, BUCKET) == Amount()


def test_a_model_called_base_does_not_take_what_all_releases_are_packed_from(s3: Any) -> None:
    put(s3, "packages/base/0a1b.zip", "packages/base/1/0a1b.zip")
    stage: Any = Stage(s3)

    buckets.empty(stage, BUCKET, silent, "packages/base/", belongs("packages/base/"))

    found = s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    assert [one["Key"] for one in found] == ["packages/base/0a1b.zip"]


def test_what_s3_refuses_of_a_request_is_an_error_although_s3_answers_with_success() -> None:
    refused = [{"Key": "releases/toys/1/a", "Code": "AccessDenied", "Message": "denied by X"}]
    versions = [{"Key": "releases/toys/1/a", "VersionId": "1", "Size": 1}]
    pages = SimpleNamespace(paginate=lambda **words: iter([{"Versions": versions}]))
    stage: Any = Stage(
        SimpleNamespace(
            get_paginator=lambda name: pages, delete_objects=lambda **words: {"Errors": refused}
        )
    )

    with pytest.raises(StageError) as raised:
        buckets.empty(stage, "b", silent)

    assert raised.value.line() == (
        "s3:DeleteObjectVersion is not allowed on s3://b/releases/toys/1/a: denied by X. "
        "Ask for that permission; run the same command again then."
    )


def test_access_logs_that_go_on_arriving_are_said_to(s3: Any) -> None:
    def not_empty(**words: Any) -> None:
        raise ClientError({"Error": {"Code": "BucketNotEmpty", "Message": "x"}}, "DeleteBucket")

    stage: Any = Stage(
        SimpleNamespace(
            get_paginator=s3.get_paginator,
            delete_objects=s3.delete_objects,
            delete_bucket_policy=s3.delete_bucket_policy,
            delete_bucket=not_empty,
        )
    )

    with pytest.raises(RunFailedError, match="something still writes into the bucket"):
        buckets.delete_bucket(stage, BUCKET, silent)
