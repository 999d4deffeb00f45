"""kanmon stop."""

import click

from kanmon.errors import BadInputError
from kanmon.terminal.invocation import Invocation, Verb, complete_model, current


@click.command(
    cls=Verb,
    name="stop",
    examples="""
    kanmon stop abalone                     the latest run of the model
    kanmon stop abalone-261121055501-x7k --reason "wrong data"
    kanmon stop abalone/7 --reason "wrong day"    a release that waits or is being deployed
    """,
)
@click.argument("run", shell_complete=complete_model)
@click.option("--reason", default="stopped by kanmon stop", help="The reason; stored with the run.")
def command(run: str, reason: str) -> None:
    """Stop a run or a monitoring, or the pipeline of a release.

    RUN is the name of a run or monitoring, a model's name (its latest run) or MODEL/NUMBER (a
    release). The model's lock is released. If a canary is running, CodeDeploy stops it and shifts
    the traffic back.
    """
    from kanmon.monitoring.execution import execution_arn
    from kanmon.monitoring.records import monitoring_named
    from kanmon.runs import execution
    from kanmon.runs.records import find_run
    from kanmon.stage.connection import stage_flag

    invocation = current()
    if "/" in run:
        _stop_release(invocation, run, reason)
        return
    connection, screen = invocation.connection, invocation.screen
    monitoring = monitoring_named(connection, run)
    record = monitoring or find_run(connection, invocation.project, run)
    kind, name = ("monitoring", run) if monitoring else ("run", str(record.run))
    arn = execution_arn(connection, name) if monitoring else connection.execution_arn(name)
    status = execution.ending(connection, arn).status
    if status != execution.RUNNING:
        raise BadInputError(
            f"{kind} {name} has already ended ({status.lower()})",
            f"`kanmon show {name}{stage_flag(connection.name)}` shows it.",
        )
    connection.stepfunctions.stop_execution(executionArn=arn, error="Stopped", cause=reason)
    screen.say(f"{kind.capitalize()} {name} is stopped.")
    screen.document({kind: name, "model": record.model, "status": "ABORTED"})


def _stop_release(invocation: Invocation, reference: str, reason: str) -> None:
    from kanmon.releases.records import find_release
    from kanmon.releases.stop import stop_release

    connection, screen = invocation.connection, invocation.screen
    release = find_release(connection, reference)
    what = stop_release(connection, release, reason)
    screen.say(f"Release {release.reference}: {what}.")
    screen.document({**release.document(), "what": what})
