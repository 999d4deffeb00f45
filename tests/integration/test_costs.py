"""Costs on a stage in memory: counted once, also when closing is repeated or others write."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError

from core.cost.settle import settle, stage_prices
from core.stage.gateways import Stage as Gateways
from core.stage.gateways import stage as gateways
from tests.support.stage_in_memory import BUCKET, RUN, TABLE, Stage
from tests.unit.cost.test_measured import SUBMITTED, called, scheduled, succeeded

NOW = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)
ITEM = f"run#{RUN}"
EVENTS = [*called(1.0), *scheduled("train-0"), SUBMITTED, succeeded("train-0", 3600)]


class History:
    """The events of an execution, as Step Functions would list them."""

    def __init__(self, events: list[dict[str, Any]]) -> None:
        self.events = events

    def history(self, run: str) -> list[dict[str, Any]]:
        return self.events


@pytest.fixture
def settled(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Callable[..., float | None]:
    """Counts run RUN of churn with these events."""

    def count(events: list[dict[str, Any]] = EVENTS, good: bool = True) -> float | None:
        monkeypatch.setattr(Gateways, "machine_of", lambda self, work: History(events))
        return settle(gateways(), "retrain", "churn", ITEM, RUN, NOW, good)

    return count


def item(stage: Stage, name: str) -> dict[str, Any]:
    key = {"model": {"S": "churn"}, "item": {"S": name}}
    found = stage.dynamodb.get_item(TableName=TABLE, Key=key).get("Item", {})
    return {name: next(iter(value.values())) for name, value in found.items()}


def test_a_run_is_counted_once_however_often_it_is_closed(
    stage: Stage, settled: Callable[..., float | None]
) -> None:
    usd = settled()

    assert usd == settled() == settled()
    month = item(stage, "cost#2026-11")
    assert month == {
        "model": "churn",
        "item": "cost#2026-11",
        "usd": str(usd),
        "retrain_usd": str(usd),
        "retrain_count": "1",
    }
    assert item(stage, ITEM)["usd"] == str(usd)
    assert Decimal(item(stage, "cost")["retrain_estimate_usd"]) == round(Decimal(str(usd)), 6)


def test_a_run_that_goes_on_after_a_redrive_adds_what_it_used_since(
    stage: Stage, settled: Callable[..., float | None]
) -> None:
    first = settled(good=False)
    assert "retrain_estimate_usd" not in item(stage, "cost")

    second = settled([*EVENTS, *scheduled("train-6"), SUBMITTED, succeeded("train-6", 1800)])

    assert first is not None and second is not None and second > first + 0.0575
    month = item(stage, "cost#2026-11")
    assert (month["usd"], month["retrain_count"]) == (str(second), "1")


def test_only_what_was_added_is_sent_as_the_stages_metric(
    stage: Stage, settled: Callable[..., float | None], capsys: pytest.CaptureFixture[str]
) -> None:
    first = settled(good=False)
    settled(good=False)
    second = settled([*EVENTS, *scheduled("train-6"), SUBMITTED, succeeded("train-6", 1800)])

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line[:1] == "{"]
    sent = [line["SpentUsd"] for line in lines if "SpentUsd" in line]
    assert first is not None and second is not None
    assert [value[0] for value in sent] == pytest.approx([first, second - first])
    assert {line["service"] for line in lines if "SpentUsd" in line} == {"kanmon"}


def test_another_writer_in_between_is_seen_and_nothing_is_added_twice(
    stage: Stage, settled: Callable[..., float | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    usd = settled()
    kept = gateways().costs.of_record
    answers = [None]  # as if read before the other closing wrote

    def late(model: str, name: str) -> str | None:
        return answers.pop() if answers else kept(model, name)

    monkeypatch.setattr(gateways().costs, "of_record", late)

    assert settled() == usd
    assert item(stage, "cost#2026-11")["usd"] == str(usd)


def test_a_history_that_cannot_be_read_leaves_the_cost_unknown(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Denied:
        def history(self, run: str) -> list[Any]:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "GetExecutionHistory")

    monkeypatch.setattr(Gateways, "machine_of", lambda self, work: Denied())

    assert settle(gateways(), "retrain", "churn", ITEM, RUN, NOW, True) is None
    assert item(stage, "cost#2026-11") == {}


def test_the_prices_of_the_last_deployment_are_used(
    stage: Stage, settled: Callable[..., float | None]
) -> None:
    document = {
        "format": 1,
        "region": "eu-west-1",
        "of": "2026-11-30",
        "source": "price list",
        "currency": "USD",
        "hourly": {"processing": {"ml.m5.large": 100.0}},
    }
    stage.put("prices.json", json.dumps(document))

    usd = settled()

    assert usd == 100.0
    assert item(stage, "cost#2026-11")["retrain_unknown"] == "1"  # functions without a price
    stage.s3.put_object(Bucket=BUCKET, Key="prices.json", Body=b"{}")
    assert stage_prices(gateways().store).source == "sample"
