"""kanmon show."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from core.words.formats import counted, dollars, duration, local_moment, one_line, size
from core.words.people import person
from kanmon.terminal.invocation import Invocation, Verb, complete_model, current

if TYPE_CHECKING:
    from kanmon.batches.records import BatchRecord


@click.command(
    cls=Verb,
    name="show",
    examples="""
    kanmon show abalone-261121055501-x7k
    kanmon show abalone                     the latest run of the model
    kanmon show abalone --wait              watch it until it ends, like `kanmon run`
    kanmon show churn-261122055501-b7h      a batch
    kanmon show abalone/7                   a release
    kanmon show abalone-261121060002-m3q    a monitoring
    """,
)
@click.argument("run", shell_complete=complete_model)
@click.option("--wait", is_flag=True, help="Watch until it ends; the exit code is the run's.")
def command(run: str, wait: bool) -> int:
    """Show a run, batch, monitoring or release: what happened, and why.

    RUN is the name of a run, a batch or a monitoring, a model's name (its latest run) or
    MODEL/NUMBER (a release).
    """
    if "/" in run:
        from kanmon.commands.watch import watch_release
        from kanmon.releases.records import find_release

        invocation = current()
        if wait:
            return watch_release(invocation, find_release(invocation.connection, run))
        show_release(invocation, run)
        return 0
    from kanmon.batches.records import batch_named
    from kanmon.commands.run import Progress, print_outcome
    from kanmon.monitoring.records import monitoring_named
    from kanmon.runs import execution
    from kanmon.runs.records import find_run

    invocation = current()
    connection = invocation.connection
    monitoring = monitoring_named(connection, run)
    if monitoring:
        return _show_monitoring(invocation, monitoring.model, run, wait)
    batch = batch_named(connection, run)
    if batch is not None:
        return _batch(invocation, batch, wait)
    record = find_run(connection, invocation.project, run)
    arn = connection.execution_arn(record.run)
    if wait:
        ending = execution.follow(connection, arn, Progress(invocation))
        return print_outcome(invocation, record.model, record.run, ending)
    _show_run(invocation, record, execution.history(connection, arn), arn)
    return 0


def _show_monitoring(invocation: Invocation, model: str, monitoring: str, wait: bool) -> int:
    """Print a monitoring; the exit code is its own only if it was waited for."""
    from kanmon.commands.monitor import print_monitoring
    from kanmon.commands.run import Progress
    from kanmon.runs import execution

    connection = invocation.connection
    arn = connection.monitoring_execution_arn(monitoring)
    if wait:
        ending = execution.follow(connection, arn, Progress(invocation))
        return print_monitoring(invocation, model, monitoring, ending)
    print_monitoring(invocation, model, monitoring, execution.ending(connection, arn))
    return 0


def _show_run(invocation: Invocation, record: Any, events: list[Any], arn: str) -> None:
    from kanmon.runs import execution
    from kanmon.runs.display import gather_lines, problem_line, state_line, step_lines
    from kanmon.runs.experiment import mlflow_address
    from kanmon.runs.outcome import describe
    from kanmon.stage.connection import read_json

    screen, connection = invocation.screen, invocation.connection
    visits = execution.visits(events)
    outcome = describe(
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
        ("Started by", person(record.by) if record.by else None),
        ("Note", one_line(record.note) if record.note else None),
        ("Snapshot", record.snapshot),
        ("Definition", record.definition),
        ("Fingerprint", record.fingerprint),
        ("Machines", record.instances),
    ):
        if value:
            screen.say(f"{label:<13}{value}")
    if address := mlflow_address(connection, record.model, record.run):
        screen.say(f"MLflow       {address}")
    plan = read_json(connection, f"runs/{record.model}/{record.run}/run.json") or {}
    for line in gather_lines(gather) if (gather := plan.get("gather")) else ():
        screen.say(line)
    if record.usd is not None:
        screen.say(f"Cost         {dollars(record.usd)} US dollars (`kanmon cost` has the month)")
    now = datetime.now(UTC)
    if visits:
        screen.say("States")
    for visit in visits:
        screen.say(state_line(visit.state, duration(visit.seconds(now)), visit.attempts))
    for line in (*step_lines(outcome.document.get("verdict")), *outcome.lines):
        screen.say(line)
    if outcome.problem:
        screen.say(problem_line(outcome.document["status"], outcome.document["message"]))
    states = [{"state": one.state, "seconds": round(one.seconds(now), 3)} for one in visits]
    made = {"gather": gather} if gather else {}
    made |= {"mlflow": address} if address else {}
    screen.document({"record": record.document(), "states": states, **made, **outcome.document})


def _batch(invocation: Invocation, batch: "BatchRecord", wait: bool) -> int:
    from kanmon.commands.score_batch import watch_batch

    arn = invocation.connection.batch_execution_arn(batch.works)
    if wait:
        return watch_batch(invocation, batch.model, batch.batch, arn)
    _show_batch(invocation, batch, arn)
    return 0


def _show_batch(invocation: Invocation, batch: "BatchRecord", arn: str) -> None:
    from kanmon.batches.outcome import describe
    from kanmon.batches.progress import Shards
    from kanmon.runs import execution
    from kanmon.runs.display import problem_line, state_line

    screen, connection = invocation.screen, invocation.connection
    visits = execution.visits(execution.history(connection, arn))
    ending = execution.ending(connection, arn)
    outcome = describe(connection, batch.model, batch.batch, ending)
    screen.say(f"Batch     {batch.batch}")
    asked = f"{local_moment(batch.asked_at)}  ({batch.reason or 'no reason given'})"
    screen.say(f"Asked     {asked}")
    if batch.files:
        screen.say(f"Files     {counted(batch.files, 'file')}, {size(batch.bytes)}")
    if batch.release:
        screen.say(f"Release   {batch.model}/{batch.release}")
    now = datetime.now(UTC)
    for visit in visits:
        screen.say(state_line(visit.state, duration(visit.seconds(now)), visit.attempts))
    shards = Shards(connection, batch.model, batch.batch).look()
    if shards and ending.status != "SUCCEEDED":
        screen.say(f"Done      {shards}")
    for line in outcome.lines:
        screen.say(line)
    if outcome.problem:
        screen.say(problem_line(outcome.document["status"], outcome.document["message"]))
    states = [{"state": one.state, "seconds": round(one.seconds(now), 3)} for one in visits]
    screen.document({"record": batch.document(), "states": states, **outcome.document})


def show_release(invocation: Invocation, reference: str) -> None:
    """Print one release: its decision, its progress, the reasons, the next commands."""
    from kanmon.releases import evidence
    from kanmon.releases.display import detail_lines, release_document
    from kanmon.releases.explanation import explain
    from kanmon.releases.records import find_release
    from kanmon.stage.connection import stage_flag

    connection, screen = invocation.connection, invocation.screen
    found = evidence.gather(connection, find_release(connection, reference))
    explanation = explain(found, stage_flag(connection.name))
    for line in detail_lines(found, explanation):
        screen.say(line)
    screen.document(release_document(found, explanation))
