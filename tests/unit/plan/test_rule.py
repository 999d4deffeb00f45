"""What the planner starts, and what it says about the rest."""

from datetime import timedelta
from typing import Any

import pytest

from core.plan.rule import decide
from core.words.language import Speech, speaking
from tests.support.planning_documents import (
    MONTHLY,
    NIGHTLY,
    World,
    definition,
    document,
    model,
    moment,
)

NOON = moment("2026-11-30 12:00")
ALARM = {"state": "alarm", "monitoring": "churn-1", "checks": ["drift", "missing"]}


def ticked(world: World, **minutes: int) -> dict[str, Any]:
    """The decision after so much time has passed."""
    world.at += timedelta(**minutes)
    return world.tick()


def started(decided: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["model"], each["work"]) for each in decided["starts"]]


def wait_of(decided: dict[str, Any], work: str = "retrain", name: str = "churn") -> dict[str, Any]:
    [found] = [each for each in decided["waits"] if (each["model"], each["work"]) == (name, work)]
    return dict(found)


def world_of(**keys: Any) -> World:
    """One model, churn, that the planner has seen once."""
    world = World(NOON, {"churn": model(definition=definition(**keys))})
    world.tick()
    return world


def test_the_same_document_gives_the_same_decision() -> None:
    asked = document(NOON, {"churn": model(definition=definition(retrain={"schedule": NIGHTLY}))})
    assert decide(asked) == decide(asked)


def test_a_recorded_document_gives_its_words_again_whatever_the_stage_speaks_now() -> None:
    models = {"churn": model(definition=definition(retrain={"schedule": NIGHTLY}))}
    recorded = document(NOON, models, language="ja", time_zone="Asia/Tokyo")
    then = decide(recorded)
    with speaking(Speech("en", "America/New_York")):
        now = decide(recorded)

    assert now == then
    assert wait_of(then)["because"] == "次の予定は 2026年12月1日 10:30 JST"
    assert wait_of(decide(document(NOON, models)))["because"].startswith(
        "not due before 2026-12-01"
    )


def test_every_model_and_work_starts_or_says_why_not() -> None:
    decided = decide(document(NOON, {"churn": model(), "abalone": model()}))
    assert len(decided["starts"]) + len(decided["waits"]) == 6
    assert all(each["because"] for each in decided["waits"])


def test_a_new_schedule_begins_with_its_next_time() -> None:
    world = world_of(retrain={"schedule": NIGHTLY})
    assert world.started == []
    assert wait_of(world.decisions[-1])["until"] == "2026-12-01T01:30:00Z"
    assert started(ticked(world, hours=13)) == []
    assert started(ticked(world, minutes=30)) == [("churn", "retrain")]
    assert started(ticked(world, minutes=30)) == []


def test_a_start_names_the_time_in_the_place_of_the_schedule() -> None:
    decided = ticked(world_of(retrain={"schedule": NIGHTLY}), hours=14)
    [start] = decided["starts"]
    assert start["input"] == {
        "model": "churn",
        "reason": "scheduled for 2026-12-01 02:30:00 CET",
    }
    assert start["name"].startswith("churn-261201020000-")


def test_times_that_were_missed_are_caught_up_once() -> None:
    world = world_of(retrain={"schedule": NIGHTLY})
    [start] = ticked(world, days=3)["starts"]
    assert start["reasons"] == [
        "scheduled for 2026-12-03 02:30:00 CET, and 2 times before it that were missed"
    ]
    assert started(ticked(world, minutes=60)) == []


def test_scoring_and_monitoring_have_schedules_of_their_own() -> None:
    world = world_of(batch_schedule=MONTHLY, monitor_schedule=NIGHTLY)
    # What was due first comes first: the monitoring of two nights, before the month's batch.
    assert started(ticked(world, days=2)) == [("churn", "monitor"), ("churn", "score")]


def test_without_a_release_nothing_is_scored_or_monitored_until_there_is_one() -> None:
    world = world_of(batch_schedule=NIGHTLY)
    world.models["churn"]["live"] = None
    assert wait_of(ticked(world, days=1), "score")["code"] == "no release"
    world.models["churn"]["live"] = 1
    assert started(ticked(world, minutes=5)) == [("churn", "score")]


def test_new_data_starts_one_run_when_none_came_for_the_quiet_minutes() -> None:
    world = world_of(retrain={"on": ["data"]})
    for _ in range(5):
        world.put("churn", 100)
        assert wait_of(ticked(world, minutes=5))["code"] == "data arrives"
    # The last came at 12:20, and was seen at 12:25.
    assert wait_of(ticked(world, minutes=20))["until"] == "2026-11-30T12:50:00Z"
    [start] = ticked(world, minutes=5)["starts"]
    assert start["reasons"] == ["new data: 500 files, the last at 2026-11-30 12:20:00 UTC"]
    assert started(ticked(world, hours=48)) == []


def test_data_is_no_reason_where_the_model_does_not_ask_for_it() -> None:
    world = world_of()
    world.put("churn")
    assert started(ticked(world, hours=2)) == []


