"""What a tick reports on the bus, and what becomes of starts that AWS refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.planned_stage import (
    MONTHLY,
    ON_DATA,
    arrive,
    counted,
    executions,
    planned,
    publish,
    throttled,
    tick,
    waiting,
    write,
)
from tests.support.stage_in_memory import TABLE, Stage

EARLY, QUIET, LATER = "2026-11-30T03:10:00Z", "2026-11-30T03:30:00Z", "2026-11-30T03:35:00Z"


@pytest.fixture(autouse=True)
def laptop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A local stage, whose ticks may be of a time to come."""
    monkeypatch.setenv("STAGE", "local")


# A release's record, as far as reminders need it.
WAITS = {"status": "WAITING", "approval": "manual", "opened_at": "2026-11-30T03:00:00Z"}


def give_number(stage: Stage, last: int) -> None:
    """So many releases of shoes have a number."""
    key = {"model": {"S": "shoes"}, "item": {"S": "release-number"}}
    stage.dynamodb.put_item(TableName=TABLE, Item={**key, "last": {"N": str(last)}})


def wait_of(done: dict[str, Any], model: str = "shoes") -> dict[str, Any]:
    [found] = [one for one in done["waits"] if (one["model"], one["work"]) == (model, "retrain")]
    return dict(found)


# ---- starts that AWS refuses


