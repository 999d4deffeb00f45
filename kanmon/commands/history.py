"""kanmon history."""

import click

from kanmon.terminal.invocation import Verb, complete_model, current


@click.command(
    cls=Verb,
    name="history",
    examples="""
    kanmon history abalone
    kanmon history abalone --json
    """,
)
@click.argument("model", shell_complete=complete_model)
def command(model: str) -> None:
    """Show what happened to a model's releases: when, who, why.

    Also when the planner was paused for it, and when that ended.
    """
    from kanmon.planning.pauses import pauses
    from kanmon.project import check_model_name
    from kanmon.releases.display import history_lines
    from kanmon.releases.history import history
    from kanmon.stage.connection import stage_flag
    from kanmon.terminal.screen import cut

    check_model_name(model)
    invocation = current()
    connection, screen = invocation.connection, invocation.screen
    found = sorted(
        [*history(connection, model), *pauses(connection, model)], key=lambda one: one.at
    )
    if not found:
        invocation.require_model(model)
        screen.say(
            f"No release yet. `kanmon run {model}{stage_flag(connection.name)}` opens one, "
            "unless the gate rejects its candidate"
        )
    for line in history_lines(found, model):
        screen.say(cut(line))
    screen.document([one.document() for one in found])