def test_data_that_comes_within_the_cool_down_waits_for_its_end() -> None:
    world = world_of(retrain={"on": ["data"], "cool_down_hours": 24})
    world.put("churn")
    assert started(ticked(world, hours=1)) == [("churn", "retrain")]
    world.put("churn")
    waits = wait_of(ticked(world, hours=1))
    assert (waits["code"], waits["until"]) == ("cool-down", "2026-12-01T13:00:00Z")
    assert started(ticked(world, hours=23)) == [("churn", "retrain")]


def test_a_schedule_does_not_wait_for_the_cool_down() -> None:
    world = world_of(retrain={"schedule": NIGHTLY, "on": ["data"], "cool_down_hours": 240})
    world.put("churn")
    assert started(ticked(world, hours=1)) == [("churn", "retrain")]
    assert started(ticked(world, hours=13)) == [("churn", "retrain")]


def test_a_changed_definition_starts_a_run_and_the_first_one_does_not() -> None:
    world = world_of(retrain={"on": ["definition"]})
    world.models["churn"]["definition"]["sha256"] = "b" * 64
    [start] = ticked(world, minutes=5)["starts"]
    assert start["reasons"] == ["the definition changed to bbbbbbbbbbbb"]
    assert started(ticked(world, hours=1)) == []


def test_an_alarm_starts_one_run_and_the_next_monitoring_may_start_another() -> None:
    world = world_of(retrain={"on": ["drift"], "cool_down_hours": 1})
    world.models["churn"]["watch"] = ALARM
    [start] = ticked(world, minutes=5)["starts"]
    assert start["reasons"] == ["drift found by monitoring churn-1"]
    assert started(ticked(world, hours=2)) == []
    world.models["churn"]["watch"] = {**ALARM, "monitoring": "churn-2"}
    assert started(ticked(world, minutes=5)) == [("churn", "retrain")]


@pytest.mark.parametrize(
    ("asked", "checks", "starts"),
    [
        (["drift"], ["prediction"], True),
        (["drift"], ["missing", "unknown", "invalid"], False),
        (["quality"], ["drift"], False),
        (["quality"], ["quality"], True),
    ],
)
def test_only_the_alarms_that_retraining_can_cure_ask_for_it(
    asked: list[str], checks: list[str], starts: bool
) -> None:
    world = world_of(retrain={"on": asked})
    world.models["churn"]["watch"] = {**ALARM, "checks": checks}
    assert bool(ticked(world, minutes=5)["starts"]) is starts


def test_all_reasons_of_a_run_are_named() -> None:
    world = world_of(retrain={"schedule": NIGHTLY, "on": ["data", "drift"]})
    world.put("churn")
    world.models["churn"]["watch"] = ALARM
    [start] = ticked(world, hours=14)["starts"]
    assert start["kinds"] == ["schedule", "data", "alarm"]
    assert start["input"]["reason"] == "; ".join(start["reasons"])


def test_while_a_run_works_the_next_one_waits_and_is_not_lost() -> None:
    world = world_of(retrain={"schedule": NIGHTLY})
    world.models["churn"]["running"] = {"retrain": "churn-by-hand"}
    assert wait_of(ticked(world, hours=14))["because"] == "churn-by-hand is still running"
    world.models["churn"]["running"] = {}
    assert started(ticked(world, minutes=5)) == [("churn", "retrain")]


def test_in_quiet_hours_nothing_starts_and_afterwards_it_does() -> None:
    hours = {"start": "01:00", "end": "07:00", "time_zone": "Europe/Berlin"}
    world = world_of(retrain={"schedule": NIGHTLY}, quiet_hours=hours)
    waits = wait_of(ticked(world, hours=14))
    assert (waits["code"], waits["until"]) == ("quiet hours", "2026-12-01T06:00:00Z")
    assert waits["reasons"] == ["scheduled for 2026-12-01 02:30:00 CET"]
    assert started(ticked(world, hours=4)) == [("churn", "retrain")]


def test_what_is_due_while_a_model_is_paused_passes_but_data_and_changes_are_kept() -> None:
    world = world_of(retrain={"schedule": NIGHTLY, "on": ["data"]})
    world.models["churn"]["paused"] = {"reason": "audit", "at": "2026-11-30T12:00:00Z", "by": "x"}
    assert (
        wait_of(ticked(world, hours=14))["because"] == "paused since 2026-11-30 12:00:00 UTC: audit"
    )
    world.models["churn"]["paused"] = None
    assert started(ticked(world, minutes=5)) == []
    world.models["churn"]["paused"] = {"reason": "audit", "at": "2026-11-30T12:00:00Z", "by": "x"}
    world.put("churn")
    assert started(ticked(world, hours=1)) == []
    world.models["churn"]["paused"] = None
    assert started(ticked(world, minutes=5)) == [("churn", "retrain")]