def test_a_start_that_is_refused_for_good_is_told_once_and_not_tried_at_every_tick(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(stage, "shoes")
    arrive(stage, "datasets/shoes/a.csv")
    tick(EARLY)

    with throttled(monkeypatch, "StartExecution", "AccessDeniedException"):
        first = tick(QUIET)
        again = tick(LATER)
    [fact] = stage.facts()
    a_day_later = tick("2026-12-01T23:59:00Z")

    [start] = first["starts"]
    assert first["refused"] == {start["name"]: "AccessDeniedException: later"}
    assert (again["refused"], again["starts"]) == ({}, [])
    assert wait_of(again)["code"] == "could not start"
    assert (fact["event"], fact["run"], fact["severity"]) == (
        "job could not start",
        start["name"],
        "error",
    )
    assert fact["reason"].startswith("new data: 1 file")
    assert "AccessDeniedException" in fact["summary"]
    # The data still asks for it.
    assert executions(stage) == a_day_later["started"]
    assert a_day_later["starts"][0]["reasons"] == start["reasons"]


def test_a_start_that_is_only_put_off_is_told_after_an_hour_and_still_made(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(stage, "shoes")
    arrive(stage, "datasets/shoes/a.csv")
    tick(EARLY)

    with throttled(monkeypatch, "StartExecution"):
        [start] = tick(QUIET, now=QUIET)["starts"]
        tick("2026-11-30T04:29:00Z", now="2026-11-30T04:29:00Z")
        assert stage.facts() == []
        for minute in (30, 35):
            at = f"2026-11-30T04:{minute}:00Z"
            tick(at, now=at)
    said = [one["event"] for one in stage.facts()]
    done = tick("2026-11-30T04:40:00Z")

    assert said == ["job could not start"]
    assert executions(stage) == done["started"] == [start["name"]]


# ---- what is told


def late_model(stage: Stage) -> None:
    """Its retraining is due at five, and one that a person started still runs."""
    publish(stage, "shoes", 'retrain: {schedule: {cron: "0 5 1 12 *"}}\n')
    tick(EARLY)
    until = str(int(datetime(2027, 1, 1, tzinfo=UTC).timestamp()))
    key = {"model": {"S": "shoes"}, "item": {"S": "retrain-lock"}}
    held = {"holder": {"S": "shoes-by-hand"}, "until": {"N": until}}
    stage.dynamodb.put_item(TableName=TABLE, Item={**key, **held})


def test_what_is_late_is_told_once(stage: Stage) -> None:
    late_model(stage)

    tick("2026-12-01T06:00:00Z")
    tick("2026-12-01T06:05:00Z")

    [fact] = stage.facts()
    assert (fact["event"], fact["model"]) == ("late", "shoes")
    assert fact["id"] == "kanmon-test/late/shoes/retrain/2026-12-01T05:00:00Z"
    assert "shoes-by-hand is still running" in fact["summary"]


def test_a_bus_that_takes_nothing_stops_no_start_and_loses_no_fact(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    late_model(stage)
    publish(stage, "boots", MONTHLY)
    tick("2026-11-30T03:15:00Z")

    with throttled(monkeypatch, "PutEvents"):
        done = tick("2026-12-01T06:00:00Z")
    assert [each["model"] for each in done["starts"]] == ["boots"]
    assert (executions(stage), stage.facts()) == (done["started"], [])
    tick("2026-12-01T06:05:00Z")
    tick("2026-12-01T06:10:00Z")

    assert [one["event"] for one in stage.facts()] == ["late"]
    assert "telling" not in planned("shoes")


def test_a_tick_that_dies_before_it_told_is_made_good_for(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.plan import start as module

    late_model(stage)
    with monkeypatch.context() as patch:
        patch.setattr(module, "_tell", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            tick("2026-12-01T06:00:00Z")

    tick("2026-12-01T06:05:00Z")

    assert [one["event"] for one in stage.facts()] == ["late"]


def test_a_budget_that_is_reached_is_told_once_and_again_after_more_was_allowed(
    stage: Stage,
) -> None:
    publish(stage, "shoes", ON_DATA + "budget: {usd_per_month: 5}\n")
    arrive(stage, "datasets/shoes/a.csv")
    tick(EARLY)
    key = {"model": {"S": "shoes"}, "item": {"S": "cost#2026-11"}}
    stage.dynamodb.put_item(TableName=TABLE, Item={**key, "usd": {"N": "5.25"}})
    tick(QUIET)
    tick(LATER)
    [fact] = stage.facts()

    allowance = {"month": "2026-11", "usd": "0.20", "reason": "r", "at": EARLY, "by": "ada"}
    listed = {"L": [{"M": {name: {"S": value} for name, value in allowance.items()}}]}
    key = {"model": {"S": "shoes"}, "item": {"S": "cost"}}
    stage.dynamodb.put_item(TableName=TABLE, Item={**key, "allowances": listed})
    tick("2026-11-30T03:40:00Z")
    [again] = stage.facts()

    assert fact["id"] == "kanmon-test/budget reached/shoes/2026-11/5"
    assert again["id"] == "kanmon-test/budget reached/shoes/2026-11/5.2"
    assert fact["summary"].startswith(
        "Retraining of shoes does not start by itself: "
        "5.25 of the model's budget of 5.00 US dollars a month are spent, and this takes about "
    )
    assert "5.20 (with 0.20 that people allowed on top)" in again["summary"]


def test_approvers_are_reminded_of_a_release_that_waits(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPROVAL_MINUTES", str(7 * 24 * 60))
    publish(stage, "shoes")
    give_number(stage, 3)
    waits = {**WAITS, "run": "shoes-1", "review_uri": "s3://b/r.html"}
    write(stage, "shoes", "release#000003", **waits)

    for at in ("2026-12-03T14:55:00Z", "2026-12-03T15:00:00Z", "2026-12-03T15:05:00Z"):
        tick(at)
    [half] = stage.facts()
    write(stage, "shoes", "release#000003", **{**waits, "status": "APPROVED"})
    tick("2026-12-06T03:00:00Z")

    assert (half["event"], half["severity"], half["release"]) == ("release reminder", "action", 3)
    assert (half["until"], half["review_uri"]) == ("2026-12-07T03:00:00Z", "s3://b/r.html")
    assert stage.facts() == []


def test_a_review_that_began_later_than_its_release_has_its_reminders_later(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPROVAL_MINUTES", str(7 * 24 * 60))
    publish(stage, "shoes")
    give_number(stage, 3)
    write(stage, "shoes", "release#000003", **WAITS, started_at="2026-12-02T03:00:00Z")

    tick("2026-12-03T15:00:00Z")
    assert stage.facts() == []
    tick("2026-12-05T15:00:00Z")

    [half] = stage.facts()
    assert (half["event"], half["until"]) == ("release reminder", "2026-12-09T03:00:00Z")


@pytest.mark.parametrize(
    "newest",
    [
        None,  # its number is taken, and it is not open yet, or its run died
        {**WAITS, "approval": "automatic", "status": "PROMOTED"},  # it ends no review
        {**WAITS, "status": "REJECTED"},  # where model.yaml says `supersede: false`
    ],
)
def test_a_release_that_waits_is_reminded_of_beside_a_newer_one(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, newest: dict[str, str] | None
) -> None:
    monkeypatch.setenv("APPROVAL_MINUTES", str(7 * 24 * 60))
    publish(stage, "shoes")
    write(stage, "shoes", "release#000003", **WAITS)
    give_number(stage, 4)
    if newest:
        write(stage, "shoes", "release#000004", **newest)

    tick("2026-12-03T15:00:00Z")
    [half] = stage.facts()
    tick("2026-12-03T15:05:00Z")
    tick("2026-12-06T03:00:00Z")
    [last] = stage.facts()

    assert [(each["event"], each["release"]) for each in (half, last)] == [
        ("release reminder", 3),
        ("release reminder", 3),
    ]


def test_a_release_that_opens_after_its_number_was_seen_is_reminded_of(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPROVAL_MINUTES", str(7 * 24 * 60))
    publish(stage, "shoes")
    give_number(stage, 4)
    tick("2026-11-30T03:05:00Z")
    write(stage, "shoes", "release#000004", **WAITS)

    tick("2026-12-03T15:00:00Z")

    assert [(each["event"], each["release"]) for each in stage.facts()] == [("release reminder", 4)]


@pytest.mark.parametrize(
    "ticks",
    [
        ("2026-11-30T04:05:00Z", "2026-11-30T04:10:00Z"),  # its run had the lock
        ("2026-11-30T04:30:00Z",),  # it was redriven, and had none
    ],
)
def test_a_release_of_a_later_run_is_found(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, ticks: tuple[str, ...]
) -> None:
    monkeypatch.setenv("APPROVAL_MINUTES", "60")
    publish(stage, "shoes")
    give_number(stage, 4)
    tick("2026-11-30T03:05:00Z")
    give_number(stage, 5)
    opened = {**WAITS, "opened_at": "2026-11-30T04:00:00Z"}
    write(stage, "shoes", "release#000005", **opened)
    if len(ticks) > 1:
        key = {"model": {"S": "shoes"}, "item": {"S": "retrain-lock"}}
        stage.dynamodb.put_item(TableName=TABLE, Item={**key, "revision": {"N": "2"}})

    for at in (*ticks, "2026-11-30T04:35:00Z"):
        tick(at)

    assert [(each["event"], each["release"]) for each in stage.facts()] == [("release reminder", 5)]


def test_releases_that_are_decided_on_are_not_read_at_every_tick(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPROVAL_MINUTES", str(7 * 24 * 60))
    publish(stage, "shoes")
    give_number(stage, 400)
    for number in range(300, 401):
        write(stage, "shoes", f"release#{number:06d}", **{**WAITS, "status": "PROMOTED"})
    for at in ("2026-11-30T03:05:00Z", "2026-11-30T03:10:00Z"):
        tick(at)

    with counted(monkeypatch) as calls:
        tick("2026-11-30T03:15:00Z")

    assert json.loads(planned("shoes")["reviews"]) == {"seen": 400, "open": [], "lock": 0}
    assert calls["BatchGetItem"] == 1


# ---- data before its model, and ticks of a time to come


def test_data_that_came_before_its_model_retrains_it_once(stage: Stage) -> None:
    for name in ("a", "b"):
        stage.put(f"datasets/shoes/{name}.csv", "x")
        arrive(stage, f"datasets/shoes/{name}.csv", "2026-11-29T12:00:00Z")
    tick("2026-11-29T12:05:00Z")
    assert waiting(stage) == 0  # no model has this data

    publish(stage, "shoes")
    assert wait_of(tick(EARLY))["code"] == "data arrives"
    [start] = tick("2026-11-30T03:40:00Z")["starts"]
    later = tick("2026-12-02T03:10:00Z")

    assert start["model"] == "shoes"
    assert start["input"]["reason"].startswith("new data: 2 files")
    assert later["starts"] == []


def test_a_file_that_is_there_and_in_the_queue_is_one(stage: Stage) -> None:
    stage.put("datasets/shoes/a.csv", "x")
    arrive(stage, "datasets/shoes/a.csv")
    publish(stage, "shoes")

    tick(EARLY)

    assert json.loads(planned("shoes")["state"])["arrived"]["objects"] == 1


def test_a_stage_in_aws_refuses_a_tick_of_a_time_to_come(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(stage, "shoes", MONTHLY)
    monkeypatch.setenv("STAGE", "prod")
    clock = "2026-11-30T03:00:00Z"
    tick(clock, now=clock)
    before = planned("shoes")

    with pytest.raises(Exception, match="still to come; `kanmon plan --at"):
        tick("2026-12-01T05:00:00Z", now=clock)

    assert (planned("shoes"), executions(stage)) == (before, [])


def test_a_tick_that_comes_hours_late_starts_nothing_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(stage, "shoes", 'retrain: {schedule: {cron: "*/30 * * * *"}}\n')
    monkeypatch.setenv("STAGE", "prod")
    tick("2026-11-30T03:10:00Z", now="2026-11-30T03:10:00Z")
    at, clock = "2026-11-30T05:59:00Z", "2026-11-30T05:59:30Z"
    [started] = tick(at, now=clock)["starts"]
    ended = "core.plan.gather._running"
    monkeypatch.setattr(ended, lambda _, known, *__: {model: {} for model in known})

    late = tick("2026-11-30T03:45:00Z", now="2026-11-30T05:59:40Z")
    next_one = tick("2026-11-30T05:59:50Z", now="2026-11-30T05:59:55Z")

    assert late["at"] == "2026-11-30T05:59:40Z"
    assert (late["starts"], next_one["starts"]) == ([], [])
    assert executions(stage) == [started["name"]]


def test_a_fact_that_another_version_left_to_be_told_stops_no_tick(stage: Stage) -> None:
    late_model(stage)
    other = json.dumps([{"id": "kanmon-test/moon full/1", "event": "moon full"}])
    key = {"model": {"S": "#plan"}, "item": {"S": "shoes"}}
    stage.dynamodb.update_item(
        TableName=TABLE,
        Key=key,
        UpdateExpression="SET telling = :other",
        ExpressionAttributeValues={":other": {"S": other}},
    )

    tick("2026-12-01T06:00:00Z")

    assert [fact["event"] for fact in stage.facts()] == ["late"]
    assert "telling" not in planned("shoes")
