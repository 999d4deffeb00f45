"""kanmon reject."""

import click

from kanmon.terminal.invocation import Verb, complete_model, current


@click.command(
    cls=Verb,
    name="reject",
    examples="""
    kanmon reject abalone --reason "wrong in the north"
    kanmon reject abalone/7 --reason "the baseline is enough" --as approver
    """,
)
@click.argument("release", shell_complete=complete_model)
@click.option(
    "--reason", required=True, help="The reason; stored with the release and its package."
)
def command(release: str, reason: str) -> None:
    """Reject a release: it never goes into service.

    Its package in the registry is rejected, too, with the reason. RELEASE is MODEL/NUMBER, or a
    model's name (its waiting release).
    """
    from kanmon.commands.approve import approve_or_reject

    approve_or_reject(current(), release, "Rejected", reason)
