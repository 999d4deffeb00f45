"""What is kept and what it costs a month: from the daily figure of S3, counted, or unknown."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kanmon.costs.stored import MOST_COUNTED, Stored, stored

DAY = datetime(2026, 11, 29, tzinfo=UTC)


class Pages:
    """A paginator that gives these pages."""

    def __init__(self, pages: list[dict[str, Any]]) -> None:
        self.pages = pages
        self.asked = 0

    def paginate(self, **asked: Any) -> Any:
        for page in self.pages:
            self.asked += 1
            yield page


def stage(points: list[dict[str, Any]], versions: Pages, **clients: Any) -> Any:
    known = {
        "cloudwatch": SimpleNamespace(get_metric_statistics=lambda **asked: {"Datapoints": points}),
        "ecr": paginated({"imageDetails": [{"imageSizeInBytes": 2**30}, {}]}),
        "logs": paginated(
            {
                "logGroups": [
                    {"logGroupName": "kanmon-dev-FunctionsLogGroup-1", "storedBytes": 5},
                    {"logGroupName": "/aws/vendedlogs/states/kanmon-dev-score", "storedBytes": 7},
                    {"logGroupName": "/aws/lambda/of-others", "storedBytes": 1000},
                ]
            }
        ),
        **clients,
    }
    table = {"Table": {"TableSizeBytes": 3}}
    return SimpleNamespace(
        stack="kanmon-dev",
        outputs={
            **{"DataBucketName": "data", "PipelineBucketName": "pipeline"},
            **{"StepsRepositoryUri": "1.dkr/kanmon-dev-steps", "ModelTableName": "models"},
        },
        client=known.__getitem__,
        s3=SimpleNamespace(get_paginator=lambda name: versions),
        dynamodb=SimpleNamespace(describe_table=lambda **asked: table),
    )


def paginated(*pages: dict[str, Any]) -> Any:
    return SimpleNamespace(get_paginator=lambda name: Pages(list(pages)))


def test_the_newest_daily_figure_of_each_bucket_counts() -> None:
    points = [
        {"Timestamp": DAY, "Average": 2.0 * 2**30},
        {"Timestamp": DAY.replace(day=28), "Average": 9.0},
    ]
    versions = Pages([])

    found = {one.what: one for one in stored(stage(points, versions))}

    assert found["data"] == Stored("data", 2 * 2 * 2**30)
    assert found["data"].usd == pytest.approx(4 * 0.023)
    assert (found["images"].bytes, found["logs"].bytes, found["table"].bytes) == (2**30, 12, 3)
    assert versions.asked == 0


def test_the_versions_of_a_young_bucket_are_counted_up_to_a_limit() -> None:
    page = {"Versions": [{"Size": 1}] * (MOST_COUNTED // 2), "IsTruncated": True}
    last = {**page, "IsTruncated": False}

    [few, *_] = stored(stage([], Pages([page, last])))
    [many, *_] = stored(stage([], Pages([page, page, page])))

    assert few == Stored("data", 2 * MOST_COUNTED)
    assert many == Stored("data", 2 * MOST_COUNTED, at_least=True)


def test_what_may_not_be_looked_up_is_unknown_and_the_rest_is_shown() -> None:
    def refuse(**asked: Any) -> Any:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "GetMetricStatistics")

    refusing = SimpleNamespace(get_metric_statistics=refuse)
    data, images, *_ = stored(stage([], Pages([]), cloudwatch=refusing))

    assert data == Stored("data", None, why="AccessDenied")
    assert data.usd is None
    assert data.document()["usd_per_month"] is None
    assert images.bytes == 2**30
