"""What removed models cost stays counted: by the planner, and in what people are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from core.stage.items import Items
from kanmon.costs.months import model_month, removed_month
from kanmon.removal.kept_costs import keep
from tests.support.planned_stage import ON_DATA, arrive, publish, tick
from tests.support.stage_in_memory import BUCKET, TABLE, Stage

MONTH = "2026-11"


@dataclass(frozen=True)
class Connected:
    """A connection that has the table only."""

    dynamodb: Any
    s3: Any
    table: str = TABLE
    bucket: str = BUCKET


@pytest.fixture
def connection(stage: Stage) -> Any:
    return Connected(stage.dynamodb, stage.s3)


def spend(connection: Any, model: str, usd: str, runs: int, month: str = MONTH) -> None:
    numbers = {"usd": usd, "retrain_usd": usd, "retrain_count": str(runs)}
    key = {"model": {"S": model}, "item": {"S": f"cost#{month}"}}
    item = {**key, **{name: {"N": value} for name, value in numbers.items()}}
    connection.dynamodb.put_item(TableName=TABLE, Item=item)


def test_what_removed_models_cost_is_counted_once_however_often_they_are_removed(
    connection: Any,
) -> None:
    spend(connection, "boots", "0.00008311", 1)
    spend(connection, "boots", "7", 3, month="2026-10")
    spend(connection, "shoes", "2.5", 2)

    for _ in range(2):
        keep(connection, "boots")
        keep(connection, "shoes")

    found = removed_month(connection, MONTH)
    assert (found.usd, found.count) == (2.50008311, 3)
    assert found.by_work["retrain"] == {"usd": 2.50008311, "count": 3}
    assert removed_month(connection, "2026-10").usd == 7
    assert removed_month(connection, "2026-09").usd == 0
    assert model_month(connection, "shoes", MONTH).usd == 0


def test_what_is_counted_at_the_same_moment_is_not_lost(
    connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    spend(connection, "shoes", "2.5", 2)
    change_all, others = Items.change_all, iter(["3.5"])

    def crossed(items: Items, changes: Any) -> bool:
        for usd in others:
            spend(connection, "shoes", usd, 3)
        return change_all(items, changes)

    monkeypatch.setattr(Items, "change_all", crossed)
    keep(connection, "shoes")

    assert (removed_month(connection, MONTH).usd, removed_month(connection, MONTH).count) == (
        3.5,
        3,
    )


def test_the_planner_holds_the_stages_budget_against_it(
    connection: Any, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGE", "local")
    monkeypatch.setenv("MONTHLY_BUDGET_USD", "5")
    publish(stage, "shoes", ON_DATA)
    arrive(stage, "datasets/shoes/a.csv")
    spend(connection, "boots", "5.25", 1)
    keep(connection, "boots")
    tick("2026-11-30T03:10:00Z")

    done = tick("2026-11-30T03:30:00Z")

    [wait] = [each for each in done["waits"] if each["model"] == "shoes" and each["reasons"]]
    assert wait["code"] == "stage budget"
