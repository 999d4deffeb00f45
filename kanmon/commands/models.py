"""kanmon models."""

from typing import TYPE_CHECKING, Any

import click

from kanmon.invocation import Verb, current
from kanmon.screen import table
from kanmon.words import moment

if TYPE_CHECKING:
    from kanmon.stage import Connection


@click.command(
    cls=Verb,
    name="models",
    examples="""
    kanmon models
    kanmon models --stage prod --json
    """,
)
def command() -> None:
    """List the models: champion, packages waiting for approval, latest run."""
    invocation = current()
    screen, names = invocation.screen, invocation.project.models()
    found = [_describe(invocation.connection, name) for name in names]
    rows = [
        [
            one["model"],
            f"version {one['champion']}" if one["champion"] else "none",
            len(one["waiting"]) or "",
            one["outcome"],
            moment(one["latest_opened_at"]),
        ]
        for one in found
    ]
    for line in table(rows, ["model", "champion", "waiting", "latest run", ""], "llr"):
        screen.say(line)
    if not found:
        screen.say(
            "No model yet. `kanmon new-model NAME --from data.csv --target COLUMN` makes one"
        )
    screen.document([{k: v for k, v in one.items() if k != "outcome"} for one in found])


def _describe(connection: "Connection", model: str) -> dict[str, Any]:
    from kanmon.commands.runs import outcome
    from kanmon.records import packages_of, runs_of

    packages = packages_of(connection, model)
    approved = [one for one in packages if one.get("ModelApprovalStatus") == "Approved"]
    latest = next(iter(runs_of(connection, model, 1)), None)
    return {
        "model": model,
        "champion": approved[0]["ModelPackageVersion"] if approved else None,
        "champion_package": approved[0]["ModelPackageArn"] if approved else None,
        "waiting": [
            one["ModelPackageArn"]
            for one in packages
            if one.get("ModelApprovalStatus") == "PendingManualApproval"
        ],
        "latest_run": latest.run if latest else None,
        "latest_status": latest.status if latest else None,
        "latest_verdict": latest.verdict if latest else None,
        "latest_opened_at": latest.opened_at if latest else None,
        "outcome": outcome(latest) if latest else "none",
    }
