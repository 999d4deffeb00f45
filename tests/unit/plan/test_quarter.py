"""A quarter of a year of ticks: every start is expected, and what does not start says why."""

from collections import Counter
from datetime import timedelta

import pytest

from tests.support.planning_documents import World, definition, model, moment, written

BERLIN = "Europe/Berlin"
OFFICE = {"start": "08:00", "end": "18:00", "time_zone": BERLIN}
BEGIN, END = moment("2026-09-01 00:00"), moment("2026-12-01 00:00")
OUTAGE = moment("2026-09-20 12:00"), moment("2026-09-21 18:00")


@pytest.fixture(scope="module")
def quarter() -> World:
    """churn is scored each night, watched weekly and retrained on drift; abalone learns from new
    data, on a small budget; segments is retrained once a month."""
    churn = definition(
        retrain={"on": ["drift"]},
        batch_schedule={"cron": "30 2 * * *", "time_zone": BERLIN},
        monitor_schedule={"cron": "0 7 * * 1", "time_zone": BERLIN},
    )
    abalone = definition(retrain={"on": ["data"]}, budget_usd=3.0, quiet_hours=OFFICE)
    segments = definition(retrain={"schedule": {"cron": "0 6 1 * *", "time_zone": BERLIN}})
    models = {"churn": churn, "abalone": abalone, "segments": segments}
    world = World(BEGIN, {name: model(definition=each) for name, each in models.items()})
    world.tick()
    _live_through(world)
    return world


def _live_through(world: World) -> None:
    """Ticks of a quarter of an hour, with what happens on the way."""
    for at, act in sorted(
        [
            # Data in the evening, and more of it a quarter of an hour later.
            (moment("2026-09-05 20:00"), lambda: world.put("abalone", 3)),
            (moment("2026-09-05 20:15"), lambda: world.put("abalone", 2)),
            # In the middle of office hours, so it waits for the evening.
            (moment("2026-09-12 09:00"), lambda: world.put("abalone")),
            # While nothing ticks.
            (moment("2026-09-21 01:00"), lambda: world.put("abalone")),
            # The fourth of the month would pass the budget of three.
            (moment("2026-09-25 20:00"), lambda: world.put("abalone")),
            # The monitoring of 5 October finds drift, which lasts for two more.
            *[
                (moment(f"2026-10-{day} 06:00"), lambda day=day: _drift(world, day))
                for day in ("05", "12", "19")
            ],
            # The champion is replaced, and healthy again.
            (moment("2026-10-26 07:00"), lambda: world.models["churn"].update(watch=None)),
        ],
        key=lambda each: each[0],
    ):
        _tick_until(world, at)
        act()
    _tick_until(world, END)


def _drift(world: World, day: str) -> None:
    watch = {"state": "alarm", "monitoring": f"churn-{day}", "checks": ["drift"]}
    world.models["churn"]["watch"] = watch


def _tick_until(world: World, end: object) -> None:
    while world.at < end:  # type: ignore[operator]
        world.at += timedelta(minutes=15)
        if not OUTAGE[0] <= world.at < OUTAGE[1]:
            world.tick()


def test_a_quarter_starts_what_it_should_and_nothing_else(quarter: World) -> None:
    starts = [each for each in quarter.started if each[2] != "score"]
    assert [each for each in starts if each[1] == "segments"] == [
        ("2026-09-01T04:00:00Z", "segments", "retrain", ("schedule",)),
        ("2026-10-01T04:00:00Z", "segments", "retrain", ("schedule",)),
        ("2026-11-01T05:00:00Z", "segments", "retrain", ("schedule",)),
    ]
    assert [each for each in starts if each[1] == "abalone"] == [
        ("2026-09-05T20:45:00Z", "abalone", "retrain", ("data",)),
        ("2026-09-12T16:00:00Z", "abalone", "retrain", ("data",)),
        ("2026-09-21T18:00:00Z", "abalone", "retrain", ("data",)),
        # Held back by September's budget.
        ("2026-10-01T00:00:00Z", "abalone", "retrain", ("data",)),
    ]
    assert [each[0] for each in starts if each[1:3] == ("churn", "retrain")] == [
        "2026-10-05T06:15:00Z",
        "2026-10-12T06:15:00Z",
        "2026-10-19T06:15:00Z",
    ]
    mondays = [each[0] for each in starts if each[1:3] == ("churn", "monitor")]
    assert len(mondays) == 13
    assert mondays[2] == "2026-09-21T18:00:00Z"  # caught up after the outage
    assert mondays[8] == "2026-11-02T06:00:00Z"  # an hour later in UTC, as clocks went back


def test_each_night_of_a_quarter_is_scored_once_but_for_those_of_an_outage(quarter: World) -> None:
    scored = [each[0] for each in quarter.started if each[2] == "score"]
    assert max(Counter(each[:10] for each in scored).values()) == 1
    # 91 nights. The outage of one and a half days hit one, which was caught up.
    assert len(scored) == 91
    assert "2026-09-21T18:00:00Z" in scored
    assert "2026-10-25T00:30:00Z" in scored  # 02:30 came twice


def test_every_tick_of_a_quarter_says_why_the_rest_did_not_start(quarter: World) -> None:
    codes = Counter(each["code"] for decided in quarter.decisions for each in decided["waits"])
    assert set(codes) == {"nothing due", "data arrives", "quiet hours", "model budget"}
    assert all(len(decided["starts"]) + len(decided["waits"]) == 9 for decided in quarter.decisions)
    reached = [each for decided in quarter.decisions for each in decided["budget"]]
    assert [(each["model"], each["month"]) for each in reached] == [("abalone", "2026-09")]
    late = [each for decided in quarter.decisions for each in decided["late"]]
    assert late == []
    assert written(quarter.at) == "2026-12-01T00:00:00Z"
