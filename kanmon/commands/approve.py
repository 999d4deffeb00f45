"""kanmon approve."""

import click

from kanmon.terminal.invocation import Verb, complete_model, current


@click.command(
    cls=Verb,
    name="approve",
    examples="""
    kanmon approve abalone                  the release that waits
    kanmon approve abalone/7 --reason "looked at the tails" --watch
    kanmon approve abalone --as approver
    """,
)
@click.argument("release", shell_complete=complete_model)
@click.option(
    "--reason", default="", help="Why; kept with the release, and needed for one that was held."
)
@click.option("--watch", is_flag=True, help="Stay until it is in service, or is not.")
@click.option(
    "--if-waiting", is_flag=True, help="When nothing waits, say so and leave with exit code 0."
)
def command(release: str, reason: str, watch: bool, if_waiting: bool) -> int:
    """Approve a release: it is verified, then promoted by a canary.

    When its canary went well it is in service, and the champion that later candidates are
    compared with. RELEASE is MODEL/NUMBER, or a model's name for the one that waits.
    """
    from kanmon.commands.watch import watch_release
    from kanmon.releases.deciding import approve_or_reject

    invocation = current()
    found = approve_or_reject(invocation, release, "Approved", reason, if_waiting, watch)
    if found is None or not watch:
        return 0
    return watch_release(invocation, found)
