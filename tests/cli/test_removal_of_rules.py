"""Removing a stage on whose bus others have rules: they are shown, and go before the bus."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kanmon.removal import stage_inventory
from kanmon.removal.things import Kind
from tests.support.laptop import Laptop, deployed
from tests.support.removing import left_of

pytestmark = pytest.mark.faults  # for its time: it removes a stage of its own

BUS = "kanmon-local"
QUEUES = [f"arn:aws:sqs:us-east-1:123456789012:{name}" for name in ("audit", "churn-team")]


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[Laptop]:
    with deployed(tmp_path, parameters="Stage=dev LogRetentionDays=30") as laptop:
        yield laptop


def add_rule(laptop: Laptop, name: str, *targets: str, bus: str = BUS) -> None:
    events = laptop.client("events")
    events.put_rule(Name=name, EventBusName=bus, EventPattern='{"source": ["kanmon"]}')
    if targets:
        listed = [{"Id": arn.rpartition(":")[2], "Arn": arn} for arn in targets]
        events.put_targets(Rule=name, EventBusName=bus, Targets=listed)


def test_rules_of_others_on_the_stages_bus_are_shown_with_their_targets_and_go_before_it(
    laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_rule(laptop, "served-models", *QUEUES)
    add_rule(laptop, "off")
    laptop.client("events").create_event_bus(Name="shop")
    add_rule(laptop, "served-models", *QUEUES, bus="shop")
    listed = laptop.must("uninstall", "--list")
    shown = laptop.kanmon("uninstall", "--list").out
    rules = [one for one in listed["things"] if one["kind"] == "rule of others"]

    # Of one that comes while a person is asked, CloudFormation speaks, and the same command helps.
    find = stage_inventory.find

    def and_then_another(*words: Any) -> Any:
        found = find(*words)
        add_rule(laptop, "late", QUEUES[0])
        return found

    with monkeypatch.context() as patched:
        patched.setattr(stage_inventory, "find", and_then_another)
        refused = laptop.kanmon("uninstall", "--with-data", "--yes")
    again = laptop.must("uninstall", "--with-data", "--yes")

    assert rules == [
        {"kind": "rule of others", "name": f"{BUS}|off", "targets": []},
        {"kind": "rule of others", "name": f"{BUS}|served-models", "targets": QUEUES},
    ]
    row = f"rule of others {BUS}|served-models 2 targets: {', '.join(QUEUES)}"
    assert row in [" ".join(line.split()) for line in shown.splitlines()]
    assert (refused.code, "since it has rules" in refused.err) == (1, True)
    assert [one["name"] for one in again["things"] if one["kind"] == Kind.RULE] == [f"{BUS}|late"]
    assert left_of(laptop) == []
    [kept] = laptop.client("events").list_rules(EventBusName="shop")["Rules"]
    assert kept["Name"] == "served-models"
