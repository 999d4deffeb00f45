"""MiniStack's stack operations: what runs now, and what a killed server left half done.

An operation is a task in memory; MiniStack forgets it with the process and leaves its stack
"in progress" for ever. Here a stack keeps how it was before, so that the next start rolls it back.
"""

import asyncio
import functools
import logging
import threading
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import ministack.app as gateway
from ministack.core.responses import request_scope
from ministack.services.cloudformation import _stacks, changesets, handlers, stacks

from localaws import persistence
from localaws.home import ACCOUNT, REGION

log = logging.getLogger(__name__)

Stack = dict[str, Any]
AsItWas = Callable[[Stack], None]

KEPT = "_operation"
DEPLOYED = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
REASON = "The local stage stopped while this operation ran"


@dataclass(frozen=True)
class Operation:
    """The stack operation that runs: its template as it is deployed, and its parameters."""

    stack: str
    stack_id: str
    template: dict[str, Any]
    parameters: dict[str, Any]


_deployed: Callable[[], None] | None = None
_operation: ContextVar[Operation | None] = ContextVar("stack_operation", default=None)
_rolling_back: ContextVar[bool] = ContextVar("rolling_back", default=False)


def current() -> Operation | None:
    """The operation on whose behalf a resource is made now; none while it is rolled back."""
    return None if _rolling_back.get() else _operation.get()


def on_deployment(tell: Callable[[], None]) -> None:
    """Call `tell()` on a thread of its own whenever a stack is deployed."""
    global _deployed
    _deployed = tell


def install() -> None:
    """Remember each operation while it runs, and keep what its rollback would need."""
    deploy = stacks._deploy_stack_async
    revert = stacks._revert_update

    def begin(
        stack_name: str,
        stack_id: str,
        template: dict[str, Any],
        param_values: dict[str, Any],
        disable_rollback: bool,
        tags: list[Any],
        **more: Any,
    ) -> Coroutine[Any, Any, None]:
        stack = _stacks[stack_name]
        stack[KEPT] = {
            "template": template,
            "parameters": param_values,
            "is_update": more.get("is_update", False),
            "previous": more.get("previous_stack"),
        }

        async def remembered() -> None:
            _operation.set(Operation(stack_name, stack_id, template, param_values))
            try:
                await deploy(
                    stack_name, stack_id, template, param_values, disable_rollback, tags, **more
                )
            finally:
                stack.pop(KEPT, None)
                persistence.changed_all()
            if stack["StackStatus"] in DEPLOYED and _deployed:
                threading.Thread(target=_deployed, name="deployed", daemon=True).start()

        return remembered()

    async def reverted(*resource: Any, **more: Any) -> None:
        token = _rolling_back.set(True)
        try:
            await revert(*resource, **more)
        finally:
            _rolling_back.reset(token)

    for module in (stacks, handlers, changesets):
        module._deploy_stack_async = begin
        module._add_event = _saved_after(module._add_event)
    stacks._revert_update = reverted


def _saved_after(step: Any) -> Any:
    """An operation goes on after its request, and in every service: each step is to be saved."""

    @functools.wraps(step)
    def saved_after(*given: Any, **more: Any) -> Any:
        persistence.changed_all()
        return step(*given, **more)

    return saved_after


def interrupted() -> list[Stack]:
    """The stacks an earlier process left in progress. Ask before any request is served."""
    with request_scope(ACCOUNT, REGION):
        return [
            stack
            for stack in _stacks.values()
            if stack["StackStatus"].endswith("_IN_PROGRESS")
            and stack["StackStatus"] not in ("REVIEW_IN_PROGRESS", "IMPORT_IN_PROGRESS")
        ]


def undo(interrupted: list[Stack], restore: AsItWas) -> None:
    """Roll them back, on the server's loop.

    `restore(stack)` brings what a half-made update may have moved back to what a stack that is
    rolled back has.
    """
    for stack in interrupted:
        begun = asyncio.run_coroutine_threadsafe(_undo(stack, restore), gateway._MAIN_LOOP)
        begun.add_done_callback(_tell)


async def _undo(stack: Stack, restore: AsItWas) -> None:
    name, stack_id = stack["StackName"], stack["StackId"]
    kept = stack.pop(KEPT, None)
    with request_scope(ACCOUNT, REGION):
        if stack["StackStatus"] == "DELETE_IN_PROGRESS":
            await stacks._delete_stack_async(name, stack_id)
        elif kept is None:
            status = (
                "UPDATE_ROLLBACK_FAILED" if "UPDATE" in stack["StackStatus"] else "ROLLBACK_FAILED"
            )
            stack.update(StackStatus=status, StackStatusReason=REASON)
            kind = "AWS::CloudFormation::Stack"
            stacks._add_event(stack_id, name, name, kind, status, REASON, stack_id)
        else:
            await stacks._roll_back_operation(name, stack_id, stack, _failed(stack, kept), REASON)
            restore(stack)
    persistence.changed("cloudformation")


def _failed(stack: Stack, kept: dict[str, Any]) -> dict[str, Any]:
    """The operation as MiniStack's own rollback wants it: what was made is what has changed."""
    previous = kept["previous"] or {}
    before = previous.get("_resources", {})
    now = stack.get("_resources", {})
    made = [name for name, record in now.items() if record != before.get(name)]
    failed: dict[str, Any] = stacks._failed_operation(
        kept["is_update"],
        kept["previous"],
        made,
        None,
        None,
        [],
        False,
        kept["template"],
        kept["parameters"],
        False,
        stack.get("Tags"),
        previous.get("Tags"),
    )
    return failed


def _tell(done: Any) -> None:
    if done.exception():
        log.error("an interrupted stack could not be rolled back", exc_info=done.exception())
