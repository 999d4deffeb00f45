"""The steps as functions: a parameter of the stage's stack names the images that they are."""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from core.stage.images import STEPS
from kanmon.deployment.stack import CAPABILITIES, wait

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

PARAMETER = "StepImageDigests"


def value(digests: Mapping[str, str]) -> str:
    """The parameter's value: the digests in the order of the steps."""
    return ",".join(digests[step] for step in STEPS)


def use(connection: "Connection", digests: Mapping[str, str], tick: Callable[[str], None]) -> bool:
    """Make the stack's functions be these images; False where they are, or it has none.

    The template stays as it is. Until this is done, runs use jobs: a function never runs another
    image than the run keeps to.
    """
    stack = connection.stack_description() or {}
    known = {one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", [])}
    wanted = value(digests)
    if known.get(PARAMETER, wanted) == wanted:
        return False
    began, capabilities = time.monotonic(), cast(Any, CAPABILITIES)
    kept: list[Any] = [
        {"ParameterKey": key, "UsePreviousValue": True} for key in known if key != PARAMETER
    ]
    connection.cloudformation.update_stack(
        StackName=connection.stack,
        UsePreviousTemplate=True,
        Capabilities=capabilities,
        Parameters=[*kept, {"ParameterKey": PARAMETER, "ParameterValue": wanted}],
    )
    wait(connection, began, tick, "Updating")
    return True
