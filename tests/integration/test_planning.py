"""A tick against a stage in memory: what it reads, what it starts, and that it starts it once."""

from __future__ import annotations

import importlib
import json
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from moto.sqs.models import SQSBackend

from tests.support.planned_stage import (
    MONTHLY,
    ON_DATA,
    arrive,
    arrive_together,
    counted,
    executions,
    planned,
    publish,
    throttled,
    tick,
    waiting,
    write,
)
from tests.support.stage_in_memory import BUCKET, TABLE, Stage

# Data came at three; half an hour later it counts as complete.
EARLY, QUIET, LATER = "2026-11-30T03:10:00Z", "2026-11-30T03:30:00Z", "2026-11-30T03:35:00Z"


@pytest.fixture(autouse=True)
def laptop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A local stage, whose ticks may be of a time to come."""
    monkeypatch.setenv("STAGE", "local")


@pytest.fixture
def new_data(stage: Stage) -> None:
    publish(stage, "shoes")
    arrive(stage, "datasets/shoes/a.csv")


# ---- what starts


def test_data_that_arrived_starts_one_run_once_it_is_quiet(stage: Stage, new_data: None) -> None:
    first = tick(EARLY)
    assert (executions(stage), first["arrived"], waiting(stage)) == ([], 1, 0)

    [start] = tick(QUIET)["starts"]
    again = tick(LATER)

    assert executions(stage) == [start["name"]]
    assert again["starts"] == []
    assert start["input"]["reason"].startswith("new data: 1 file")
    assert "starting" not in planned("shoes")


def test_a_schedule_of_each_kind_starts_its_own_workflow(stage: Stage) -> None:
    publish(
        stage,
        "shoes",
        'retrain: {schedule: {cron: "0 6 1 * *"}}\nbatch: {schedule: {cron: "0 6 1 * *"}}\n'
        'monitor: {schedule: {cron: "0 6 1 * *"}}\n',
    )
    stage.dynamodb.put_item(
        TableName=TABLE,
        Item={"model": {"S": "shoes"}, "item": {"S": "champion"}, "release": {"N": "3"}},
    )
    tick(EARLY)

    done = tick("2026-12-01T06:00:00Z")

    assert sorted(each["work"] for each in done["starts"]) == ["monitor", "retrain", "score"]
    for each in done["starts"]:
        assert executions(stage, each["work"]) == [each["name"]]


def test_what_the_planner_started_is_known_to_run_until_its_record_says_otherwise(
    stage: Stage,
) -> None:
    publish(stage, "shoes", 'retrain: {schedule: {cron: "*/5 * * * *"}}\n')
    tick("2026-11-30T03:01:00Z")
    [start] = tick("2026-11-30T03:05:00Z")["starts"]

    busy = tick("2026-11-30T03:10:00Z")
    write(stage, "shoes", f"run#{start['name']}", status="FAILED")
    free = tick("2026-11-30T03:15:00Z")

    codes = [each["code"] for each in busy["waits"] if each["model"] == "shoes"]
    assert codes[0] == "running"
    assert [each["work"] for each in free["starts"]] == ["retrain"]


def test_a_paused_model_starts_nothing_and_what_came_waits(stage: Stage, new_data: None) -> None:
    paused = {"reason": {"S": "moving"}, "at": {"S": EARLY}, "by": {"S": "ada"}}
    stage.dynamodb.put_item(
        TableName=TABLE,
        Item={"model": {"S": "shoes"}, "item": {"S": "pause"}, "pause": {"M": paused}},
    )
    tick(EARLY)

    waits = {each["work"]: each for each in tick(QUIET)["waits"] if each["model"] == "shoes"}
    stage.dynamodb.delete_item(
        TableName=TABLE, Key={"model": {"S": "shoes"}, "item": {"S": "pause"}}
    )
    resumed = tick(LATER)

    assert (waits["retrain"]["code"], "moving" in waits["retrain"]["because"]) == ("paused", True)
    assert [each["model"] for each in resumed["starts"]] == ["shoes"]


# ---- once, and nothing is lost


def test_two_ticks_at_once_start_it_once(stage: Stage, new_data: None) -> None:
    tick(EARLY)
    together = Barrier(2)

    def one(_: int) -> list[str]:
        together.wait()
        return [each["name"] for each in tick(QUIET)["starts"]]

    with ThreadPoolExecutor(2) as ticks:
        said = list(ticks.map(one, range(2)))

    assert len({name for names in said for name in names}) == 1
    assert len(executions(stage)) == 1
    assert "starting" not in planned("shoes")


def test_of_two_ticks_the_one_that_wrote_late_starts_nothing_and_keeps_its_messages(
    stage: Stage, new_data: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one writes between what this one read and what it writes."""
    module: Any = importlib.import_module("core.plan.tick")
    decide = module.decide

    def overtaken(document: object) -> object:
        monkeypatch.setattr(module, "decide", decide)
        tick(QUIET)
        return decide(document)

    monkeypatch.setattr(module, "decide", overtaken)

    done = tick(QUIET)

    assert set(done["lost"]) == {"churn", "shoes"}
    assert (done["started"], waiting(stage)) == ([], 1)


