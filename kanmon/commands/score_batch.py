"""kanmon score-batch."""

from typing import TYPE_CHECKING

import click

from core.words.formats import counted, size
from kanmon.errors import BadInputError, InterruptedByUserError
from kanmon.terminal.invocation import Invocation, Verb, complete_model, current

if TYPE_CHECKING:
    from kanmon.batches.request import Source
    from kanmon.models.datasets import DataFile
    from kanmon.runs.execution import Ending


@click.command(
    cls=Verb,
    name="score-batch",
    examples="""
    kanmon score-batch churn                      the files that model.yaml names
    kanmon score-batch churn january.csv.gz february.parquet
    kanmon score-batch churn november/            a local folder; else one of the data bucket
    kanmon score-batch churn s3://BUCKET/ours/2026-11/
    kanmon score-batch churn march.csv --explain 3 --allow-missing TotalCharges
    kanmon score-batch churn --resume churn-261122055501-b7h
    """,
)
@click.argument("model", shell_complete=complete_model)
@click.argument("what", nargs=-1, metavar="[FOLDER | FILE...]")
@click.option(
    "--reason", default="manual", show_default=True, help="The reason; stored with the batch."
)
@click.option(
    "--allow-missing",
    metavar="NAME",
    multiple=True,
    help="Score files without this column, as if its values were missing. Repeatable.",
)
@click.option(
    "--explain",
    type=click.IntRange(0, 20),
    help="Write so many features beside each score that moved it most.",
)
@click.option("--hosts", type=click.IntRange(1, 100), help="Score on so many machines.")
@click.option("--resume", metavar="BATCH", help="Score what is missing of a batch.")
@click.option("--no-wait", is_flag=True, help="Start it and return.")
def command(
    model: str,
    what: tuple[str, ...],
    reason: str,
    allow_missing: tuple[str, ...],
    explain: int | None,
    hosts: int | None,
    resume: str | None,
    no_wait: bool,
) -> int:
    """Score files with the release in service: CSV, gzipped CSV or Parquet.

    Local files and folders are uploaded. Without files or a folder, batch.source in model.yaml is
    scored, or the model's data. The release is the one that is in service now, for the whole batch.
    Ctrl-C stops watching, not the batch.
    """
    from kanmon.batches import request
    from kanmon.batches.checks import check_columns, check_source
    from kanmon.project import check_model_name
    from kanmon.runs import execution
    from kanmon.scoring.online import in_service

    check_model_name(model)
    invocation = current()
    connection = invocation.connection
    if resume is not None:
        given = bool(what or allow_missing or hosts) or explain is not None
        return _resume(invocation, model, resume, reason, given, no_wait)
    source = request.source_of(what, connection.bucket)
    with invocation.check_service_of(model):
        release = in_service(connection, model).release
    check_columns(connection, model, release, allow_missing)
    check_source(connection, source)
    batch = request.new_batch(model)
    prefix = _uploaded(invocation, model, batch, source)
    document = request.batch_input(model, reason, source, prefix, allow_missing, explain, hosts)
    arn = execution.start(connection, batch, document, connection.score_machine, "batch")
    return _follow(invocation, model, batch, arn, no_wait)


def _uploaded(invocation: Invocation, model: str, batch: str, source: "Source") -> str | None:
    """Upload the local files; the folder they are in then, if there are any."""
    from kanmon.batches.request import upload
    from kanmon.models.datasets import require_room

    if not source.files:
        return None
    connection, screen = invocation.connection, invocation.screen
    if connection.name == "local":
        require_room(source.files, invocation.project.home)

    def moving(file: "DataFile", sent: int) -> None:
        screen.live(f"{file.name}  {sent * 100 // file.bytes} % of {size(file.bytes)}")

    prefix = upload(connection, model, batch, source.files, moving)
    screen.note(f"Uploaded {counted(len(source.files), 'file')}")
    return prefix


def _resume(
    invocation: Invocation, model: str, batch: str, reason: str, given: bool, no_wait: bool
) -> int:
    from core.stage.batch_table import SUCCEEDED
    from kanmon.batches.records import find_batch
    from kanmon.batches.request import resumption
    from kanmon.runs import execution

    if given:
        raise BadInputError(
            "a batch is resumed with its own plan",
            "Leave out files, --allow-missing, --explain and --hosts.",
        )
    connection, screen = invocation.connection, invocation.screen
    record = find_batch(connection, batch)
    if record.model != model:
        raise BadInputError(f"{batch} is a batch of {record.model}, not of {model}", "Name that.")
    if record.status == SUCCEEDED:
        screen.say(f"Batch {batch} is finished: {record.summary}")
        screen.document(record.document())
        return 0
    name = resumption(connection, record)
    document = {"model": model, "batch": batch, "reason": reason}
    arn = execution.start(connection, name, document, connection.score_machine, "batch")
    return _follow(invocation, model, batch, arn, no_wait)


def _follow(invocation: Invocation, model: str, batch: str, arn: str, no_wait: bool) -> int:
    from kanmon.stage.connection import stage_flag

    screen = invocation.screen
    if no_wait:
        flag = stage_flag(invocation.connection.name)
        screen.say(f"Batch {batch} has started. `kanmon show {batch}{flag}` shows it.")
        screen.document({"batch": batch, "model": model, "status": "RUNNING", "execution_arn": arn})
        return 0
    screen.note(f"Batch {batch}")
    return watch_batch(invocation, model, batch, arn)


def watch_batch(invocation: Invocation, model: str, batch: str, arn: str) -> int:
    """Watch a batch until it ends and print how it ended; the exit code."""
    from kanmon.batches.progress import Progress, Shards
    from kanmon.runs import execution
    from kanmon.stage.connection import stage_flag

    connection, screen = invocation.connection, invocation.screen
    try:
        progress = Progress(screen, Shards(connection, model, batch))
        ending = execution.follow(connection, arn, progress)
    except KeyboardInterrupt as interrupt:
        screen.settle()
        flag = stage_flag(connection.name)
        raise InterruptedByUserError(
            f"batch {batch} continues",
            f"`kanmon show {batch}{flag}` shows it, `kanmon stop {batch}{flag}` stops it.",
        ) from interrupt
    return print_outcome(invocation, model, batch, ending)


def print_outcome(invocation: Invocation, model: str, batch: str, ending: "Ending") -> int:
    """Print how a batch ended, for people or as a document; the exit code."""
    from kanmon.batches.outcome import describe

    outcome = describe(invocation.connection, model, batch, ending)
    for line in outcome.lines:
        invocation.screen.say(line)
    invocation.screen.document(outcome.document)
    if outcome.problem:
        invocation.screen.problem(outcome.problem)
    return outcome.exit_code
