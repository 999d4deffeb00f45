"""kanmon put-data."""

from pathlib import Path

import click

from core.words.formats import counted, size
from kanmon.errors import BadInputError
from kanmon.terminal.invocation import Invocation, Verb, complete_model, current
from kanmon.terminal.screen import table


@click.command(
    cls=Verb,
    name="put-data",
    examples="""
    kanmon put-data abalone abalone.csv
    kanmon put-data churn january.csv.gz february.parquet
    kanmon put-data churn --from exports/ --replace
    """,
)
@click.argument("model", shell_complete=complete_model)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--from", "folder", type=click.Path(path_type=Path), help="Upload all data files of a folder."
)
@click.option("--replace", is_flag=True, help="Remove the model's other files.")
def command(model: str, files: tuple[Path, ...], folder: Path | None, replace: bool) -> None:
    """Upload a model's data: CSV, gzipped CSV or Parquet.

    A model's data is all its files, stored by name. Unchanged files are not uploaded again. A
    replaced or removed file is kept as an older version, for the runs that used it.
    """
    from kanmon.models import datasets
    from kanmon.stage.connection import stage_flag

    if files and folder:
        raise BadInputError("files are named, and a folder with --from", "Give one of the two.")
    if not files and not folder:
        raise BadInputError("no data file is named", "Name files, or a folder with --from.")
    invocation = current()
    screen = invocation.screen
    prefix = location(invocation, model)
    checked, skipped = datasets.data_files(files, folder)
    connection = invocation.connection
    if connection.name == "local":
        datasets.require_room(checked, invocation.project.home)
    uploads: list[datasets.Upload] = []

    def moving(file: datasets.DataFile, sent: int) -> None:
        screen.live(f"{file.name}  {sent * 100 // file.bytes} % of {size(file.bytes)}")

    others = datasets.put(connection, prefix, checked, uploads.append, moving)
    if replace:
        datasets.remove(connection, prefix, others)
    rows = [[one.what, size(one.bytes), one.name] for one in uploads]
    rows += [["removed", "", name] for name in others if replace]
    for line in table(rows, right="lrl"):
        screen.say(f"  {line}")
    if skipped:
        screen.note(f"Not uploaded, because not data: {', '.join(skipped)}")
    total = len(uploads) + (0 if replace else len(others))
    screen.say(f"{model} has {counted(total, 'file')} of data on stage {connection.name}")
    if others and not replace:
        screen.say(f"  also there: {', '.join(others)} (--replace removes files you do not name)")
    if any(one.what != "unchanged" for one in uploads) or (replace and others):
        screen.say(f"Retrain with `kanmon run {model}{stage_flag(connection.name)}`")
    screen.document(
        {
            "model": model,
            "location": f"s3://{connection.bucket}/{prefix}",
            "files": [vars(one) for one in uploads],
            "removed": others if replace else [],
            "others": [] if replace else others,
        }
    )


def location(invocation: Invocation, model: str) -> str:
    """The data location in the model's definition."""
    from kanmon.models.definitions import read_folder

    folder = read_folder(invocation.project.model_folder(model))
    gather = folder.definition.gather
    # What gather.py did not write stays among the data.
    if gather is not None and gather.is_query:
        raise BadInputError(
            f"a query makes the data of {model}, so no file of it is read",
            f"Change models/{model}/gather.sql, or remove it and the key gather from model.yaml.",
        )
    return str(folder.definition.data.location)
