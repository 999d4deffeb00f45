"""kanmon stop."""

import click

from kanmon.errors import BadInputError
from kanmon.invocation import Verb, complete_model, current


@click.command(
    cls=Verb,
    name="stop",
    examples="""
    kanmon stop abalone                     the latest run of the model
    kanmon stop abalone-261121055501-x7k --reason "wrong data"
    """,
)
@click.argument("run", shell_complete=complete_model)
@click.option("--reason", default="stopped by kanmon stop", help="Why; kept with the run.")
def command(run: str, reason: str) -> None:
    """Stop a run that is going on; its model's turn is given back.

    RUN is a run's name, or a model's name for its latest run.
    """
    from kanmon import execution
    from kanmon.records import find_run

    invocation = current()
    connection, screen = invocation.connection, invocation.screen
    record = find_run(connection, invocation.project, run)
    arn = connection.execution_arn(record.run)
    status = execution.ending(connection, arn).status
    if status != execution.RUNNING:
        raise BadInputError(f"run {record.run} is not going on: it {status.lower()}")
    connection.stepfunctions.stop_execution(executionArn=arn, error="Stopped", cause=reason)
    screen.say(f"Run {record.run} is stopped.")
    screen.document({"run": record.run, "model": record.model, "status": "ABORTED"})
