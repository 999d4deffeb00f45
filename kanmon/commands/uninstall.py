"""kanmon uninstall."""

from typing import TYPE_CHECKING, Any

import click

from kanmon.errors import OK, BadInputError
from kanmon.terminal.invocation import Verb, current

if TYPE_CHECKING:
    from kanmon.removal.stage_inventory import Inventory
    from kanmon.stage.connection import Connection


@click.command(
    cls=Verb,
    name="uninstall",
    examples="""
    kanmon uninstall --stage dev --list           show everything that the stage consists of
    kanmon uninstall --stage dev                  all but the data bucket and the model table
    kanmon uninstall --stage dev --with-data      all of it, for good
    kanmon uninstall --stage dev --with-data --yes
    """,
)
@click.option("--with-data", is_flag=True, help="Remove data, models and history, too.")
@click.option("--list", "only_list", is_flag=True, help="Show what would go; remove nothing.")
@click.option("--yes", is_flag=True, help="Remove without asking.")
def command(with_data: bool, only_list: bool, yes: bool) -> int:
    """Remove a stage: list it, ask, remove it in order, check.

    Everything that exists because of the stage goes: what runs, models in service, the stack,
    packages, images, builds, logs. The data bucket with its access logs and the model table stay
    unless you add --with-data. Then every service is asked about everything that was listed. If it
    is interrupted, run it again. It takes your own credentials: no role for people may do it.
    """
    from kanmon.removal import remains, showing, stage_inventory
    from kanmon.removal.check import Checked, check
    from kanmon.removal.deletion import Removal
    from kanmon.removal.things import to_keep, to_remove
    from kanmon.stage.connection import stage_flag

    invocation = current()
    screen, connection = invocation.screen, invocation.connection
    with screen.waiting(f"Looking for everything of stage {connection.name}"):
        found = stage_inventory.find(connection, invocation.project)
    refuse(found, connection)
    things = to_remove(found.things, with_data=with_data)
    kept = to_keep(found.things, with_data=with_data)
    place = f"account {connection.account}, region {connection.region}"
    screen.say(f"Stage {connection.name}: stack {connection.stack}, {place}")
    if not found.things:
        screen.say("Nothing of it is there")
        screen.document(_document(connection, found, with_data, Checked(0, []), removed=False))
        return OK
    later = f"kanmon uninstall{stage_flag(connection.name)} --with-data"
    stays = remains.of_stage(kept, things, later)
    showing.show(screen, things, stays)
    checked, code = Checked(0, []), OK
    if things and not only_list:
        showing.agree(invocation, "stage", connection.name, yes=yes)
        removal = Removal(connection, screen.live)
        remove(removal, found, with_data=with_data)
        checked = check(removal, things, kept)
        code = showing.report(screen, f"Stage {connection.name}", checked)
    document = _document(connection, found, with_data, checked, removed=bool(checked.asked))
    document["stays"] = [vars(one) for one in stays]
    screen.document(document)
    return code


def refuse(found: "Inventory", connection: "Connection") -> None:
    """Raise BadInputError where CloudFormation would refuse, before anything is removed."""
    stack = found.stack or {}
    status = str(stack.get("StackStatus", ""))
    if stack.get("EnableTerminationProtection"):
        raise BadInputError(
            f"stack {connection.stack} is protected from its termination",
            "Switch that off: `aws cloudformation update-termination-protection "
            f"--no-enable-termination-protection --stack-name {connection.stack}`.",
        )
    if status.endswith("_IN_PROGRESS") and status not in (
        *("DELETE_IN_PROGRESS", "REVIEW_IN_PROGRESS"),
    ):
        raise BadInputError(
            f"stack {connection.stack} is being deployed ({status})",
            "Wait until that has ended.",
        )


def _document(
    connection: "Connection", found: "Inventory", with_data: bool, checked: Any, *, removed: bool
) -> dict[str, Any]:
    from kanmon.removal.things import to_keep, to_remove

    chosen = to_remove(found.things, with_data=with_data)
    return {
        "stage": connection.name,
        "stack": connection.stack,
        "account": connection.account,
        "region": connection.region,
        "things": [one.document() for one in chosen],
        "kept": [one.document() for one in to_keep(found.things, with_data=with_data)],
        "removed": removed,
        "asked": checked.asked,
        "left": checked.left,
        "stays": [],
    }


def remove(removal: Any, found: "Inventory", *, with_data: bool) -> None:
    """Remove the things in order; say of each that it is gone."""
    from kanmon.removal import work
    from kanmon.removal.things import Kind, to_remove

    connection, screen = removal.connection, current().screen
    stopped = False
    for thing in to_remove(found.things, with_data=with_data):
        if thing.kind is not Kind.WORK:
            removal.remove(thing)
            screen.note(f"Removed {thing.kind} {thing.name}")
        elif not stopped:
            stopped = True
            work.stop(
                connection,
                lambda: [
                    *work.running(connection, found.of_the_stage),
                    *work.jobs(connection, found.names),
                ],
                removal.tick,
            )
