"""A quarter of a year on a local stage, in ticks at chosen times: what starts really runs.

The ticks are the stage's own function, over its own table, queue, bus and workflows. Only what a
month cost and what a monitoring found are written by hand. The year is so far ahead that whatever
the machine's clock says lies before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from core.stage.table_key import key_of
from tests.support.laptop import TINY, Laptop, deployed, rows
from tests.support.waiting import eventually

MODEL = "pebbles"
PLAN = """
retrain:
  schedule: {cron: "0 6 1 * *", time_zone: Europe/Berlin}
  on: [data, definition, drift, quality]
  quiet_minutes: 30
  cool_down_hours: 24
batch: {schedule: {cron: "30 2 28 * *", time_zone: Europe/Berlin}}
monitor: {schedule: {cron: "0 7 15 * *", time_zone: Europe/Berlin}}
budget: {usd_per_month: 5}
"""
TEXT = TINY.format(name=MODEL, floor=5.0) + PLAN


@pytest.fixture(scope="module")
def quarter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quarter]:
    with deployed(tmp_path_factory.mktemp("laptop"), pace=60) as laptop:
        laptop.put_object(MODEL, rows(300))
        laptop.add_model(MODEL, TEXT)
        laptop.must("publish")
        yield Quarter(laptop)


class Quarter:
    """One model, its ticks, and what they started: (time, work, kinds of reasons)."""

    def __init__(self, laptop: Laptop) -> None:
        self.laptop = laptop
        self.started: list[tuple[str, str, tuple[str, ...]]] = []
        self._stop_the_clock()

    def _stop_the_clock(self) -> None:
        """The schedules' own ticks would come in between, with the time of the machine."""
        scheduler = self.laptop.client("scheduler")
        for listed in scheduler.list_schedules()["Schedules"]:
            known = scheduler.get_schedule(Name=listed["Name"], GroupName=listed["GroupName"])
            names = ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")
            same = {name: known[name] for name in names}
            scheduler.update_schedule(**same, State="DISABLED")

    def tick(self, at: str) -> dict[str, Any]:
        """A tick, and the end of all that it started."""
        done: dict[str, Any] = self.laptop.must("tick", "--at", at)
        for start in done["starts"]:
            self.started.append((at, start["work"], tuple(start["kinds"])))
            output = f"{start['work'].capitalize()}StateMachineArn"
            machine = self.laptop.outputs[output].replace(":stateMachine:", ":execution:")
            ended = self.laptop.ended(f"{machine}:{start['name']}")
            assert ended["status"] == "SUCCEEDED", (ended.get("error"), ended.get("cause"))
        return done

    def why(self, done: dict[str, Any], work: str = "retrain") -> str:
        """Why it does not start."""
        [found] = [each for each in done["waits"] if (each["model"], each["work"]) == (MODEL, work)]
        return str(found["code"])

    def write(self, item: str, **fields: dict[str, Any]) -> None:
        self.laptop.client("dynamodb").put_item(
            TableName=self.laptop.outputs["ModelTableName"],
            Item={**key_of(MODEL, item), **fields},
        )

    def finds(self, check: str, monitoring: str) -> None:
        """A monitoring alarms."""
        texts = {"state": "alarm", "monitoring": monitoring, "until": "2049-03-19"}
        written = {name: {"S": value} for name, value in texts.items()}
        self.write("watch", **written, release={"N": "1"}, checks={"L": [{"S": check}]})

    def facts(self, event: str) -> list[dict[str, Any]]:
        """The facts of an event that the stage listed."""
        return list(self.laptop.must("notices", "--event", event, "--days", "90"))


