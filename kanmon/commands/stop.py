"""kanmon stop."""

from typing import TYPE_CHECKING

import click

from kanmon.errors import BadInputError
from kanmon.terminal.invocation import Invocation, Verb, complete_model, current

if TYPE_CHECKING:
    from kanmon.batches.records import BatchRecord


@click.command(
    cls=Verb,
    name="stop",
    examples="""
    kanmon stop abalone                     the latest run of the model
    kanmon stop abalone-261121055501-x7k --reason "wrong data"
    kanmon stop churn-261122055501-b7h      a batch, which can be resumed
    kanmon stop abalone/7 --reason "wrong day"    a release that waits or is being deployed
    """,
)
@click.argument("run", shell_complete=complete_model)
@click.option("--reason", default="stopped by kanmon stop", help="The reason; stored with the run.")
def command(run: str, reason: str) -> None:
    """Stop a run, a batch or a monitoring, or the pipeline of a release.

    RUN is the name of a run, a batch or a monitoring, a model's name (its latest run) or
    MODEL/NUMBER (a release). The model's lock is released. A step that is a function works on for
    at most 15 minutes, and the run takes nothing of it. If a canary is running, CodeDeploy stops
    it and shifts the traffic back.
    """
    from kanmon.batches.records import batch_named
    from kanmon.monitoring.records import monitoring_named
    from kanmon.runs import execution
    from kanmon.runs.records import find_run
    from kanmon.stage.connection import stage_flag

    invocation = current()
    if "/" in run:
        _stop_release(invocation, run, reason)
        return
    connection, screen = invocation.connection, invocation.screen
    batch = batch_named(connection, run)
    if batch is not None:
        _stop_batch(invocation, batch, reason)
        return
    monitoring = monitoring_named(connection, run)
    record = monitoring or find_run(connection, invocation.project, run)
    kind, name = ("monitoring", run) if monitoring else ("run", str(record.run))
    arn_of = connection.monitoring_execution_arn if monitoring else connection.execution_arn
    arn = arn_of(name)
    status = execution.ending(connection, arn).status
    if status != execution.RUNNING:
        raise BadInputError(
            f"{kind} {name} has already ended ({status.lower()})",
            f"`kanmon show {name}{stage_flag(connection.name)}` shows it.",
        )
    connection.stepfunctions.stop_execution(executionArn=arn, error="Stopped", cause=reason)
    screen.say(f"{kind.capitalize()} {name} is stopped.")
    screen.document({kind: name, "model": record.model, "status": "ABORTED"})


def _stop_batch(invocation: Invocation, batch: "BatchRecord", reason: str) -> None:
    from kanmon.runs import execution
    from kanmon.stage.connection import stage_flag

    connection, screen = invocation.connection, invocation.screen
    flag = stage_flag(connection.name)
    arn = connection.batch_execution_arn(batch.works)
    status = execution.ending(connection, arn).status
    if status != execution.RUNNING:
        raise BadInputError(
            f"batch {batch.batch} has already ended ({status.lower()})",
            f"`kanmon show {batch.batch}{flag}` shows it.",
        )
    connection.stepfunctions.stop_execution(executionArn=arn, error="Stopped", cause=reason)
    again = f"`kanmon score-batch {batch.model} --resume {batch.batch}{flag}`"
    screen.say(f"Batch {batch.batch} is stopped. {again} scores what is missing.")
    screen.document({"batch": batch.batch, "model": batch.model, "status": "ABORTED"})


def _stop_release(invocation: Invocation, reference: str, reason: str) -> None:
    from kanmon.releases.records import find_release
    from kanmon.releases.stop import stop_release

    connection, screen = invocation.connection, invocation.screen
    release = find_release(connection, reference)
    what = stop_release(connection, release, reason)
    screen.say(f"Release {release.reference}: {what}.")
    screen.document({**release.document(), "what": what})
