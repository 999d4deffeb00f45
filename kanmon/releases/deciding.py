"""What `kanmon approve` and `kanmon reject` share: decide, and say what comes next."""

from typing import TYPE_CHECKING

from kanmon.errors import BadInputError
from kanmon.releases.decision import Decision, decide, not_waiting, waiting_approval, will_wait
from kanmon.releases.records import Release, find_release, list_releases
from kanmon.stage.connection import stage_flag

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection
    from kanmon.terminal.invocation import Invocation

# An approval opens seconds after its release, but on a laptop that does much else at that moment.
OPENS_SECONDS = 60


def approve_or_reject(
    invocation: "Invocation",
    reference: str,
    decision: Decision,
    reason: str,
    if_waiting: bool = False,
    watched: bool = False,
) -> Release | None:
    """Decide and say so; None when nothing waits and that is fine (`if_waiting`).

    What comes next is not told where it is `watched` at once.
    """
    connection, screen = invocation.connection, invocation.screen
    reason = reason.strip()
    if decision == "Rejected" and not reason:
        raise BadInputError("a rejection needs a reason", "Say why, for the next candidate.")
    release = _once_it_waits(connection, find_release(connection, reference))
    if if_waiting and waiting_approval(connection, release) is None:
        _nothing_waits(invocation, release)
        return None
    at = decide(connection, release, decision, reason)
    word, flag = decision.lower(), stage_flag(connection.name)
    screen.say(f"Release {release.reference} is {word}{f': {reason}' if reason else ''}")
    if decision == "Approved" and release.verdict == "hold":
        screen.note(f"The gate had held it: {(release.summary or '').removeprefix('hold: ')}")
    if watched:
        return release
    if decision == "Approved":
        screen.say(f"It is verified and promoted now: `kanmon watch {release.reference}{flag}`")
    screen.document(
        {
            **release.document(),
            "decision": word,
            "decision_reason": reason,
            "decided_at": at,
        }
    )
    return release


def _once_it_waits(connection: "Connection", release: Release) -> Release:
    """The pipeline needs a moment from a release's opening to its approval's token.

    Where nothing opens (any more) it waits for nothing. Raises BadInputError after too long.
    """
    import time

    limit = time.monotonic() + OPENS_SECONDS
    while will_wait(connection, release):
        if time.monotonic() > limit:
            raise not_waiting(connection, release)
        time.sleep(connection.poll_seconds)
        release = find_release(connection, release.reference)
    return release


def _nothing_waits(invocation: "Invocation", release: Release) -> None:
    screen = invocation.screen
    serving = next(
        (one for one in list_releases(invocation.connection, release.model) if one.in_service),
        None,
    )
    now = f"{serving.reference} is in service" if serving else "none is in service"
    screen.say(f"No release of {release.model} waits for a review; {now}")
    screen.document({"model": release.model, "decision": None, "in_service": now})
