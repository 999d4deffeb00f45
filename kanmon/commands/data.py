"""kanmon data."""

from typing import TYPE_CHECKING

import click

from core.words.formats import counted, local_moment, size
from kanmon.terminal.invocation import Invocation, Verb, complete_model, current
from kanmon.terminal.screen import cut, faint, table

if TYPE_CHECKING:
    from kanmon.models.datasets import Stored


@click.command(
    cls=Verb,
    name="data",
    examples="""
    kanmon data abalone
    kanmon data abalone --versions          older and removed versions, too
    kanmon data abalone --json
    """,
)
@click.argument("model", shell_complete=complete_model)
@click.option("--versions", is_flag=True, help="List older and removed versions, too.")
def command(model: str, versions: bool) -> None:
    """List a model's data files on the stage: size, time, version.

    A run reads the current version of every file. It records each one's version, so an older
    version stays what the runs that read it were trained on.
    """
    from kanmon.models import datasets
    from kanmon.stage.connection import stage_flag

    invocation = current()
    connection, screen = invocation.connection, invocation.screen
    prefix = _location(invocation, model)
    look = datasets.stored_versions if versions else datasets.stored_files
    found = look(connection, prefix)
    for line in table([_row(one) for one in found], ["file", "size", "stored", ""], "lrl"):
        screen.say(cut(line))
    current_ones = [one for one in found if one.what == "current"]
    total = size(sum(one.bytes for one in current_ones))
    if current_ones:
        screen.say(f"{model} has {counted(len(current_ones), 'file')} of data, {total}")
    else:
        screen.say(
            f"{model} has no data on stage {connection.name}. "
            f"`kanmon put-data {model} FILE{stage_flag(connection.name)}` uploads it"
        )
    screen.document(
        {
            "model": model,
            "location": f"s3://{connection.bucket}/{prefix}",
            "files": [one.document() for one in found],
        }
    )


def _row(one: "Stored") -> list[str]:
    what = "" if one.what == "current" else one.what
    version = faint(f"version {one.version}") if one.version else ""
    return [
        one.name,
        size(one.bytes) if one.what != "removed" else "",
        local_moment(one.stored_at),
        "  ".join(word for word in (what, version) if word),
    ]


def _location(invocation: Invocation, model: str) -> str:
    """The data location in the model's folder; without one, that of the published definition."""
    from kanmon.commands.put_data import location
    from kanmon.models.definitions import published_location

    if model in invocation.project.models():
        return location(invocation, model)
    invocation.require_model(model)
    return published_location(invocation.connection, model)
