"""kanmon resume."""

import click

from kanmon.terminal.invocation import Verb, complete_model, current


@click.command(
    cls=Verb,
    name="resume",
    examples="""
    kanmon resume segments --reason "the new shop goes live"
    kanmon resume segments --reason "ticket 77" --stage prod --as operator
    """,
)
@click.argument("model", shell_complete=complete_model)
@click.option("--reason", required=True, help="The reason; shown wherever the model is.")
def command(model: str, reason: str) -> None:
    """Let the planner start a model's work again.

    What came while it was paused (data, a changed definition, alarms) asks again; scheduled times
    that passed do not.
    """
    from kanmon.planning.pauses import resume
    from kanmon.stage.connection import stage_flag

    invocation = current()
    invocation.require_model(model)
    connection, screen = invocation.connection, invocation.screen
    done = resume(connection, model, reason)
    flag = stage_flag(connection.name)
    screen.say(f"{model} is planned again. `kanmon plan {model}{flag}` shows what is due.")
    screen.document(done)
