"""A template's policy of an event bus: who may put events there, whatever else they may do."""

import json
import uuid
from typing import Any

import pytest

from support.making import Client, invoke, make_function
from support.waiting import eventually

PUTTING = """
import boto3
def handler(event, context):
    entry = {"Source": "test", "DetailType": "it", "Detail": "{}", "EventBusName": event["bus"]}
    boto3.client("events").put_events(Entries=[entry])
    return "done"
"""
EVERY_BUS = {"Action": "events:PutEvents", "Resource": "*"}


def put(client: Client, name: str, bus: str) -> str:
    """Let a function put an event; return "done" or the error's code."""
    answer, failed = invoke(client, name, {"bus": bus})
    return str(answer["errorMessage"].split("(")[1].split(")")[0]) if failed else str(answer)


def role_of(client: Client, name: str) -> str:
    return str(client("lambda").get_function_configuration(FunctionName=name)["Role"])


def deploy(client: Client, stack: str, policy: dict[str, Any] | None) -> str:
    """Make or update a stack with a bus of its name, and its policy; return how that ended."""
    cloudformation = client("cloudformation")
    resources: dict[str, Any] = {"Bus": {"Type": "AWS::Events::EventBus"}}
    resources["Bus"]["Properties"] = {"Name": stack}
    if policy:
        resources["Policy"] = {"Type": "AWS::Events::EventBusPolicy", "Properties": policy}
    template = {"StackName": stack, "TemplateBody": json.dumps({"Resources": resources})}
    known = [one["StackName"] for one in cloudformation.describe_stacks()["Stacks"]]
    change = cloudformation.update_stack if stack in known else cloudformation.create_stack
    change(**template)

    def ended() -> str | None:
        [now] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
        status = str(now["StackStatus"])
        return None if status.endswith("_IN_PROGRESS") else status

    return str(eventually(ended))


def only(bus: str, *roles: str) -> dict[str, Any]:
    """The policy that denies events of everybody but these roles."""
    return {
        "EventBusName": bus,
        "StatementId": "OnlyThese",
        "Statement": {
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": "events:PutEvents",
            "Resource": f"arn:aws:events:us-east-1:123456789012:event-bus/{bus}",
            "Condition": {"ArnNotEquals": {"aws:PrincipalArn": list(roles)}},
        },
    }


def test_a_role_that_a_bus_denies_puts_no_event_whatever_it_is_granted(client: Client) -> None:
    bus = f"bus-{uuid.uuid4().hex[:8]}"
    named, other = (make_function(client, PUTTING, EVERY_BUS) for _ in range(2))
    ungranted = make_function(client, PUTTING)

    made = deploy(client, bus, only(bus, role_of(client, named), role_of(client, ungranted)))
    first = [put(client, one, bus) for one in (named, other, ungranted)]
    changed = deploy(client, bus, only(bus, role_of(client, other)))
    second = [put(client, one, bus) for one in (named, other)]
    removed = deploy(client, bus, None)
    third = [put(client, one, bus) for one in (named, other)]

    assert (made, changed, removed) == ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_COMPLETE")
    assert first == ["done", "AccessDeniedException", "AccessDeniedException"]
    assert second == ["AccessDeniedException", "done"]
    assert third == ["done", "done"]


@pytest.mark.parametrize(
    "change",
    [
        {"Statement": None, "Action": "events:PutEvents", "Principal": "123456789012"},
        {"Condition": {"Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": "o-1"}},
    ],
)
def test_a_form_of_it_that_is_not_here_is_refused(client: Client, change: dict[str, Any]) -> None:
    bus = f"bus-{uuid.uuid4().hex[:8]}"
    policy = {name: each for name, each in (only(bus) | change).items() if each is not None}

    assert deploy(client, bus, policy) == "ROLLBACK_COMPLETE"
    events = client("cloudformation").describe_stack_events(StackName=bus)["StackEvents"]
    reasons = " ".join(str(one.get("ResourceStatusReason")) for one in events)
    assert "AWS::Events::EventBusPolicy" in reasons
