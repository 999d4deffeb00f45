"""Objects of a bucket in all their versions: how many, and away with them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from core.words.formats import count
from kanmon.errors import RunFailedError, StageError
from kanmon.removal.probes import is_missing

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

Chosen = Callable[[str], bool]
# So often a bucket is emptied again into which something still writes.
ATTEMPTS = 3


@dataclass(frozen=True)
class Amount:
    """How much there is. A delete marker is a version of no bytes."""

    versions: int = 0
    bytes: int = 0


def any_key(_key: str) -> bool:
    """Every object."""
    return True


def amount(
    connection: "Connection", bucket: str, prefix: str = "", chosen: Chosen = any_key
) -> Amount:
    """How many versions and delete markers are below a prefix; none in a bucket that is gone."""
    versions = total = 0
    for page in _pages(connection, bucket, prefix):
        for one in _entries(page, chosen):
            versions += 1
            total += one.get("Size", 0)
    return Amount(versions, total)


def empty(
    connection: "Connection",
    bucket: str,
    tick: Callable[[str], None],
    prefix: str = "",
    chosen: Chosen = any_key,
) -> None:
    """Delete every version and every delete marker below a prefix, for good."""
    gone = 0
    for page in _pages(connection, bucket, prefix):
        names = [
            {"Key": one["Key"], "VersionId": one["VersionId"]} for one in _entries(page, chosen)
        ]
        if not names:
            continue
        answer = connection.s3.delete_objects(
            Bucket=bucket,
            Delete={"Objects": names, "Quiet": True},  # type: ignore[typeddict-item]
        )
        _refuse(bucket, answer.get("Errors", []))
        gone += len(names)
        tick(f"deleting s3://{bucket}/{prefix}: {count(gone)} versions are gone …")


def delete_bucket(connection: "Connection", bucket: str, tick: Callable[[str], None]) -> None:
    """Empty a bucket and delete it. What is written meanwhile is deleted, too."""
    for attempt in range(ATTEMPTS):
        try:
            # Its policy may deny deletions; without one, only IAM decides.
            connection.s3.delete_bucket_policy(Bucket=bucket)
            empty(connection, bucket, tick)
            connection.s3.delete_bucket(Bucket=bucket)
            return
        except ClientError as error:
            if is_missing(error):
                return
            if error.response["Error"]["Code"] != "BucketNotEmpty":
                raise
            if attempt + 1 == ATTEMPTS:
                raise RunFailedError(
                    f"something still writes into the bucket {bucket}",
                    "Access logs may arrive for some hours. Run the same command again then.",
                ) from error


def _pages(connection: "Connection", bucket: str, prefix: str) -> Iterator[Any]:
    pages = connection.s3.get_paginator("list_object_versions").paginate(
        Bucket=bucket, Prefix=prefix
    )
    try:
        yield from pages
    except ClientError as error:
        if not is_missing(error):
            raise


def _entries(page: Any, chosen: Chosen) -> list[dict[str, Any]]:
    listed = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
    return [one for one in listed if chosen(one["Key"])]


def _refuse(bucket: str, errors: list[Any]) -> None:
    """S3 answers a request to delete many with success, and names those that it did not delete."""
    for one in errors:
        where = f"s3://{bucket}/{one.get('Key')}"
        if one.get("Code") == "AccessDenied":
            raise StageError(
                f"s3:DeleteObjectVersion is not allowed on {where}: {one.get('Message', '')}",
                "Ask for that permission; run the same command again then.",
            )
        raise RunFailedError(
            f"S3 did not delete {where}: {one.get('Code')} {one.get('Message', '')}".rstrip(),
            "Run the same command again.",
        )
