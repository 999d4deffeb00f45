"""kanmon dataset-from-labels."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core.words.formats import counted
from kanmon.errors import BadInputError
from kanmon.terminal.invocation import Invocation, Verb, complete_model, current
from kanmon.terminal.screen import shown_path

if TYPE_CHECKING:
    from kanmon.labels.dataset import Gathered


@click.command(
    cls=Verb,
    name="dataset-from-labels",
    examples="""
    kanmon dataset-from-labels churn --to november.parquet
    kanmon dataset-from-labels churn --since 2026-11-01 --put
    """,
)
@click.argument("model", shell_complete=complete_model)
@click.option("--to", type=click.Path(path_type=Path), help="The file to write: .parquet or .csv.")
@click.option("--since", metavar="DAY", help="Use only answers of this day (UTC) and later.")
@click.option("--put", is_flag=True, help="Upload it, as `kanmon put-data` does.")
def command(model: str, to: Path | None, since: str | None, put: bool) -> None:
    """Make a data file for the next run of labelled answers.

    Its rows are captured requests and inputs of batches that have a label. Each key is there once,
    with its latest answer. Contradicting labels are left out. What was neither sampled nor labelled
    is not in it: see docs/labels.md before you train on such rows alone.
    """
    from kanmon.labels.dataset import gathered
    from kanmon.labels.model_plan import plan_of
    from kanmon.labels.new_data import check_target, write
    from kanmon.models.definitions import read_folder

    invocation = current()
    screen = invocation.screen
    path = to or Path(f"{model}-labelled-{datetime.now(UTC):%Y%m%d}.parquet")
    definition = read_folder(invocation.project.model_folder(model)).definition
    check_target(path, plain=plan_of(definition).number_format.plain)
    day = checked_day(since, datetime.now(UTC))
    with screen.waiting(f"Reading what {model} answered"):
        found = gathered(invocation.connection, definition, day)
    write(found.data.rows, path, found.plan)
    for note in found.notes:
        screen.note(note)
    show(invocation, found, path)
    if put:
        upload(invocation, model, path)
    screen.document(
        {
            "model": model,
            "file": str(path),
            "rows": found.data.rows.height,
            "left_out": dict(found.data.left_out),
            "labels": found.labels,
            "notes": found.notes,
            "put": put,
        }
    )


def checked_day(since: str | None, now: datetime) -> str:
    """The day as it is sorted by; empty for every day.

    >>> now = datetime(2026, 11, 30)
    >>> checked_day("2026-11-01", now), checked_day(None, now)
    ('2026-11-01', '')
    """
    if since is None:
        return ""
    try:
        day = datetime.strptime(since, "%Y-%m-%d")
    except ValueError:
        raise BadInputError(f"--since {since}: is not a day", "Write 2026-01-31.") from None
    if day.date() > now.date():
        raise BadInputError(f"--since {since}: is a day to come", f"Today is {now:%Y-%m-%d} (UTC).")
    return f"{day:%Y-%m-%d}"


def show(invocation: Invocation, found: "Gathered", path: Path) -> None:
    """Print what is in the file, and what is not."""
    screen, labels = invocation.screen, found.labels
    screen.say(f"{shown_path(path)} has {counted(found.data.rows.height, 'row')}")
    left = {**found.data.left_out, **{name: labels[name] for name in ("contradicting", "unknown")}}
    for name, count in left.items():
        if count:
            screen.say(f"  left out: {count:,} {name}")


def upload(invocation: Invocation, model: str, path: Path) -> None:
    """Add the file to the model's data."""
    from kanmon.commands.put_data import location
    from kanmon.models import datasets

    files, _ = datasets.data_files([path], None)
    others = datasets.put(
        invocation.connection,
        location(invocation, model),
        files,
        lambda one: invocation.screen.say(f"  {one.what}  {one.name}"),
        lambda *_: None,
    )
    if others:
        screen = invocation.screen
        screen.note(
            f"The data has {counted(len(others), 'file')} beside it; the next run refuses a key "
            "that is in two of them"
        )
