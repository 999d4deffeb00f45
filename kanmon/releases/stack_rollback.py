"""Continues a rollback of a model's stack that had failed: until then it takes no deployment."""

import time
from typing import TYPE_CHECKING

from kanmon.errors import RunFailedError
from kanmon.releases.traffic import serving_stack
from kanmon.stage.connection import stage_flag

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

FAILED, CONTINUES = "UPDATE_ROLLBACK_FAILED", "UPDATE_ROLLBACK_IN_PROGRESS"
LONGEST_SECONDS = 600.0


def continue_if_failed(connection: "Connection", model: str) -> bool:
    """Continue it and wait for its end; False if no rollback had failed.

    Raises RunFailedError if it fails again: then the resource's cause has to be removed first.
    """
    stack = serving_stack(connection, model)
    if _status(connection, stack) != FAILED:
        return False
    connection.cloudformation.continue_update_rollback(StackName=stack)
    limit = time.monotonic() + LONGEST_SECONDS
    while (status := _status(connection, stack)) == CONTINUES and time.monotonic() < limit:
        time.sleep(connection.poll_seconds)
    if status in (FAILED, CONTINUES):
        flag = stage_flag(connection.name)
        raise RunFailedError(
            f"the rollback of stack {stack} was continued, and it is {status}",
            f"`kanmon history {model}{flag}` and the stack's events show why.",
        )
    return True


def _status(connection: "Connection", stack: str) -> str | None:
    from botocore.exceptions import ClientError

    try:
        found = connection.cloudformation.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":  # there is no such stack
            return None
        raise
    return found[0]["StackStatus"]
