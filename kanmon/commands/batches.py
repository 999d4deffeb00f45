"""kanmon batches."""

from typing import TYPE_CHECKING

import click

from core.words.formats import count, local_moment
from kanmon.terminal.invocation import Verb, complete_model, current
from kanmon.terminal.screen import coloured, cut, table

if TYPE_CHECKING:
    from kanmon.batches.records import BatchRecord

WORDS = {
    "SUCCEEDED": "scored",
    "RUNNING": "running",
    "FAILED": "failed",
    "ABORTED": "stopped",
    "TIMED_OUT": "took too long",
}


@click.command(
    cls=Verb,
    name="batches",
    examples="""
    kanmon batches
    kanmon batches churn
    kanmon batches churn --limit 50 --json
    """,
)
@click.argument("model", required=False, shell_complete=complete_model)
@click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(1), help="Show at most this many."
)
def command(model: str | None, limit: int) -> None:
    """List batches, newest first."""
    from kanmon.batches.records import latest_batches
    from kanmon.stage.connection import stage_flag
    from kanmon.stage.model_names import known_models

    invocation = current()
    connection, screen = invocation.connection, invocation.screen
    if model:
        invocation.require_model(model)
    models = [model] if model else known_models(connection, invocation.project)
    found = latest_batches(connection, models, limit)
    heading = ["batch", "asked", "state", "rows", "rejected", "release", ""]
    for line in table([row(one) for one in found], heading, "lllrrrl"):
        screen.say(cut(line))
    if not found:
        named, flag = model or (models or ["MODEL"])[0], stage_flag(connection.name)
        screen.say(f"No batch yet. Start one with `kanmon score-batch {named}{flag}`")
    screen.document([record.document() for record in found])


def row(record: "BatchRecord") -> list[str]:
    """A batch's line: counts where it is scored, else why it failed."""
    status = str(record.status or "unknown")
    scored = status == "SUCCEEDED"
    return [
        record.batch,
        local_moment(record.asked_at),
        coloured(status, WORDS.get(status, status.lower())),
        count(record.rows) if scored else "",
        count(record.rejected) if scored else "",
        str(record.release or ""),
        "" if scored else " ".join(str(record.summary or "").split()),
    ]
