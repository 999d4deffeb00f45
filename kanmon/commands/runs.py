"""kanmon runs."""

from typing import TYPE_CHECKING

import click

from core.words.formats import local_moment
from kanmon.terminal.invocation import Verb, complete_model, current
from kanmon.terminal.screen import coloured, cut, is_narrow, table

if TYPE_CHECKING:
    from kanmon.runs.records import RunRecord

STATUS_WORDS = {"NOTHING_NEW": "nothing new", "QUEUED": "queued", "RUNNING": "running"}


@click.command(
    cls=Verb,
    name="runs",
    examples="""
    kanmon runs
    kanmon runs abalone --limit 50
    kanmon runs abalone --json
    """,
)
@click.argument("model", required=False, shell_complete=complete_model)
@click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(1), help="Show at most this many."
)
def command(model: str | None, limit: int) -> None:
    """List runs, newest first."""
    from kanmon.runs.records import RunRecord
    from kanmon.stage.connection import stage_flag
    from kanmon.stage.model_names import known_models
    from kanmon.stage.records import latest_of

    invocation = current()
    connection, screen, project = invocation.connection, invocation.screen, invocation.project
    if model:
        invocation.require_model(model)
    models = [model] if model else known_models(connection, project)
    found = latest_of(connection, RunRecord, models, limit)
    rows = [[one.run, local_moment(one.opened_at), outcome(one), note(one)] for one in found]
    for line in narrow(rows) if is_narrow() else table(rows, ["run", "opened", "outcome", ""]):
        screen.say(cut(line))
    if not found:
        named, flag = model or (models or ["MODEL"])[0], stage_flag(connection.name)
        screen.say(f"No run yet. Start one with `kanmon run {named}{flag}`")
    screen.document([record.document() for record in found])


def narrow(rows: list[list[str]]) -> list[str]:
    """Two lines a run, for a terminal on which one line would lose the outcome.

    >>> narrow([["abalone-261121055501-x7k", "2026-11-21 06:55", "promote", "release 1"]])
    ['abalone-261121055501-x7k', '  2026-11-21 06:55  promote  release 1']
    """
    return [
        line
        for run, *rest in rows
        for line in (run, "  " + "  ".join(word for word in rest if word))
    ]


def outcome(record: "RunRecord") -> str:
    """A run's outcome in one word: its verdict, if it has one."""
    if record.verdict:
        return coloured(str(record.verdict))
    status = str(record.status or "unknown")
    return coloured(status, STATUS_WORDS.get(status, status.lower()))


def note(record: "RunRecord") -> str:
    """The rest of the line: the run it equals, the gate's reasons, the error, or the next run."""
    if record.taken_over_by:
        return f"taken over by run {record.taken_over_by}"
    words = (f"equals {record.equals}" if record.equals else record.summary) or record.error or ""
    if record.release:
        return f"release {record.release}: {_plain(record, words)}"
    return _plain(record, words)


def _plain(record: "RunRecord", words: str) -> str:
    return " ".join(str(words).split()).removeprefix(f"{record.verdict}: ")
