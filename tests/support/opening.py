"""What Open Release works with: a stage in memory, a pipeline, a judged run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

import judge_candidate
from core.releases.open_release import Opening
from core.review.page import render
from core.stage.bucket import Store
from core.stage.event_bus import EventBus
from core.stage.items import Items
from core.stage.links import Links
from core.stage.registry import Registry
from core.stage.release_table import ReleaseTable
from tests.support.release_doubles import Pipeline
from tests.support.release_table import Clock, KilledError, Table
from tests.support.release_world import TREE
from tests.support.stage_in_memory import BUCKET, CHAMPION, EVENT_BUS, RUN, TABLE, Context, Stage

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
Open = Callable[..., dict[str, Any]]


class Killing:
    """A client that ends the function at its nth call."""

    def __init__(self, client: Any, calls: Iterator[int]) -> None:
        self._client = client
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if (
            name
            in (
                *("put_object", "update_item", "transact_write_items"),
                *("delete_item", "put_events"),
            )
            and next(self._calls) == 0
        ):
            raise KilledError
        return found


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name, content in TREE.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline(Clock(), Table())


@pytest.fixture
def opening(stage: Stage, source: Path, pipeline: Pipeline) -> Opening:
    return build(source, pipeline)


@cache
def client_of(service: str) -> Any:
    """Made once: that takes longer than a call."""
    return boto3.client(service)  # type: ignore[call-overload]


def build(source: Path, pipeline: Pipeline, calls: Iterator[int] | None = None) -> Opening:
    def client(name: str) -> Any:
        made = client_of(name)
        return made if calls is None else Killing(made, calls)

    gateways = SimpleNamespace(
        name="kanmon-test",
        short_name="dev",
        region="us-east-1",
        releases=ReleaseTable(Items(client("dynamodb"), TABLE)),
        store=Store(client("s3"), BUCKET),
        pipeline=pipeline,
        registry=Registry(client("sagemaker")),
        links=Links("us-east-1"),
        events=EventBus(client("events"), EVENT_BUS),
    )
    return Opening(stage=gateways, render=render, source=source)


@pytest.fixture
def judged(stage: Stage, context: Context, opened: Open) -> dict[str, Any]:
    """A run whose candidate was judged and registered: what Open Release is given."""
    stage.promote(3, **CHAMPION)
    opened()
    stage.write_results(champion={"metrics": {"auc": {"value": 0.79}}})
    judgement = judge_candidate.handler({"run": RUN, "model": "churn"}, context)
    arn = "arn:aws:sagemaker:us-east-1:123456789012:model-package/kanmon-test-churn/2"
    stage.facts()
    return {
        "run": RUN,
        "model": "churn",
        "package_arn": arn,
        "verdict": "hold",
        "summary": judgement["summary"],
    }


def releases() -> ReleaseTable:
    return ReleaseTable(Items(client_of("dynamodb"), TABLE))
