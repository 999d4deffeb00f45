"""kanmon withdraw."""

import click

from kanmon.terminal.invocation import Verb, complete_model, current


@click.command(
    cls=Verb,
    name="withdraw",
    examples="""
    kanmon withdraw abalone --reason "wrong in the north"
    """,
)
@click.argument("model", shell_complete=complete_model)
@click.option("--reason", required=True, help="The reason; stored in the model's history.")
@click.option("--no-wait", is_flag=True, help="Start it and return.")
def command(model: str, reason: str, no_wait: bool) -> int:
    """Take a model out of service.

    Its alias then answers every request with one clear error. Use it when no earlier release is
    good enough to go back to. The next promotion brings the model back, and so does
    `kanmon rollback MODEL --to NUMBER`.
    """
    from kanmon.commands.watch import watch_release
    from kanmon.project import check_model_name
    from kanmon.releases.withdraw import withdraw
    from kanmon.stage.connection import stage_flag

    check_model_name(model)
    invocation = current()
    connection, screen = invocation.connection, invocation.screen
    release, execution = withdraw(connection, model, reason)
    screen.note(f"Withdrawing {release.reference}")
    if not no_wait:
        return watch_release(invocation, release, execution)
    screen.say(f"`kanmon history {model}{stage_flag(connection.name)}` shows when it is done")
    screen.document({**release.document(), "execution": execution})
    return 0
