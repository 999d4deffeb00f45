"""kanmon remove."""

import click

from kanmon.errors import OK
from kanmon.terminal.invocation import Verb, complete_model, current


@click.command(
    cls=Verb,
    name="remove",
    examples="""
    kanmon remove churn --list                   show everything that the stage has of it
    kanmon remove churn                          all but its data in datasets/churn/
    kanmon remove churn --with-data --yes
    kanmon remove churn --in-service             although a release of it is in service
    """,
)
@click.argument("model", shell_complete=complete_model)
@click.option("--with-data", is_flag=True, help="Remove its data files, too.")
@click.option("--in-service", is_flag=True, help="Remove it although a release is in service.")
@click.option("--list", "only_list", is_flag=True, help="Show what would go; remove nothing.")
@click.option("--yes", is_flag=True, help="Remove without asking.")
def command(model: str, with_data: bool, in_service: bool, only_list: bool, yes: bool) -> int:
    """Remove a model from a stage: all but its data.

    Its definitions, runs, releases, captures, labels, batches and monitorings go in every version,
    its packages, its serving stack and its records. Its folder here stays as it is, and need not
    be there. Nothing may be working on the model. Then every service is asked about everything
    that was listed. If it is interrupted, run it again.
    """
    from kanmon.project import check_model_name
    from kanmon.removal import model_inventory, model_removal, remains, showing
    from kanmon.removal.check import Checked
    from kanmon.removal.things import to_keep, to_remove
    from kanmon.stage.connection import stage_flag

    check_model_name(model)
    invocation = current()
    screen, connection, project = invocation.screen, invocation.connection, invocation.project
    with screen.waiting(f"Looking for everything of {model}"):
        found = model_inventory.find(connection, project, model)
    if not found:
        raise model_inventory.unknown(connection, project, model)
    if not only_list:
        model_inventory.refuse(connection, model, in_service=in_service)
    things, kept = to_remove(found, with_data=with_data), to_keep(found, with_data=with_data)
    flag = stage_flag(connection.name)
    stays = remains.of_model(kept, f"kanmon remove {model}{flag} --with-data")
    showing.show(screen, things, stays)
    checked, code = Checked(0, []), OK
    if things and not only_list:
        showing.agree(invocation, "model", model, yes=yes)
        checked = model_removal.remove(connection, screen, model, things, kept)
        code = showing.report(screen, f"Model {model}", checked)
        if code == OK and model in project.models():
            screen.note(
                f"Its folder models/{model}/ is still here: the next `kanmon deploy{flag}` "
                "publishes it again."
            )
    document = model_removal.document(connection, model, things, kept, checked)
    screen.document({**document, "stays": [vars(one) for one in stays]})
    return code
