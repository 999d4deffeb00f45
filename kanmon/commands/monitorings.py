"""kanmon monitorings."""

import click

from core.words.formats import local_moment
from kanmon.terminal.invocation import Verb, complete_model, current
from kanmon.terminal.screen import coloured, cut, is_narrow, table


@click.command(
    cls=Verb,
    name="monitorings",
    examples="""
    kanmon monitorings
    kanmon monitorings churn --limit 50
    kanmon monitorings churn --json
    """,
)
@click.argument("model", required=False, shell_complete=complete_model)
@click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(1), help="Show at most this many."
)
def command(model: str | None, limit: int) -> None:
    """List monitorings, newest first."""
    from kanmon.commands.runs import narrow
    from kanmon.monitoring.outcome import COLOURS
    from kanmon.monitoring.records import MonitoringRecord
    from kanmon.stage.connection import stage_flag
    from kanmon.stage.model_names import known_models
    from kanmon.stage.records import latest_of

    invocation = current()
    connection, screen, project = invocation.connection, invocation.screen, invocation.project
    if model:
        invocation.require_model(model)
    models = [model] if model else known_models(connection, project)
    found = latest_of(connection, MonitoringRecord, models, limit)
    rows = [
        [
            one.monitoring,
            local_moment(one.opened_at),
            coloured(COLOURS.get(one.outcome, ""), one.outcome),
            " ".join(str(one.summary or "").split()),
        ]
        for one in found
    ]
    headings = ["monitoring", "opened", "state", ""]
    for line in narrow(rows) if is_narrow() else table(rows, headings):
        screen.say(cut(line))
    if not found:
        which = model or (models or ["MODEL"])[0]
        flag = stage_flag(connection.name)
        screen.say(f"No monitoring yet. Start one with `kanmon monitor {which}{flag}`")
    screen.document([record.document() for record in found])