def test_a_quarter_starts_what_it_should_and_says_why_the_rest_does_not(quarter: Quarter) -> None:
    laptop, tick, why = quarter.laptop, quarter.tick, quarter.why

    # Data that came before its model retrains it.
    tick("2049-02-14T12:40Z")
    assert laptop.must("runs", MODEL)[0]["reason"].startswith("new data: 1 file")
    # Without a release there is nothing to monitor.
    assert why(tick("2049-02-15T06:05Z"), "monitor") == "no release"
    laptop.must("approve", MODEL, "--as", "approver", "--reason", "fine", "--watch")
    tick("2049-02-15T06:10Z")

    # A night, a month, and an outage of a week in which a monitoring was due.
    tick("2049-02-28T01:30Z")
    assert why(tick("2049-02-28T01:35Z"), "score") == "nothing due"
    tick("2049-03-01T05:00Z")
    tick("2049-03-18T12:00Z")

    # Drift asks once; lost quality asks again, within the cool-down after it.
    quarter.finds("drift", "pebbles-m1")
    tick("2049-03-20T08:00Z")
    quarter.finds("quality", "pebbles-m2")
    assert why(tick("2049-03-20T20:00Z")) == "cool-down"
    tick("2049-03-21T08:00Z")
    assert why(tick("2049-03-22T08:00Z")) == "nothing due"

    # 02:30 does not exist in this night; it is due once, at three.
    assert why(tick("2049-03-28T00:59Z"), "score") == "nothing due"
    tick("2049-03-28T01:00Z")
    assert why(tick("2049-03-28T02:30Z"), "score") == "nothing due"

    # April's budget is spent, so its work waits for May, and one fact says so, once.
    quarter.write("cost#2049-04", usd={"N": "5"})
    assert why(tick("2049-04-01T04:00Z")) == "model budget"
    assert why(tick("2049-04-01T05:05Z")) == "model budget"
    assert why(tick("2049-04-15T05:00Z"), "monitor") == "model budget"
    tick("2049-05-01T04:00Z")

    assert quarter.started == [
        ("2049-02-14T12:40Z", "retrain", ("data",)),
        ("2049-02-15T06:10Z", "monitor", ("schedule",)),
        ("2049-02-28T01:30Z", "score", ("schedule",)),
        ("2049-03-01T05:00Z", "retrain", ("schedule",)),
        ("2049-03-18T12:00Z", "monitor", ("schedule",)),
        ("2049-03-20T08:00Z", "retrain", ("alarm",)),
        ("2049-03-21T08:00Z", "retrain", ("alarm",)),
        ("2049-03-28T01:00Z", "score", ("schedule",)),
        # What has waited longest comes first: the retraining since 1 April, the monitoring since
        # the 15th, the batch since the 28th. That the retraining is due again in May changes
        # nothing: it is the same start, which stands for both.
        ("2049-05-01T04:00Z", "retrain", ("schedule",)),
        ("2049-05-01T04:00Z", "monitor", ("schedule",)),
        ("2049-05-01T04:00Z", "score", ("schedule",)),
    ]
    assert eventually(lambda: len(quarter.facts("budget reached")) == 1)
    # What a budget holds back is not late, and the rest started in time.
    assert quarter.facts("late") == []


def test_a_stage_tells_what_happened_in_its_digest(quarter: Quarter) -> None:
    quarter.tick("2049-02-14T12:40Z")  # alone, it starts a run; after the quarter, nothing
    found = quarter.laptop.must("digest", "--days", "1")

    ran = {one["name"]: one["lines"] for one in found["parts"]}["ran"]
    assert ran[0].startswith(f"{MODEL}: ")
    said = quarter.laptop.kanmon("digest")
    assert (said.code, "What comes next" in said.out) == (0, True)


def test_more_than_the_budget_is_allowed_with_a_reason_and_shown(quarter: Quarter) -> None:
    laptop = quarter.laptop
    assert laptop.kanmon("budget", MODEL, "--allow", "10").code == 2  # why?
    assert laptop.kanmon("budget", "--allow", "10", "--reason", "x").code == 2  # there is none

    laptop.must("budget", MODEL, "--allow", "10", "--reason", "a shop opens")

    known = laptop.must("budget", MODEL)
    assert (known["budget_usd"], known["limit_usd"]) == (5, 15)
    assert known["allowed"][0]["reason"] == "a shop opens"
    assert laptop.must("plan", MODEL)["allowed"][0]["usd"] == 10
    [shown] = laptop.must("cost", MODEL)["models"]
    assert shown["allowed_usd"] == 10
