"""The stacks of an account: which there are, what is in them, how they are deleted."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from core.words.formats import duration
from kanmon.deployment.stack import failure_reasons, stack_events
from kanmon.errors import RunFailedError
from kanmon.removal.things import Resource

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

NESTED = "AWS::CloudFormation::Stack"
GONE = ("DELETE_COMPLETE", "DELETE_SKIPPED")
# After so long, a deletion that was asked for has begun.
LATE_SECONDS = 10.0
# An output that only the stack of a stage has.
OF_A_STAGE = "PackageGroupPrefix"


def all_stacks(connection: "Connection") -> dict[str, dict[str, Any]]:
    """Every stack of the account and region that is not deleted, by name."""
    pages = connection.cloudformation.get_paginator("describe_stacks").paginate()
    found: list[dict[str, Any]] = [dict(one) for page in pages for one in page["Stacks"]]
    return {one["StackName"]: one for one in found if one["StackStatus"] != "DELETE_COMPLETE"}


def is_stage(stack: dict[str, Any]) -> bool:
    """Is it the stack of a stage of Kanmon?"""
    return any(one["OutputKey"] == OF_A_STAGE for one in stack.get("Outputs", []))


def described(connection: "Connection", stack: str) -> dict[str, Any] | None:
    """A stack by name; None if there is none."""
    try:
        found = connection.cloudformation.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return next((dict(one) for one in found if one["StackStatus"] != "DELETE_COMPLETE"), None)


def resources_of(connection: "Connection", stack: str) -> tuple[Resource, ...]:
    """What is in a stack, and in the stacks nested in it."""
    pages = connection.cloudformation.get_paginator("list_stack_resources").paginate(
        StackName=stack
    )
    try:
        listed = [one for page in pages for one in page["StackResourceSummaries"]]
    except ClientError as error:
        if "does not exist" in str(error):
            return ()
        raise
    found: list[Resource] = []
    for one in listed:
        name = one.get("PhysicalResourceId")
        if not name or one["ResourceStatus"] in GONE:
            continue
        found.append(Resource(one["ResourceType"], name))
        if one["ResourceType"] == NESTED:
            found.extend(resources_of(connection, name))
    return tuple(found)


def delete(connection: "Connection", stack: str, tick: Callable[[str], None]) -> None:
    """Delete a stack and wait until it is gone. One that is being deleted is waited for."""
    known = described(connection, stack)
    if known is None:
        return
    if known["StackStatus"] != "DELETE_IN_PROGRESS":
        _ask(connection, stack, known)
    began, whole = time.monotonic(), max(1, len(resources_of(connection, stack)))
    under_way = known["StackStatus"] != "DELETE_FAILED"
    while (now := described(connection, stack)) is not None:
        # A deletion that failed before may be seen for a moment after it was asked for again.
        under_way = under_way or now["StackStatus"] == "DELETE_IN_PROGRESS"
        late = time.monotonic() - began > LATE_SECONDS
        if now["StackStatus"] == "DELETE_FAILED" and (under_way or late):
            raise _failed(connection, stack)
        left = len(resources_of(connection, stack))
        took = duration(time.monotonic() - began)
        tick(f"deleting stack {stack}: {left} of {whole} resources are left … {took}")
        time.sleep(connection.poll_seconds)


def _ask(connection: "Connection", stack: str, known: dict[str, Any]) -> None:
    try:
        connection.cloudformation.delete_stack(StackName=stack)
    except ClientError as error:
        said = error.response["Error"].get("Message", "")
        if "cannot be assumed" in said and "RoleARN" in known:
            raise RunFailedError(
                f"stack {stack} is deleted as the role {known['RoleARN']}, which is gone",
                "Make a role of that name that CloudFormation may assume and that may delete "
                "functions, roles, alarms and log groups. Then run the same command again.",
            ) from error
        raise


def _failed(connection: "Connection", stack: str) -> RunFailedError:
    reasons = "; ".join(causes(connection, stack)) or "no reason was given"
    return RunFailedError(
        f"stack {stack} could not be deleted: {reasons}",
        "Correct that, and run the same command again.",
    )


def causes(connection: "Connection", stack: str) -> list[str]:
    """Why the last deletion of a stack failed; for a nested stack, its own reasons."""
    events: list[Any] = []
    for event in stack_events(connection, stack):
        events.append(event)
        itself = event["ResourceType"] == NESTED and event["PhysicalResourceId"] == event["StackId"]
        if itself and event["ResourceStatus"] == "DELETE_IN_PROGRESS":
            break
    nested = {
        event["PhysicalResourceId"]
        for event in events
        if event["ResourceType"] == NESTED
        and event["ResourceStatus"] == "DELETE_FAILED"
        and event["PhysicalResourceId"] != event["StackId"]
    }
    own = [event for event in events if event["ResourceType"] != NESTED]
    return [*failure_reasons(own), *(one for name in nested for one in causes(connection, name))]
