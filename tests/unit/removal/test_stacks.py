"""Why a stack could not be deleted, in CloudFormation's words."""

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kanmon.errors import RunFailedError
from kanmon.removal import stacks
from tests.support.standin import Pages, refusal

STACK, PEOPLE = "arn:stack/kanmon-dev/1", "arn:stack/kanmon-dev-People-X/2"
NESTED = "AWS::CloudFormation::Stack"


def event(
    stack: str, status: str, reason: str = "", kind: str = NESTED, **resource: str
) -> dict[str, Any]:
    return {
        "StackId": stack,
        "ResourceType": kind,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
        "LogicalResourceId": resource.get("logical", "kanmon-dev"),
        "PhysicalResourceId": resource.get("physical", stack),
    }


def failed(stack: str, logical: str, reason: str) -> dict[str, Any]:
    return event(stack, "DELETE_FAILED", reason, "AWS::X::Y", logical=logical, physical=logical)


# The newest first, as CloudFormation lists them.
EVENTS = {
    "kanmon-dev": [
        event(STACK, "DELETE_FAILED", "The following resource(s) failed to delete: [People]."),
        event(STACK, "DELETE_FAILED", "failed", logical="People", physical=PEOPLE),
        event(STACK, "DELETE_IN_PROGRESS"),
        failed(STACK, "StepsRepository", "an earlier attempt's reason"),
        event(STACK, "DELETE_IN_PROGRESS"),
    ],
    PEOPLE: [
        event(PEOPLE, "DELETE_FAILED", "The following resource(s) failed to delete: [Policy]."),
        failed(PEOPLE, "Policy", "Cannot delete a policy attached to entities."),
        event(PEOPLE, "DELETE_IN_PROGRESS"),
    ],
}


def connection(**cloudformation: Any) -> Any:
    events = Pages(lambda **request: {"StackEvents": EVENTS[request["StackName"]]})
    resources = Pages(lambda **request: {"StackResourceSummaries": []})
    pages = {"describe_stack_events": events, "list_stack_resources": resources}
    client = SimpleNamespace(get_paginator=pages.__getitem__, **cloudformation)
    return SimpleNamespace(cloudformation=client, poll_seconds=0.0)


def test_the_reason_is_that_of_the_last_attempt_and_of_the_nested_stack_itself() -> None:
    assert stacks.causes(connection(), "kanmon-dev") == [
        "Policy: Cannot delete a policy attached to entities."
    ]


def test_a_deletion_that_failed_before_is_asked_for_again_and_its_old_state_is_no_failure() -> None:
    states = iter(
        ["DELETE_FAILED", "DELETE_FAILED", "DELETE_IN_PROGRESS", "DELETE_IN_PROGRESS", None]
    )
    asked: list[Any] = []

    def describe(**request: Any) -> Any:
        state = next(states)
        if state is None:
            error = {"Code": "ValidationError", "Message": "Stack kanmon-dev does not exist"}
            raise ClientError({"Error": error}, "DescribeStacks")
        return {"Stacks": [{"StackName": "kanmon-dev", "StackStatus": state}]}

    stage = connection(describe_stacks=describe, delete_stack=lambda **words: asked.append(words))

    stacks.delete(stage, "kanmon-dev", lambda line: None)

    assert asked == [{"StackName": "kanmon-dev"}]


def test_a_serving_stack_whose_role_is_gone_says_which_role_it_needs() -> None:
    role = "arn:aws:iam::123456789012:role/kanmon-dev-ServingDeployRole-X"

    def refuse(**request: Any) -> None:
        message = f"Role {role} is invalid or cannot be assumed"
        raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "DeleteStack")

    found = {"StackName": "s", "StackStatus": "UPDATE_COMPLETE", "RoleARN": role}
    stage = connection(describe_stacks=lambda **words: {"Stacks": [found]}, delete_stack=refuse)

    with pytest.raises(RunFailedError) as raised:
        stacks.delete(stage, "s", lambda line: None)

    assert raised.value.line() == (
        f"stack s is deleted as the role {role}, which is gone. Make a role of that name that "
        "CloudFormation may assume and that may delete functions, roles, alarms and log groups. "
        "Then run the same command again."
    )


def test_another_refusal_of_cloudformation_is_passed_on() -> None:
    found = {"StackName": "s", "StackStatus": "UPDATE_COMPLETE"}

    def refuse(**request: Any) -> None:
        raise refusal("AccessDenied")

    stage = connection(describe_stacks=lambda **words: {"Stacks": [found]}, delete_stack=refuse)

    with pytest.raises(ClientError, match="AccessDenied"):
        stacks.delete(stage, "s", lambda line: None)