def test_a_start_beyond_the_budget_waits_for_the_next_month() -> None:
    world = world_of(retrain={"schedule": NIGHTLY}, budget_usd=2.0)
    ticked(world, hours=13)  # a new month begins
    world.models["churn"] |= {"spent_usd": 1.5, "estimate_usd": {"retrain": 1.0}}
    decided = ticked(world, hours=1)
    assert wait_of(decided)["code"] == "model budget"
    assert wait_of(decided)["until"] == "2027-01-01T00:00:00Z"
    assert [each["code"] for each in decided["budget"]] == ["model budget"]
    assert ticked(world, hours=24)["budget"] == []  # said once
    world.at = moment("2027-01-01 00:00")
    assert started(world.tick()) == [("churn", "retrain")]


def test_without_an_earlier_run_to_estimate_from_it_starts_while_any_budget_is_left() -> None:
    world = world_of(retrain={"schedule": NIGHTLY}, budget_usd=2.0)
    ticked(world, hours=13)
    world.models["churn"]["spent_usd"] = 1.99
    assert started(ticked(world, hours=1)) == [("churn", "retrain")]
    ticked(world, hours=1)
    world.models["churn"] |= {"spent_usd": 2.0, "estimate_usd": {}}
    assert wait_of(ticked(world, hours=24))["code"] == "model budget"


def test_that_the_stages_budget_is_reached_is_said_once_for_all_models() -> None:
    each = definition(retrain={"schedule": NIGHTLY})
    models = {name: model(definition=each, estimate_usd={"retrain": 1.0}) for name in ("a1", "b1")}
    world = World(NOON, models, budget_usd=0.5)
    world.tick()
    assert [each["code"] for each in ticked(world, hours=14)["budget"]] == ["stage budget"]
    assert ticked(world, minutes=5)["budget"] == []


def test_what_still_runs_counts_as_spent() -> None:
    world = world_of(retrain={"schedule": NIGHTLY}, batch_schedule=NIGHTLY, budget_usd=2.0)
    world.models["churn"]["estimate_usd"] = {"retrain": 1.5, "score": 1.0}
    world.models["churn"]["running"] = {"score": "churn-batch"}
    assert wait_of(ticked(world, hours=14))["code"] == "model budget"


def test_the_starts_of_one_tick_share_the_stages_budget() -> None:
    each = definition(retrain={"schedule": NIGHTLY})
    models = {name: model(definition=each, estimate_usd={"retrain": 1.0}) for name in ("a1", "b1")}
    world = World(NOON, models, budget_usd=1.5)
    world.tick()
    decided = ticked(world, hours=14)
    assert started(decided) == [("a1", "retrain")]
    assert wait_of(decided, name="b1")["code"] == "stage budget"


def test_no_more_start_than_may_run_at_once_and_those_that_wait_longest_come_first() -> None:
    early = definition(retrain={"schedule": {"cron": "0 1 * * *", "time_zone": "UTC"}})
    late = definition(retrain={"schedule": {"cron": "0 2 * * *", "time_zone": "UTC"}})
    world = World(
        NOON, {"a1": model(definition=late), "b1": model(definition=early)}, most_at_once=1
    )
    world.tick()
    decided = ticked(world, hours=15)
    assert started(decided) == [("b1", "retrain")]
    assert wait_of(decided, name="a1")["code"] == "queue"
    assert started(ticked(world, minutes=30)) == [("a1", "retrain")]


def test_what_is_due_again_while_it_waits_has_waited_since_it_was_due_first() -> None:
    often = definition(retrain={"schedule": {"cron": "0 * * * *", "time_zone": "UTC"}})
    once = definition(retrain={"schedule": {"cron": "30 14 * * *", "time_zone": "UTC"}})
    world = World(NOON, {"a1": model(definition=once), "b1": model(definition=often)})
    world.tick()
    world.stage["most_at_once"] = 0
    world.run_until(NOON + timedelta(hours=4))
    world.stage["most_at_once"] = 1

    decided = ticked(world, minutes=5)

    # b1 was due at one for the first time, and at four for the last time.
    [start] = decided["starts"]
    assert start["model"] == "b1"
    assert "and 3 times before it that were missed" in start["reasons"][0]
    assert wait_of(decided, name="a1")["code"] == "queue"


def test_a_definition_that_cannot_be_read_starts_nothing_and_loses_nothing() -> None:
    world = world_of(retrain={"schedule": NIGHTLY, "on": ["data"]})
    whole = world.models["churn"]["definition"]
    world.put("churn")
    world.models["churn"]["definition"] = {"sha256": "c" * 64, "problem": "line 3: no such key"}
    decided = ticked(world, hours=14)
    assert {each["code"] for each in decided["waits"]} == {"invalid definition"}
    world.models["churn"]["definition"] = whole
    [start] = ticked(world, minutes=5)["starts"]
    assert start["kinds"] == ["schedule", "data"]


def test_a_model_that_is_gone_is_not_planned() -> None:
    world = world_of(retrain={"schedule": NIGHTLY})
    del world.models["churn"]
    decided = ticked(world, hours=14)
    assert (decided["starts"], decided["waits"], decided["state"]) == ([], [], {})
