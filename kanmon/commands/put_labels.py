"""kanmon put-labels."""

from collections.abc import Sequence
from pathlib import Path

import click

from core.words.formats import counted
from kanmon.terminal.invocation import Verb, complete_model, current
from kanmon.terminal.screen import table


@click.command(
    cls=Verb,
    name="put-labels",
    examples="""
    kanmon put-labels churn november.csv
    kanmon put-labels churn fixed.csv --correct       these replace earlier labels of their keys
    """,
)
@click.argument("model", shell_complete=complete_model)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--correct", is_flag=True, help="Replace the earlier labels of the files' keys.")
def command(model: str, files: tuple[Path, ...], correct: bool) -> None:
    """Upload labels: what really happened, for rows that were scored.

    A file (CSV, gzipped CSV or Parquet) has the target, and the columns of the model's key; or
    without them request_id and, for requests of several rows, row. Other columns are ignored. All
    files are checked first: where a row is bad, nothing is uploaded. The same content is uploaded
    once.
    """
    from kanmon.labels import files as label_files
    from kanmon.labels.model_plan import classes_in_service, plan_of
    from kanmon.models.definitions import read_folder
    from kanmon.stage.connection import stage_flag

    invocation = current()
    screen = invocation.screen
    plan = plan_of(read_folder(invocation.project.model_folder(model)).definition)
    connection = invocation.connection
    classes = classes_in_service(connection, model)
    checked, labels = label_files.checked(files, plan, classes)
    done = label_files.put(connection, model, checked, correction=correct)
    for line in table([[one.what, one.stored_as] for one in done]):
        screen.say(f"  {line}")
    if labels.new_classes:
        new = ", ".join(f"{name} ({rows:,})" for name, rows in labels.new_classes.most_common(10))
        screen.note(f"The release in service does not know these classes: {new}")
    screen.say(labels_line(labels.rows, model, connection.name, [one.what for one in done]))
    screen.say(f"`kanmon monitor {model}{stage_flag(connection.name)}` measures with them")
    screen.document(
        {
            "model": model,
            "files": [vars(one) for one in done],
            "labels": labels.rows,
            "correct": correct,
            "new_classes": dict(labels.new_classes),
        }
    )


def labels_line(rows: int, model: str, stage: str, what: Sequence[str]) -> str:
    """How many labels the files have, and whether they are new on the stage.

    >>> labels_line(400, "churn", "dev", ["uploaded"])
    '400 labels of churn are uploaded to stage dev'
    >>> labels_line(400, "churn", "dev", ["unchanged"])
    '400 labels of churn are on stage dev already: nothing was uploaded'
    >>> labels_line(400, "churn", "dev", ["unchanged", "uploaded"])
    '400 labels of churn are on stage dev: 1 of 2 files was there already'
    """
    labels = f"{counted(rows, 'label')} of {model} {'is' if rows == 1 else 'are'}"
    there = what.count("unchanged")
    if not there:
        return f"{labels} uploaded to stage {stage}"
    if there == len(what):
        return f"{labels} on stage {stage} already: nothing was uploaded"
    were = "was" if there == 1 else "were"
    return f"{labels} on stage {stage}: {there} of {len(what)} files {were} there already"
