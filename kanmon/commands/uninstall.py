"""kanmon uninstall."""

import click

from kanmon.errors import OK
from kanmon.terminal.invocation import Verb, current


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
    from kanmon.removal import remains, showing, stage_inventory, stage_removal
    from kanmon.removal.check import Checked
    from kanmon.removal.things import to_keep, to_remove
    from kanmon.stage.connection import stage_flag

    invocation = current()
    screen, connection = invocation.screen, invocation.connection
    with screen.waiting(f"Looking for everything of stage {connection.name}"):
        found = stage_inventory.find(connection, invocation.project)
    if not only_list:
        stage_removal.refuse(found, connection)
    things = to_remove(found.things, with_data=with_data)
    kept = to_keep(found.things, with_data=with_data)
    later = f"kanmon uninstall{stage_flag(connection.name)} --with-data"
    stays = remains.of_stage(kept, things, later) if found.things else []
    place = f"account {connection.account}, region {connection.region}"
    screen.say(f"Stage {connection.name}: stack {connection.stack}, {place}")
    showing.show(screen, things, stays)
    checked, code = Checked(0, []), OK
    if things and not only_list:
        showing.agree(invocation, "stage", connection.name, yes=yes)
        checked = stage_removal.remove(connection, screen, found, things, kept)
        code = showing.report(screen, f"Stage {connection.name}", checked)
    document = stage_removal.document(connection, things, kept, checked)
    screen.document({**document, "stays": [vars(one) for one in stays]})
    return code
