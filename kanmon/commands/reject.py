"""kanmon reject."""

import click

from kanmon.errors import BadInputError
from kanmon.terminal.invocation import Invocation, Verb, complete_model, current


@click.command(
    cls=Verb,
    name="reject",
    examples="""
    kanmon reject abalone --reason "wrong in the north"
    kanmon reject abalone/7 --reason "the baseline is enough" --as approver
    kanmon reject abalone --all-waiting --reason "the data was wrong"
    """,
)
@click.argument("release", shell_complete=complete_model)
@click.option(
    "--reason", required=True, help="The reason; stored with the release and its package."
)
@click.option("--all-waiting", is_flag=True, help="Reject every waiting release of the model.")
def command(release: str, reason: str, all_waiting: bool) -> None:
    """Reject a release: it never goes into service.

    Its package in the registry is rejected, too, with the reason. RELEASE is MODEL/NUMBER, or a
    model's name (its waiting release).
    """
    from kanmon.commands.approve import approve_or_reject

    if all_waiting:
        _reject_all(current(), release, reason.strip())
    else:
        approve_or_reject(current(), release, "Rejected", reason)


def _reject_all(invocation: Invocation, model: str, reason: str) -> None:
    from core.stage.release_records import Status
    from kanmon.releases.decision import decide, wait_until_open
    from kanmon.releases.records import list_releases

    connection, screen = invocation.connection, invocation.screen
    if not reason:
        raise BadInputError(
            "a rejection needs a reason", "Add --reason; it is stored with the release."
        )
    invocation.require_model(model)
    found = [one for one in list_releases(connection, model) if one.status == Status.WAITING]
    rejected = []
    for release in reversed(found):
        try:
            at = decide(connection, wait_until_open(connection, release), "Rejected", reason)
        except BadInputError as error:  # somebody else has decided meanwhile
            screen.note(error.line())
            continue
        screen.say(f"Release {release.reference} is rejected: {reason}")
        rejected.append({"release": release.release, "decided_at": at})
    if not found:
        screen.say(f"No release of {model} waits for a review")
    screen.document({"model": model, "rejected": rejected, "decision_reason": reason})
