"""kanmon approve."""

from typing import TYPE_CHECKING

import click

from kanmon.errors import BadInputError
from kanmon.terminal.invocation import Invocation, Verb, complete_model, current

if TYPE_CHECKING:
    from core.stage.release_records import Release
    from kanmon.releases.decision import Decision


@click.command(
    cls=Verb,
    name="approve",
    examples="""
    kanmon approve abalone                  the waiting release
    kanmon approve abalone/7 --reason "looked at the tails" --watch
    kanmon approve abalone --as approver
    """,
)
@click.argument("release", shell_complete=complete_model)
@click.option(
    "--reason", default="", help="The reason; stored. Required if the gate held the release."
)
@click.option("--watch", is_flag=True, help="Watch until it is in service or has failed.")
@click.option("--if-waiting", is_flag=True, help="Succeed (exit code 0) if no release waits.")
def command(release: str, reason: str, watch: bool, if_waiting: bool) -> int:
    """Approve a release: it is verified, then promoted by a canary.

    After a good canary it is in service: the champion that later candidates are compared with.
    RELEASE is MODEL/NUMBER, or a model's name (its waiting release).
    """
    from kanmon.commands.watch import watch_release

    invocation = current()
    found = approve_or_reject(invocation, release, "Approved", reason, if_waiting, watch)
    if found is None or not watch:
        return 0
    return watch_release(invocation, found)


def approve_or_reject(
    invocation: Invocation,
    reference: str,
    decision: "Decision",
    reason: str,
    if_waiting: bool = False,
    watched: bool = False,
) -> "Release | None":
    """Decide and print it; None when nothing waits and that is fine (`if_waiting`).

    The next command is left out when the release is `watched` right away.
    """
    from kanmon.releases.decision import decide, wait_until_open, waiting_approval
    from kanmon.releases.records import release_to_decide
    from kanmon.stage.connection import stage_flag

    connection, screen = invocation.connection, invocation.screen
    reason = reason.strip()
    if decision == "Rejected" and not reason:
        raise BadInputError(
            "a rejection needs a reason", "Add --reason; it is stored with the release."
        )
    release = wait_until_open(connection, release_to_decide(connection, reference))
    if if_waiting and waiting_approval(connection, release) is None:
        _nothing_waits(invocation, release)
        return None
    at = decide(connection, release, decision, reason)
    word, flag = decision.lower(), stage_flag(connection.name)
    screen.say(f"Release {release.reference} is {word}{f': {reason}' if reason else ''}")
    if decision == "Approved" and release.verdict == "hold":
        screen.note(f"The gate held it: {(release.summary or '').removeprefix('hold: ')}")
    if watched:
        return release
    if decision == "Approved":
        screen.say(
            f"It is now verified and promoted; `kanmon watch {release.reference}{flag}` shows it"
        )
    screen.document(
        {
            **release.document(),
            "decision": word,
            "decision_reason": reason,
            "decided_at": at,
        }
    )
    return release


def _nothing_waits(invocation: Invocation, release: "Release") -> None:
    from kanmon.releases.records import list_releases

    screen = invocation.screen
    serving = next(
        (one for one in list_releases(invocation.connection, release.model) if one.in_service),
        None,
    )
    now = f"{serving.reference} is in service" if serving else "none is in service"
    screen.say(f"No release of {release.model} waits for a review; {now}")
    screen.document({"model": release.model, "decision": None, "in_service": now})