def test_a_start_that_is_throttled_is_made_by_the_next_tick(
    stage: Stage, new_data: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tick(EARLY)

    with throttled(monkeypatch, "StartExecution"):
        [start] = tick(QUIET)["starts"]
        still = tick(LATER)
        assert (executions(stage), list(still["left"])) == ([], [start["name"]])
    done = tick("2026-11-30T03:40:00Z")

    assert (done["starts"], done["started"]) == ([], [start["name"]])
    assert executions(stage) == [start["name"]]
    assert "starting" not in planned("shoes")


def test_a_tick_that_dies_before_it_started_is_made_good_for(
    stage: Stage, new_data: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.plan import start as module

    tick(EARLY)
    with monkeypatch.context() as patch:
        patch.setattr(module, "_issue", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            tick(QUIET)
    assert executions(stage) == []

    done = tick(LATER)

    assert executions(stage) == done["started"]
    assert len(done["started"]) == 1


def test_messages_stay_where_the_table_cannot_be_written(
    stage: Stage, new_data: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with throttled(monkeypatch, "UpdateItem"), pytest.raises(Exception, match="later"):
        tick(EARLY)

    assert waiting(stage) == 1


# ---- what arrives


def test_five_hundred_objects_of_a_minute_are_one_reason(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    # For each message that is received, moto counts all that are in the queue.
    monkeypatch.setattr(SQSBackend, "is_message_valid_based_on_retention_period", lambda *_: True)
    publish(stage, "shoes")
    names = [f"datasets/shoes/{number}.csv" for number in range(500)]
    arrive_together(stage, [*names, names[0]])  # one is written twice

    done = tick(EARLY)
    [start] = tick(LATER)["starts"]

    assert (done["arrived"], waiting(stage)) == (501, 0)
    assert start["input"]["reason"].startswith("new data: 500 files")
    assert len(executions(stage)) == 1


@pytest.mark.parametrize(
    "key",
    [
        "datasets/gone/a.csv",  # of a model that was deleted
        "datasets/shoesbox/a.csv",  # its name only begins so
    ],
)
def test_news_of_no_model_is_dropped_and_counted(stage: Stage, key: str) -> None:
    publish(stage, "shoes")
    arrive(stage, key)

    done = tick(EARLY)

    assert (done["unknown"], waiting(stage)) == (1, 0)
    assert tick(LATER)["starts"] == []


def test_a_message_that_is_no_event_is_dropped(stage: Stage) -> None:
    from tests.support.stage_in_memory import ARRIVALS

    stage.sqs.send_message(QueueUrl=ARRIVALS, MessageBody="{}")

    assert (tick(EARLY)["unknown"], waiting(stage)) == (1, 0)


def test_models_that_share_their_data_both_hear_of_it(stage: Stage) -> None:
    for model in ("shoes", "boots"):
        publish(stage, model, ON_DATA + "data: {location: datasets/shared/}\n")
    arrive(stage, "datasets/shared/a.csv")

    tick(EARLY)
    starts = tick(QUIET)["starts"]

    assert [each["model"] for each in starts] == ["boots", "shoes"]


# ---- what is read


def test_fifty_models_are_planned_by_few_calls(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPROVAL_MINUTES", str(7 * 24 * 60))
    for number in range(49):  # and churn, which the stage has
        publish(stage, f"model-{number}", MONTHLY)
    for at in (EARLY, "2026-11-30T03:15:00Z"):
        tick(at)

    with counted(monkeypatch) as calls:
        idle = tick("2026-11-30T03:20:00Z")

    assert len(idle["next"]) == 50
    # Seven items of each of 50 models are 350 keys.
    assert calls == {"ListObjectsV2": 1, "Query": 1, "BatchGetItem": 4, "ReceiveMessage": 2}


def test_a_tick_in_which_all_fifty_start_takes_three_calls_for_each(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Write down what starts, start it, note that it has started."""
    monkeypatch.setenv("PLANNED_AT_ONCE", "100")
    monkeypatch.setenv("APPROVAL_MINUTES", str(7 * 24 * 60))
    for number in range(50):
        publish(stage, f"model-{number}", MONTHLY)
    tick(EARLY)

    with counted(monkeypatch) as calls:
        done = tick("2026-12-01T05:00:00Z")

    assert len(done["started"]) == len(executions(stage)) == 50
    assert calls["StartExecution"] == 50
    assert calls["UpdateItem"] == 101  # and the record's
    assert sum(calls.values()) <= 160


def test_a_definition_is_read_once_and_again_when_it_changed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(stage, "shoes")
    with counted(monkeypatch) as first:
        tick(EARLY)
    publish(stage, "shoes", MONTHLY)
    with counted(monkeypatch) as changed:
        tick(QUIET)
    with counted(monkeypatch) as same:
        tick(LATER)

    assert (first["GetObject"], changed["GetObject"], same["GetObject"]) == (2, 1, 0)


def test_an_invalid_definition_is_a_reason_and_stops_no_other_model(stage: Stage) -> None:
    publish(stage, "shoes", "retrain: {on: [moon]}\n")
    publish(stage, "boots")
    arrive(stage, "datasets/boots/a.csv")
    tick(EARLY)

    done = tick(QUIET)

    assert [each["model"] for each in done["starts"]] == ["boots"]
    [wait, *_] = [each for each in done["waits"] if each["model"] == "shoes"]
    assert wait["code"] == "invalid definition"
    assert "retrain.on" in wait["because"]


def test_what_it_cost_counts_against_the_budget(stage: Stage) -> None:
    publish(stage, "shoes", ON_DATA + "budget: {usd_per_month: 5}\n")
    arrive(stage, "datasets/shoes/a.csv")
    stage.dynamodb.put_item(
        TableName=TABLE,
        Item={
            "model": {"S": "shoes"},
            "item": {"S": "cost#2026-11"},
            "usd": {"N": str(Decimal("5.25"))},
        },
    )
    tick(EARLY)

    [wait] = [each for each in tick(QUIET)["waits"] if each["model"] == "shoes" and each["reasons"]]

    assert wait["code"] == "model budget"


# ---- what is recorded


def test_only_a_tick_that_says_something_new_is_recorded(stage: Stage, new_data: None) -> None:
    def records() -> list[str]:
        listed = stage.s3.list_objects_v2(Bucket=BUCKET, Prefix="plans/").get("Contents", [])
        return [each["Key"] for each in listed]

    ticks = [f"2026-11-30T03:{minute:02}:00Z" for minute in range(5, 60, 5)]
    said = [tick(at)["recorded"] for at in ticks]

    assert records() == [
        f"plans/dt=2026-11-30/{at}.json" for at, one in zip(ticks, said, strict=True) if one
    ]
    assert said[5] is not None  # half past three, when it started
    assert said[-1] is None


def test_a_record_gives_the_same_decision_again(stage: Stage, new_data: None) -> None:
    from core.plan.rule import decide

    tick(EARLY)
    tick(QUIET)

    body = stage.s3.get_object(Bucket=BUCKET, Key=f"plans/dt=2026-11-30/{QUIET}.json")[
        "Body"
    ].read()
    record = json.loads(body)
    assert decide(record["input"]) == record["decision"]
    assert record["decision"]["starts"]
