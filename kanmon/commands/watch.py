"""kanmon watch."""

from typing import TYPE_CHECKING

import click

from kanmon.errors import FAILED, OK, InterruptedByUserError
from kanmon.terminal.invocation import Invocation, Verb, complete_model, current

if TYPE_CHECKING:
    from core.stage.release_records import Release


@click.command(
    cls=Verb,
    name="watch",
    examples="""
    kanmon watch abalone                    the waiting release, else the latest
    kanmon watch abalone/7
    """,
)
@click.argument("release", shell_complete=complete_model)
def command(release: str) -> int:
    """Watch a release's pipeline: stages, durations, canary traffic.

    It ends when the pipeline ends; the exit code is 0 if the pipeline succeeded. Ctrl-C stops
    watching, not the release. RELEASE is MODEL/NUMBER, or a model's name.
    """
    from kanmon.releases.records import find_release

    invocation = current()
    return watch_release(invocation, find_release(invocation.connection, release))


def watch_release(invocation: Invocation, release: "Release", execution: str | None = None) -> int:
    """Watch until the pipeline ends and print how it ended; the exit code."""
    from kanmon.releases import evidence
    from kanmon.releases.display import ReleaseProgress, release_document
    from kanmon.releases.explanation import explain
    from kanmon.releases.watch import follow
    from kanmon.stage.connection import stage_flag

    connection, screen = invocation.connection, invocation.screen
    flag = stage_flag(connection.name)
    try:
        screen.note(f"Release {release.reference}")
        release, ended = follow(connection, release, ReleaseProgress(invocation), execution)
    except KeyboardInterrupt as interrupt:
        screen.settle()
        raise InterruptedByUserError(
            f"release {release.reference} continues",
            f"`kanmon watch {release.reference}{flag}` watches it again.",
        ) from interrupt
    worked = ended is not None and ended.status == "Succeeded"
    # A success takes one line, so it needs no closer look.
    look = evidence.brief if worked and not screen.as_json else evidence.gather
    found = look(connection, release)
    explanation = explain(found, flag)
    if worked:
        screen.say(explanation.headline)
    screen.document(release_document(found, explanation))
    if worked:
        return OK
    why = ": ".join([explanation.headline, *explanation.reasons[:1]]).rstrip(".")
    screen.problem(f"{why.rstrip('.')}. `kanmon show {release.reference}{flag}` shows the details.")
    return FAILED
