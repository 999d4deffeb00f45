"""What is reported as late: work that was due, that nothing holds back on purpose."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.planning_documents import NIGHTLY, World, definition, model, moment, written

NOON = moment("2026-11-30 12:00")
PAUSED = {"reason": "the shop moves", "at": "2026-11-30T12:00:00Z", "by": "ada"}
ALL_NIGHT = {"start": "22:00", "end": "08:00", "time_zone": "UTC"}


def ticked(world: World, **minutes: int) -> dict[str, Any]:
    """The decision after so much time has passed."""
    world.at += timedelta(**minutes)
    return world.tick()


def code_of(decided: dict[str, Any]) -> str:
    """Why churn is not scored."""
    [found] = [each for each in decided["waits"] if each["work"] == "score"]
    return str(found["code"])


def world_of(**keys: Any) -> World:
    """One model, churn, that the planner has seen once."""
    world = World(NOON, {"churn": model(definition=definition(**keys))})
    world.tick()
    return world


def test_what_was_due_and_has_not_started_is_reported_late_once() -> None:
    world = world_of(retrain={"schedule": NIGHTLY})
    world.models["churn"]["running"] = {"retrain": "churn-by-hand"}
    assert ticked(world, hours=14)["late"] == []
    [late] = ticked(world, hours=1)["late"]
    assert late["due"] == "2026-12-01T01:30:00Z"
    assert "churn-by-hand is still running" in late["because"]
    assert ticked(world, hours=1)["late"] == []
    # The next night is due as well, and waits for the same.
    assert ticked(world, days=1)["late"] == []


def test_what_is_due_more_often_than_once_an_hour_is_reported_late_too() -> None:
    world = world_of(retrain={"schedule": {"cron": "*/15 * * * *", "time_zone": "UTC"}})
    world.models["churn"]["running"] = {"retrain": "churn-by-hand"}

    late = [each for _ in range(30) for each in ticked(world, minutes=5)["late"]]

    assert [each["due"] for each in late] == ["2026-11-30T12:15:00Z"]


@pytest.mark.parametrize(
    ("code", "content"),
    [
        ("paused", {"paused": PAUSED}),
        ("quiet hours", {"definition": definition(batch_schedule=NIGHTLY, quiet_hours=ALL_NIGHT)}),
        ("model budget", {"definition": definition(batch_schedule=NIGHTLY, budget_usd=0.0)}),
        ("stage budget", {"estimate_usd": {"score": 99.0}}),
        # Its first release is not approved, or it was taken out of service: people did that.
        ("no release", {"live": None}),
    ],
)
def test_what_is_held_back_on_purpose_is_not_late(code: str, content: dict[str, Any]) -> None:
    churn = model(definition=definition(batch_schedule=NIGHTLY)) | content
    world = World(NOON, {"churn": churn}, budget_usd=50.0)
    world.tick()

    decisions = [ticked(world, hours=1) for _ in range(19)]

    assert code_of(decisions[13]) == code
    assert [each["late"] for each in decisions if each["late"]] == []


def test_what_was_held_back_on_purpose_is_late_an_hour_after_it_was_free_to_start() -> None:
    held = definition(batch_schedule=NIGHTLY, quiet_hours=ALL_NIGHT)
    world = World(NOON, {"churn": model(definition=held)}, most_at_once=0)
    world.tick()

    late = {written(world.at): each for _ in range(24) for each in ticked(world, hours=1)["late"]}

    # Eight o'clock is the end of the quiet hours; from then on the stage is full.
    assert list(late) == ["2026-12-01T09:00:00Z"]
    assert late["2026-12-01T09:00:00Z"]["due"] == "2026-12-01T01:30:00Z"
