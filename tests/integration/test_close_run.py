"""Close Run: the record, the hand-over and the notice, however often it is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import close_run
import open_run
from core.runs.lock import release_lock
from core.stage import gateways
from tests.support.stage_in_memory import RUN, Context, Stage

Load = Callable[[str], dict[str, Any]]
WAITING = "churn-261121060000-a1b"


def open_for(context: Context, run: str, **request: Any) -> dict[str, Any]:
    return open_run.handler({"run": run, "request": {"model": "churn", **request}}, context)


def test_a_closed_run_is_recorded_and_told(
    stage: Stage, context: Context, load_event: Load
) -> None:
    open_for(context, RUN)
    event = load_event("close_run")

    closed = close_run.handler(event, context)

    assert closed == {
        "run": RUN,
        "model": "churn",
        "outcome": "new",
        "verdict": "promote",
        "summary": event["summary"],
        "package_arn": event["package_arn"],
        "review_uri": event["review_uri"],
        "release": None,
        "equals": None,
        "started_next": None,
    }
    record = stage.record()
    assert {name: record[name] for name in ("status", "verdict", "summary", "package_arn")} == {
        "status": "SUCCEEDED",
        "verdict": "promote",
        "summary": event["summary"],
        "package_arn": event["package_arn"],
    }
    assert stage.item(f"fingerprint#{event['fingerprint']}")["run"] == {"S": RUN}
    assert stage.holder() is None
    [fact] = stage.facts()
    assert {name: fact[name] for name in ("event", "stack", "model", "run", "summary")} == {
        "event": "candidate registered",
        "stack": "kanmon-test",
        "model": "churn",
        "run": RUN,
        "summary": event["summary"],
    }


def test_nothing_new_is_recorded_as_such(stage: Stage, context: Context, load_event: Load) -> None:
    open_for(context, RUN)
    event = {
        name: load_event("close_run")[name] for name in ("run", "model", "summary", "fingerprint")
    }

    closed = close_run.handler({**event, "outcome": "nothing new", "equals": "churn-1"}, context)

    assert (closed["equals"], closed["verdict"], closed["package_arn"]) == ("churn-1", None, None)
    assert stage.record()["status"] == "NOTHING_NEW"
    assert stage.item(f"fingerprint#{event['fingerprint']}")["run"] == {"S": "churn-1"}
    assert [fact["event"] for fact in stage.facts()] == ["nothing new"]


def test_the_queued_request_is_started_and_holds_the_lock(
    stage: Stage, context: Context, load_event: Load
) -> None:
    open_for(context, RUN)
    open_for(context, WAITING, reason="drift", parameters={"learning_rate": 1.0})

    closed = close_run.handler(load_event("close_run"), context)

    started = closed["started_next"]
    assert stage.executions() == [started]
    assert stage.holder() == started
    [execution] = stage.states.list_executions(
        stateMachineArn="arn:aws:states:us-east-1:123456789012:stateMachine:kanmon-test-retrain"
    )["executions"]
    described = stage.states.describe_execution(executionArn=execution["executionArn"])
    assert described["input"] == (
        '{"model": "churn", "reason": "drift", "force": false, '
        '"parameters": {"learning_rate": 1.0}}'
    )


def test_every_queued_run_is_told_which_run_took_it_over(
    stage: Stage, context: Context, load_event: Load
) -> None:
    later = "churn-261121055502-ab2"
    open_for(context, RUN)
    open_for(context, WAITING)
    open_for(context, later)

    closed = close_run.handler(load_event("close_run"), context)

    records = [stage.record(run) for run in (WAITING, later)]
    assert [(one["status"], one["taken_over_by"]) for one in records] == [
        ("QUEUED", closed["started_next"]),
        ("QUEUED", closed["started_next"]),
    ]


def test_closing_twice_starts_the_queued_request_once_and_tells_once(
    stage: Stage, context: Context, load_event: Load
) -> None:
    open_for(context, RUN)
    open_for(context, WAITING)

    first = close_run.handler(load_event("close_run"), context)
    again = close_run.handler(load_event("close_run"), context)

    assert again == first
    assert stage.executions() == [first["started_next"]]
    assert len(stage.facts()) == 1


def test_a_close_that_died_between_hand_over_and_start_is_finished_by_its_repeat(
    stage: Stage, context: Context, load_event: Load
) -> None:
    open_for(context, RUN)
    open_for(context, WAITING)
    handed = release_lock(gateways.stage().runs, "churn", RUN, 1)  # and here it died

    closed = close_run.handler(load_event("close_run"), context)

    assert handed is not None
    assert closed["started_next"] == handed.to
    assert stage.executions() == [handed.to]


def test_the_run_that_was_handed_the_lock_opens_and_closes_like_any_other(
    stage: Stage, context: Context, load_event: Load
) -> None:
    open_for(context, RUN)
    open_for(context, WAITING, reason="drift")
    following = close_run.handler(load_event("close_run"), context)["started_next"]

    answer = open_for(context, following, reason="drift")
    close_run.handler({**answer, "package_arn": "arn"}, context)

    assert answer["outcome"] == "new"
    assert stage.holder() is None
    assert stage.executions() == [following]


def test_a_run_that_lost_its_lock_does_not_take_it_from_the_one_that_has_it(
    stage: Stage, context: Context, load_event: Load
) -> None:
    open_for(context, WAITING)

    close_run.handler(load_event("close_run"), context)

    assert stage.holder() == WAITING
