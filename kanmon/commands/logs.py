"""kanmon logs."""

from datetime import UTC, datetime

import click

from kanmon.errors import BadInputError
from kanmon.terminal.invocation import Invocation, Verb, complete_model, current
from kanmon.terminal.screen import faint


@click.command(
    cls=Verb,
    name="logs",
    examples="""
    kanmon logs abalone                     the latest run
    kanmon logs abalone-261121055501-x7k --step train
    kanmon logs churn-261122055501-b7h      a batch
    kanmon logs abalone/7                   the verification of a release
    """,
)
@click.argument("run", shell_complete=complete_model)
@click.option(
    "--step",
    type=click.Choice(["gather", "preprocess", "train", "evaluate", "score", "monitor"]),
    help="Show only this step.",
)
def command(run: str, step: str | None) -> None:
    """Show the logs of a run, batch, monitoring or verification.

    RUN is the name of a run, a batch or a monitoring, a model's name (its latest run) or
    MODEL/NUMBER (a release).
    """
    from kanmon.batches.records import batch_named
    from kanmon.monitoring.records import monitoring_named
    from kanmon.runs import job_logs
    from kanmon.runs.records import find_run

    invocation = current()
    if "/" in run:
        if step:
            raise BadInputError("--step is for runs, and a release has no steps", "Leave it out.")
        _verification(invocation, run)
        return
    connection, screen = invocation.connection, invocation.screen
    equals = None
    batch = batch_named(connection, run)
    if batch is not None:
        if step not in (None, "score"):
            raise BadInputError("a batch has one step, score", "Leave --step out.")
        run = batch.works  # the log of its latest attempt
    elif not monitoring_named(connection, run):
        record = find_run(connection, invocation.project, run)
        run, equals = str(record.run), record.equals
    lines = job_logs.step_log(connection, run, step)
    if equals and not lines:
        # A run that found nothing new started no step but a job that gathers.
        run, lines = str(equals), job_logs.step_log(connection, str(equals), step)
    called = job_logs.names_shown(lines)
    width = max([13, *map(len, called.values())])
    for line in lines:
        at = datetime.fromtimestamp(line.at / 1000, UTC).astimezone()
        name = called[line.attempt, line.host]
        screen.say(f"{faint(f'{at:%H:%M:%S}  {name:<{width}}')} {line.message.rstrip()}")
    if not lines:
        from kanmon.stage.connection import stage_flag

        screen.say(f"{run} has no logs.")
        screen.note(f"`kanmon show {run}{stage_flag(connection.name)}` says what happened.")
    screen.document(
        [
            {
                "job": line.job,
                "host": line.host or None,
                "time": datetime.fromtimestamp(line.at / 1000, UTC).isoformat(),
                "message": line.message,
            }
            for line in lines
        ]
    )


def _verification(invocation: Invocation, reference: str) -> None:
    """Print the log of the release's latest verification."""
    from kanmon.releases.evidence import build_log, verification_of
    from kanmon.releases.records import find_release
    from kanmon.stage.connection import stage_flag

    connection, screen = invocation.connection, invocation.screen
    release = find_release(connection, reference)
    build = verification_of(connection, release)
    events = build_log(connection, build) if build else []
    for event in events:
        at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC).astimezone()
        screen.say(f"{faint(f'{at:%H:%M:%S}')}  {event['message'].rstrip()}")
    if not events:
        screen.say(
            f"Release {release.reference} has no log: it was not verified. "
            f"`kanmon logs {release.run}{stage_flag(connection.name)}` shows the run that made it"
        )
    screen.document(
        [
            {
                "build": build,
                "time": datetime.fromtimestamp(event["timestamp"] / 1000, UTC).isoformat(),
                "message": event["message"],
            }
            for event in events
        ]
    )
