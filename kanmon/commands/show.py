"""kanmon show."""

from datetime import UTC, datetime
from typing import Any

import click

from core.words.formats import duration, local_moment
from kanmon.terminal.invocation import Invocation, Verb, complete_model, current


@click.command(
    cls=Verb,
    name="show",
    examples="""
    kanmon show abalone-261121055501-x7k
    kanmon show abalone                     the latest run of the model
    kanmon show abalone --wait              until it has ended, like `kanmon run` does
    kanmon show abalone/7                   a release: what happened, why, what to do next
    """,
)
@click.argument("run", shell_complete=complete_model)
@click.option("--wait", is_flag=True, help="Watch it until it ends; the exit code is the run's.")
def command(run: str, wait: bool) -> int:
    """Show one run or release: what happened, why, what comes next.

    RUN is a run's name, a model's name for its latest run, or MODEL/NUMBER for a release.
    """
    if "/" in run:
        from kanmon.commands.watch import watch_release
        from kanmon.releases.records import find_release

        invocation = current()
        if wait:
            return watch_release(invocation, find_release(invocation.connection, run))
        tell_release(invocation, run)
        return 0
    from kanmon.commands.run import Progress, tell
    from kanmon.runs import execution
    from kanmon.runs.records import find_run

    invocation = current()
    connection = invocation.connection
    record = find_run(connection, invocation.project, run)
    arn = connection.execution_arn(record.run)
    if wait:
        ending = execution.follow(connection, arn, Progress(invocation))
        return tell(invocation, record.model, record.run, ending)
    _tell_all(invocation, record, execution.history(connection, arn), arn)
    return 0


def _tell_all(invocation: Invocation, record: Any, events: list[Any], arn: str) -> None:
    from kanmon.runs import execution
    from kanmon.runs.display import state_line
    from kanmon.runs.outcome import describe

    screen, connection = invocation.screen, invocation.connection
    visits = execution.visits(events)
    told = describe(
        connection,
        invocation.project,
        record.model,
        record.run,
        execution.ending(connection, arn),
    )
    screen.say(f"Run          {record.run}")
    screen.say(
        f"Opened       {local_moment(record.opened_at)}  ({record.reason or 'no reason given'})"
    )
    for label, value in (
        ("Snapshot", record.snapshot),
        ("Definition", record.definition),
        ("Fingerprint", record.fingerprint),
    ):
        if value:
            screen.say(f"{label:<13}{value}")
    now = datetime.now(UTC)
    screen.say("States")
    for visit in visits:
        screen.say(state_line(visit.state, duration(visit.seconds(now)), visit.attempts))
    for line in told.lines:
        screen.say(line)
    if told.problem:
        screen.say(f"Failed    {told.document['message']}")
    states = [{"state": one.state, "seconds": round(one.seconds(now), 3)} for one in visits]
    screen.document({"record": record.document(), "states": states, **told.document})


def tell_release(invocation: Invocation, reference: str) -> None:
    """Everything about one release: what was decided, how far it came, why, what to do next."""
    from kanmon.releases import evidence, explanation
    from kanmon.releases.display import release_document, story_lines
    from kanmon.releases.records import find_release
    from kanmon.stage.connection import stage_flag

    connection, screen = invocation.connection, invocation.screen
    found = evidence.gather(connection, find_release(connection, reference))
    story = explanation.tell(found, stage_flag(connection.name))
    for line in story_lines(found, story):
        screen.say(line)
    screen.document(release_document(found, story))
