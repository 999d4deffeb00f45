"""A bus of events goes after its rules."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.waiting import eventually

REFUSAL = "EventBus can't be deleted since it has rules."


@pytest.fixture
def name() -> str:
    return f"bus-{uuid.uuid4().hex[:8]}"


def add_rule(events: Any, bus: str) -> None:
    events.put_rule(Name="of-others", EventBusName=bus, EventPattern='{"source": ["shop"]}')


def test_a_bus_with_rules_is_not_deleted(client: Callable[[str], Any], name: str) -> None:
    events = client("events")
    events.create_event_bus(Name=name)
    add_rule(events, name)

    with pytest.raises(ClientError, match=REFUSAL):
        events.delete_event_bus(Name=name)
    events.delete_rule(Name="of-others", EventBusName=name)
    events.delete_event_bus(Name=name)

    assert name not in [one["Name"] for one in events.list_event_buses()["EventBuses"]]


def test_a_stack_is_not_deleted_while_others_have_rules_on_its_bus(
    client: Callable[[str], Any], name: str
) -> None:
    events, stacks = client("events"), client("cloudformation")
    bus = {"Type": "AWS::Events::EventBus", "Properties": {"Name": name}}
    own = {
        "Type": "AWS::Events::Rule",
        "Properties": {"EventBusName": {"Ref": "Bus"}, "EventPattern": {"source": ["shop"]}},
    }
    template = json.dumps({"Resources": {"Bus": bus, "Own": own}})
    stacks.create_stack(StackName=name, TemplateBody=template)
    eventually(lambda: status(stacks, name) == "CREATE_COMPLETE")
    add_rule(events, name)

    stacks.delete_stack(StackName=name)
    eventually(lambda: status(stacks, name) == "DELETE_FAILED")
    failed = stacks.describe_stack_events(StackName=name)["StackEvents"]
    assert REFUSAL in [one.get("ResourceStatusReason") for one in failed]
    events.delete_rule(Name="of-others", EventBusName=name)
    stacks.delete_stack(StackName=name)

    assert eventually(lambda: status(stacks, name) is None)


def status(stacks: Any, name: str) -> str | None:
    try:
        return str(stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])
    except ClientError:
        return None
