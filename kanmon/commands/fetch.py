"""kanmon fetch."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.words.formats import count, counted, size
from kanmon.errors import BadInputError
from kanmon.terminal.invocation import Invocation, Verb, complete_model, current
from kanmon.terminal.screen import shown_path

if TYPE_CHECKING:
    from kanmon.batches.fetch import Fetched
    from kanmon.batches.records import BatchRecord
    from kanmon.stage.connection import Connection
    from kanmon.terminal.screen import Screen

# Of newer batches that are not done, so many are named.
MOST_NAMED = 3


@click.command(
    cls=Verb,
    name="fetch",
    examples="""
    kanmon fetch churn-261122055501-b7h
    kanmon fetch churn-261122055501-b7h --to scores/ --csv
    kanmon fetch churn-261122055501-b7h --rejects     why rows were rejected, too
    kanmon fetch churn                                the newest batch of a model that is done
    """,
)
@click.argument("named", metavar="BATCH|MODEL", shell_complete=complete_model)
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder to write to  [default: a folder named after the batch]",
)
@click.option("--csv", "as_csv", is_flag=True, help="Write one CSV file for spreadsheets, too.")
@click.option("--rejects", is_flag=True, help="Download the rejected rows and their reasons, too.")
def command(named: str, folder: Path | None, as_csv: bool, rejects: bool) -> None:
    """Download a batch's scores as Parquet files.

    Of a model, it is the newest batch that is done; the output says which, and names newer ones.
    Each file is held to the batch's manifest; one that is there already is not downloaded again.
    In the CSV file, text that a spreadsheet program would run as a formula begins with an
    apostrophe.
    """
    from kanmon.batches.fetch import claim, fetch

    invocation = current()
    screen = invocation.screen
    manifest = _manifest(invocation, _chosen(invocation, named))
    batch = str(manifest["batch"])
    target = folder or Path(batch)
    claim(target, manifest)
    written: list[dict[str, Any]] = []

    def passed(one: "Fetched") -> None:
        screen.live(f"{one.path.name}  {size(one.bytes)}")
        written.append({**vars(one), "path": str(one.path)})

    tables: list[dict[str, Any]] = []
    for kind in ("scores", "rejects") if rejects else ("scores",):
        paths = fetch(invocation.connection, manifest, target, kind, passed)
        screen.settle()
        amount = sum(one.stat().st_size for one in paths)
        if not paths:
            screen.say(f"{kind.capitalize():<10}no rows, so no file")
            continue
        files = counted(len(paths), "file")
        where = shown_path(target / kind)
        screen.say(f"{kind.capitalize():<10}{files}, {size(amount)}, in {where}")
        if as_csv:
            tables.append(_spreadsheet(screen, paths, target / f"{batch}-{kind}.csv"))
    screen.document(
        {
            "batch": batch,
            "model": manifest["model"],
            "release": manifest["release"]["number"],
            "rows": manifest["rows"],
            "files": written,
            "csv": tables,
        }
    )


def _spreadsheet(screen: "Screen", paths: list[Path], path: Path) -> dict[str, Any]:
    """Write the rows into one CSV file; what the document says of it."""
    from kanmon.batches.fetch import MOST_SPREADSHEET_ROWS, write_csv

    path.parent.mkdir(parents=True, exist_ok=True)
    rows = write_csv(paths, path)
    screen.say(f"{'':<10}{counted(rows, 'row')} in {shown_path(path)}")
    if rows >= MOST_SPREADSHEET_ROWS:
        most = count(MOST_SPREADSHEET_ROWS)
        screen.note(f"Spreadsheet programs show the first {most} lines of it.")
    return {"path": str(path), "rows": rows}


def _chosen(invocation: Invocation, named: str) -> "BatchRecord":
    """The batch of this name; of a model, its newest that is done."""
    from kanmon.batches.records import batch_named, newest_done
    from kanmon.stage.model_names import known_models

    connection, screen = invocation.connection, invocation.screen
    if found := batch_named(connection, named):
        return found
    models = known_models(connection, invocation.project)
    if named not in models:
        raise _unknown(connection, named, models)
    newest, newer = newest_done(connection, named)
    screen.say(f"{'Batch':<10}{newest.batch}, the newest of {named} that is done")
    if newer:
        screen.note(f"Newer and not done: {', '.join(one.batch for one in newer[:MOST_NAMED])}.")
    return newest


def _unknown(connection: "Connection", named: str, models: list[str]) -> BadInputError:
    """There is neither a batch nor a model of this name."""
    from difflib import get_close_matches

    from kanmon.stage.connection import stage_flag

    what = f"there is no batch or model {named!r} on stage {connection.name}"
    if near := get_close_matches(named, models, 1, 0.5):
        return BadInputError(what, f"Did you mean the model {near[0]}?")
    flag = stage_flag(connection.name)
    return BadInputError(what, f"`kanmon batches MODEL{flag}` lists a model's batches.")


def _manifest(invocation: Invocation, record: "BatchRecord") -> dict[str, Any]:
    """The manifest of a batch that was proven whole."""
    from core.stage.batch_table import RUNNING
    from kanmon.batches.outcome import manifest_key, what_next
    from kanmon.stage.connection import read_json, stage_flag

    connection, batch = invocation.connection, record.batch
    found = read_json(connection, manifest_key(record.model, record.batch))
    if found is not None:
        return dict(found)
    flag = stage_flag(connection.name)
    if record.status == RUNNING:
        raise BadInputError(
            f"batch {batch} is not finished", f"`kanmon show {batch} --wait{flag}` watches it."
        )
    words = str(record.summary or "it failed")
    fix = what_next(connection, record.model, batch, words, flag).strip()
    raise BadInputError(
        f"batch {batch} is not whole: {words}",
        fix or f"`kanmon score-batch {record.model}{flag}` starts another one.",
    )
