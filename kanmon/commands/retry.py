"""kanmon retry."""

import click

from kanmon.terminal.invocation import Verb, complete_model, current


@click.command(
    cls=Verb,
    name="retry",
    examples="""
    kanmon retry abalone/7                  retry and watch
    kanmon retry abalone/7 --no-wait
    """,
)
@click.argument("release", shell_complete=complete_model)
@click.option("--no-wait", is_flag=True, help="Start it and return.")
def command(release: str, no_wait: bool) -> int:
    """Retry the failed stage of a release's pipeline.

    Use it when the cause is outside the release: a permission, a quota, a service outage. The
    approval stays valid. If the release itself is wrong, run the model again instead.
    """
    from kanmon.commands.watch import watch_release
    from kanmon.releases.records import find_release
    from kanmon.releases.retry import retry
    from kanmon.stage.connection import stage_flag

    invocation = current()
    connection, screen = invocation.connection, invocation.screen
    found = find_release(connection, release)
    stage = retry(connection, found)
    screen.note(f"Retrying stage {stage} of {found.reference}")
    if not no_wait:
        return watch_release(invocation, found)
    screen.say(f"`kanmon watch {found.reference}{stage_flag(connection.name)}` shows it")
    screen.document({**found.document(), "stage": stage})
    return 0
