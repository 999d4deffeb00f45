"""kanmon pause."""

import click

from kanmon.terminal.invocation import Verb, complete_model, current


@click.command(
    cls=Verb,
    name="pause",
    examples="""
    kanmon pause segments --reason "the new shop goes live"
    kanmon pause segments --reason "ticket 77" --stage prod --as operator
    """,
)
@click.argument("model", shell_complete=complete_model)
@click.option("--reason", required=True, help="The reason; shown wherever the model is.")
def command(model: str, reason: str) -> None:
    """Start nothing for a model by itself until it is resumed.

    Its scheduled times pass; new data, a changed definition and alarms are kept for later. What
    runs goes on, and people may start what they like.
    """
    from kanmon.planning.pauses import pause
    from kanmon.stage.connection import stage_flag

    invocation = current()
    invocation.require_model(model)
    connection, screen = invocation.connection, invocation.screen
    done = pause(connection, model, reason)
    flag = stage_flag(connection.name)
    screen.say(f"{model} is paused. `kanmon resume {model}{flag} --reason …` ends that.")
    screen.document(done)
