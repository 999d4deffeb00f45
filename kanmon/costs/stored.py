"""What a stage keeps, and what keeping it costs a month.

A bucket's size is CloudWatch's daily figure. A bucket of less than a day has none, nor has the
local stage: there its versions are counted, up to MOST_COUNTED of them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

# US dollars for a gigabyte and month in us-east-1 (2025-06), from aws.amazon.com/s3/pricing,
# /ecr/pricing, /cloudwatch/pricing (archived logs) and /dynamodb/pricing. Free tiers are not taken
# off.
PRICES = {"data": 0.023, "images": 0.10, "logs": 0.03, "table": 0.25}
MOST_COUNTED = 20_000
_GIGABYTE = 1024**3


@dataclass(frozen=True)
class Stored:
    """One kind of what is kept. `bytes` is None where it could not be found out, for `why`.

    at_least: more is kept than was counted.
    """

    what: str
    bytes: int | None
    at_least: bool = False
    why: str | None = None

    @property
    def usd(self) -> float | None:
        """US dollars a month."""
        return None if self.bytes is None else self.bytes / _GIGABYTE * PRICES[self.what]

    def document(self) -> dict[str, Any]:
        usd = self.usd
        return {**vars(self), "usd_per_month": None if usd is None else round(usd, 6)}


def stored(connection: "Connection") -> list[Stored]:
    """Everything that a stage keeps and pays for by the gigabyte."""
    outputs = connection.outputs
    buckets = (outputs["DataBucketName"], outputs["PipelineBucketName"])
    return [
        _found("data", lambda: _sum(_bucket(connection, each) for each in buckets)),
        _found("images", lambda: (_images(connection, outputs["StepsRepositoryUri"]), False)),
        _found("logs", lambda: (_logs(connection), False)),
        _found("table", lambda: (_table(connection, outputs["ModelTableName"]), False)),
    ]


def _found(what: str, measure: Callable[[], tuple[int, bool]]) -> Stored:
    """What is not allowed, or not there, is unknown; the rest is shown all the same."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        size, at_least = measure()
    except ClientError as error:
        return Stored(what, None, why=str(error.response["Error"].get("Code")))
    except BotoCoreError as error:
        return Stored(what, None, why=type(error).__name__)
    return Stored(what, size, at_least)


def _sum(sizes: Iterator[tuple[int, bool]]) -> tuple[int, bool]:
    known = list(sizes)
    return sum(size for size, _ in known), any(at_least for _, at_least in known)


def _bucket(connection: "Connection", bucket: str) -> tuple[int, bool]:
    now = datetime.now(UTC)
    points = connection.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/S3",
        MetricName="BucketSizeBytes",
        Dimensions=[
            {"Name": "BucketName", "Value": bucket},
            {"Name": "StorageType", "Value": "StandardStorage"},
        ],
        StartTime=now - timedelta(days=3),
        EndTime=now,
        Period=86_400,
        Statistics=["Average"],
    )["Datapoints"]
    if points:
        return int(max(points, key=lambda point: point["Timestamp"])["Average"]), False
    return _counted(connection, bucket)


def _counted(connection: "Connection", bucket: str) -> tuple[int, bool]:
    """The sum of a bucket's versions, and whether there are more than were counted."""
    size, versions = 0, 0
    for page in connection.s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        size += sum(each["Size"] for each in page.get("Versions", []))
        versions += len(page.get("Versions", []))
        if versions >= MOST_COUNTED:
            return size, bool(page.get("IsTruncated"))
    return size, False


def _images(connection: "Connection", uri: str) -> int:
    pages = connection.client("ecr").get_paginator("describe_images")
    return sum(
        int(each.get("imageSizeInBytes", 0))
        for page in pages.paginate(repositoryName=uri.partition("/")[2])
        for each in page["imageDetails"]
    )


def _logs(connection: "Connection") -> int:
    """The stage's own groups; what its jobs log is in a group of the whole account."""
    pages = connection.client("logs").get_paginator("describe_log_groups")
    return sum(
        int(group.get("storedBytes", 0))
        for page in pages.paginate()
        for group in page["logGroups"]
        if _is_ours(group["logGroupName"], connection.stack)
    )


def _is_ours(name: str, stack: str) -> bool:
    return name.rpartition("/")[2].startswith(f"{stack}-")


def _table(connection: "Connection", table: str) -> int:
    found = connection.dynamodb.describe_table(TableName=table)["Table"]
    return int(found.get("TableSizeBytes", 0))
