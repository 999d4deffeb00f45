"""Starts that were given up, reminders of approvers, and what people allowed on top of a budget."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from core.plan.refusals import for_good
from core.plan.rule import decide
from core.plan.state import given_back
from tests.support.planning_documents import (
    MONTHLY,
    NIGHTLY,
    World,
    definition,
    document,
    model,
    moment,
    written,
)

NOON = moment("2026-11-30 12:00")
DRIFT = {"state": "alarm", "monitoring": "churn-1", "checks": ["drift"]}


def world_of(**keys: Any) -> World:
    """One model, churn, that the planner has seen once."""
    world = World(NOON, {"churn": model(definition=definition(**keys))})
    world.tick()
    return world


def ticked(world: World, **minutes: int) -> dict[str, Any]:
    world.at += timedelta(**minutes)
    return world.tick()


def refuse(world: World, decided: dict[str, Any]) -> None:
    """What starts.py does with a start that is given up."""
    [start] = decided["starts"]
    churn = world.models["churn"]
    churn["running"] = {}
    churn["state"] = given_back(churn["state"], start, written(world.at), "AccessDenied: no")


def wait_of(decided: dict[str, Any]) -> dict[str, Any]:
    [found] = [each for each in decided["waits"] if each["work"] == "retrain"]
    return dict(found)


# ---- a start that was given up


def test_what_asked_for_a_start_that_was_given_up_asks_again_a_day_later() -> None:
    world = world_of(retrain={"schedule": MONTHLY, "on": ["data", "definition", "drift"]})
    world.put("churn", 3)
    churn = world.models["churn"]
    churn["watch"] = DRIFT
    churn["definition"] = {**churn["definition"], "sha256": "b" * 64}
    first = ticked(world, days=1)
    refuse(world, first)

    waits = wait_of(ticked(world, minutes=5))
    again = ticked(world, days=1)

    assert (waits["code"], waits["until"]) == ("could not start", "2026-12-02T12:00:00Z")
    assert "AccessDenied: no" in waits["because"]
    assert again["starts"][0]["reasons"] == first["starts"][0]["reasons"]
    assert "refused" not in again["state"]["churn"]


def test_a_schedule_tries_again_when_it_is_due_anew() -> None:
    world = world_of(retrain={"schedule": {"cron": "0 * * * *", "time_zone": "UTC"}})
    refuse(world, ticked(world, hours=1))

    assert ticked(world, minutes=55)["starts"] == []
    assert ticked(world, minutes=5)["starts"][0]["kinds"] == ["schedule"]


def test_a_start_that_was_given_up_is_no_cool_down_and_not_late() -> None:
    world = world_of(retrain={"schedule": MONTHLY, "on": ["data"], "cool_down_hours": 240})
    refuse(world, ticked(world, days=1))
    decisions = [ticked(world, hours=1) for _ in range(23)]

    assert [each["late"] for each in decisions if each["late"]] == []
    assert ticked(world, hours=1)["starts"] != []


def refusal(code: str, status: int = 400) -> ClientError:
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "StartExecution")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "given_up"),
    [
        (refusal("ValidationException"), True),
        (refusal("AccessDeniedException"), True),
        (refusal("StateMachineDoesNotExist"), True),
        (refusal("ThrottlingException"), False),
        (refusal("ExecutionLimitExceeded"), False),  # a million of them run
        (refusal("InternalServerError", 500), False),
        (EndpointConnectionError(endpoint_url="https://states"), False),
    ],
)
def test_only_what_cannot_succeed_later_is_given_up(error: Exception, given_up: bool) -> None:
    assert for_good(error) is given_up


# ---- reminders


def waiting(days: float, release: int = 7) -> dict[str, Any]:
    since = written(NOON)
    return {"release": release, "since": since, "until": written(NOON + timedelta(days=days))}


def reminded(days: int, hours: int) -> list[str]:
    """When approvers are reminded of a release that waits so many days; a tick every so often."""
    world = World(NOON, {"churn": model(waiting=[waiting(days)])})
    found = []
    while world.at < NOON + timedelta(days=days + 1):
        found += [written(world.at) for _ in ticked(world, hours=hours)["reminders"]]
    return found


@pytest.mark.parametrize(
    ("days", "times"),
    [
        (7, ["2026-12-04T00:00:00Z", "2026-12-06T12:00:00Z"]),
        (3, ["2026-12-02T00:00:00Z", "2026-12-02T12:00:00Z"]),
        (2, ["2026-12-01T12:00:00Z"]),  # half time is a day before the end
        (1, ["2026-12-01T00:00:00Z"]),
    ],
)
def test_approvers_are_reminded_at_half_time_and_a_day_before_the_end(
    days: int, times: list[str]
) -> None:
    assert reminded(days, hours=1) == times


def test_of_reminders_that_were_missed_there_is_one() -> None:
    # The first tick comes six days and six hours after the release.
    assert reminded(7, hours=150) == ["2026-12-06T18:00:00Z"]


def test_a_release_that_was_decided_on_is_not_reminded_of_and_the_next_one_is() -> None:
    world = World(NOON, {"churn": model(waiting=[waiting(7)])})
    assert ticked(world, days=4)["reminders"][0]["release"] == 7
    world.models["churn"]["waiting"] = []
    assert ticked(world, days=2)["reminders"] == []
    world.models["churn"]["waiting"] = [waiting(7, release=8)]
    assert ticked(world, minutes=5)["reminders"][0]["release"] == 8


def test_each_of_several_releases_that_wait_is_reminded_of_once() -> None:
    world = World(NOON, {"churn": model(waiting=[waiting(7, 7), waiting(9, 8)])})

    found = [
        (written(world.at), each["release"])
        for _ in range(8)
        for each in ticked(world, days=1)["reminders"]
    ]

    assert found == [
        ("2026-12-04T12:00:00Z", 7),
        ("2026-12-05T12:00:00Z", 8),
        ("2026-12-06T12:00:00Z", 7),
        ("2026-12-08T12:00:00Z", 8),
    ]


# ---- allowances


def allowance(usd: float) -> dict[str, Any]:
    return {"month": "2026-12", "usd": usd, "reason": "a shop opens", "at": "", "by": "ada"}


def test_what_people_allowed_on_top_of_a_budget_lets_work_start_and_no_more() -> None:
    world = world_of(retrain={"schedule": NIGHTLY}, budget_usd=2.0)
    ticked(world, hours=13)  # a new month begins
    churn = world.models["churn"]
    churn |= {"spent_usd": 1.5, "estimate_usd": {"retrain": 1.0}}
    assert ticked(world, hours=1)["budget"][0]["budget_usd"] == 2.0

    churn["allowed"] = [allowance(0.5)]
    started = ticked(world, minutes=5)
    # The night after: 2.5 are spent.
    stopped = ticked(world, days=1)

    assert [each["work"] for each in started["starts"]] == ["retrain"]
    assert "2.50 (with 0.50 that people allowed on top)" in wait_of(stopped)["because"]
    # Another limit is reached, and that is news again, once.
    assert [each["budget_usd"] for each in stopped["budget"]] == [2.5]
    assert ticked(world, minutes=5)["budget"] == []


def test_the_stages_budget_can_be_raised_too() -> None:
    each = model(definition=definition(retrain={"schedule": NIGHTLY}), estimate_usd={"retrain": 1})
    world = World(NOON, {"churn": each}, budget_usd=0.5)
    world.tick()
    assert wait_of(ticked(world, hours=14))["code"] == "stage budget"
    world.stage["allowed"] = [allowance(0.5)]
    assert ticked(world, minutes=5)["starts"] != []


# ---- ticks of a time to come


def test_a_tick_of_a_time_to_come_leaves_what_is_due_before_it_to_the_clock() -> None:
    world = world_of(retrain={"schedule": NIGHTLY, "on": ["data"]})
    assert ticked(world, days=30)["starts"] != []
    world.models["churn"]["running"] = {}

    world.at = NOON
    at_once = ticked(world, minutes=5)
    tonight = ticked(world, hours=14)

    assert at_once["starts"] == []
    assert [each["kinds"] for each in tonight["starts"]] == [["schedule"]]


def test_two_ticks_in_the_wrong_order_start_nothing_twice() -> None:
    world = world_of(retrain={"schedule": {"cron": "*/5 * * * *", "time_zone": "UTC"}})
    assert ticked(world, minutes=10)["starts"] != []
    world.models["churn"]["running"] = {}
    assert ticked(world, minutes=-5)["starts"] == []
    assert ticked(world, minutes=5)["starts"] == []


def test_records_of_earlier_versions_are_decided_on_as_before() -> None:
    """They have no allowances, no release that waits or one alone, and the month of a budget."""
    old = model(definition=definition(retrain={"schedule": NIGHTLY}), state={"budget": {}})
    assert decide(document(NOON, {"churn": old}))["reminders"] == []
    one = {**old, "waiting": waiting(7)}
    [reminder] = decide(document(NOON + timedelta(days=4), {"churn": one}))["reminders"]
    assert reminder["release"] == 7
