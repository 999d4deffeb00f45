"""Removing what an inventory of a stage has, in order."""

from typing import TYPE_CHECKING, Any

from kanmon.errors import BadInputError
from kanmon.removal import showing, work
from kanmon.removal.check import Checked, check
from kanmon.removal.deletion import Removal
from kanmon.removal.stage_inventory import Inventory
from kanmon.removal.things import Kind, Thing

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection
    from kanmon.terminal.screen import Screen

# A stack can be deleted in these, although something is going on.
DELETABLE = ("DELETE_IN_PROGRESS", "REVIEW_IN_PROGRESS")

_NOT_WHOLE = (
    " Until then nothing starts by itself, and a deployment does not bring back what is gone."
)


def refuse(found: Inventory, connection: "Connection") -> None:
    """Raise BadInputError where CloudFormation would refuse, before anything is removed."""
    stack = found.stack or {}
    status = str(stack.get("StackStatus", ""))
    if stack.get("EnableTerminationProtection"):
        raise BadInputError(
            f"stack {connection.stack} is protected from its termination",
            "Switch that off: `aws cloudformation update-termination-protection "
            f"--no-enable-termination-protection --stack-name {connection.stack}`.",
        )
    if status.endswith("_IN_PROGRESS") and status not in DELETABLE:
        raise BadInputError(
            f"stack {connection.stack} is being deployed ({status})",
            "Wait until that has ended.",
        )


def remove(
    connection: "Connection",
    screen: "Screen",
    found: Inventory,
    things: list[Thing],
    kept: list[Thing],
) -> Checked:
    """Remove the things in their order, then ask whether they are gone."""
    removal = Removal(connection, screen.live)
    first = [one for one in things if one.kind is Kind.SCHEDULE]
    rest = [one for one in things if one.kind not in (Kind.SCHEDULE, Kind.WORK)]
    with showing.may_be_interrupted(_NOT_WHOLE):
        _remove(removal, screen, first)
        # Also what began while a person was asked.
        work.stop(connection, lambda: running(connection, found), screen.live)
        _remove(removal, screen, rest)
        return check(removal, things, kept)


def running(connection: "Connection", found: Inventory) -> list[work.Work]:
    """What runs on the stage now."""
    return [
        *work.running(connection, found.of_the_stage),
        *work.jobs(connection, found.names),
    ]


def _remove(removal: Removal, screen: "Screen", things: list[Thing]) -> None:
    for thing in things:
        removal.remove(thing)
        screen.note(f"Removed {thing.kind} {thing.name}")


def document(
    connection: "Connection", things: list[Thing], kept: list[Thing], checked: Checked
) -> dict[str, Any]:
    """What a program gets."""
    return {
        "stage": connection.name,
        "stack": connection.stack,
        "account": connection.account,
        "region": connection.region,
        "things": [one.document() for one in things],
        "kept": [one.document() for one in kept],
        "removed": checked.asked > 0,
        "asked": checked.asked,
        "left": checked.left,
        "unasked": list(checked.unasked),
    }
