"""kanmon labels."""

import click

from core.words.formats import counted, local_moment, size
from kanmon.terminal.invocation import Verb, complete_model, current
from kanmon.terminal.screen import table

PROBLEMS = ("late", "repeated", "contradicting", "unknown", "corrected")


@click.command(
    cls=Verb,
    name="labels",
    examples="""
    kanmon labels churn
    kanmon labels churn --json
    """,
)
@click.argument("model", shell_complete=complete_model)
def command(model: str) -> None:
    """List a model's label files, and what monitoring found about them."""
    from kanmon.labels import files as label_files
    from kanmon.stage.connection import stage_flag

    invocation = current()
    invocation.require_model(model)
    connection, screen = invocation.connection, invocation.screen
    found = label_files.stored_labels(connection, model)
    rows = [
        [
            one.name,
            size(one.bytes),
            local_moment(one.received.isoformat()),
            "correction" if one.correction else "",
        ]
        for one in found
    ]
    for line in table(rows, ["file", "size", "received", ""], "lrl"):
        screen.say(line)
    report = label_files.last_report(connection, model)
    counts = (report or {}).get("labels") or {}
    if not found:
        flag = stage_flag(connection.name)
        screen.say(f"{model} has no labels; `kanmon put-labels {model} FILE{flag}` uploads some")
    elif counts:
        each = [f"{counts.get(name, 0):,} {name}" for name in PROBLEMS]
        matched = f"{counts.get('matched', 0):,} of {counted(counts.get('given', 0), 'label')}"
        screen.say(f"In monitoring {(report or {}).get('monitoring')}: {matched} used")
        screen.say(f"  {', '.join(each)}")
    screen.document(
        {
            "model": model,
            "files": [{**vars(one), "received": one.received.isoformat()} for one in found],
            "monitoring": (report or {}).get("monitoring"),
            "labels": counts or None,
        }
    )
