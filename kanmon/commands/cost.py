"""kanmon cost."""

from typing import TYPE_CHECKING, Any

import click

from kanmon.terminal.invocation import Verb, complete_model, current
from kanmon.terminal.screen import cut, table

if TYPE_CHECKING:
    from kanmon.costs.months import ModelMonth
    from kanmon.costs.stored import Stored
    from kanmon.stage.connection import Connection


@click.command(
    cls=Verb,
    name="cost",
    examples="""
    kanmon cost                       this month, all models
    kanmon cost churn --month 2026-10
    kanmon cost churn --json          by reason as well
    kanmon cost --standing            what the stage costs a month while nothing runs
    """,
)
@click.argument("model", required=False, shell_complete=complete_model)
@click.option("--month", metavar="YYYY-MM", help="The month, in UTC  [default: this one]")
@click.option("--standing", is_flag=True, help="Look up what is kept, and what that costs a month.")
def command(model: str | None, month: str | None, standing: bool) -> None:
    """Show what runs, batches and monitorings cost in a month.

    It also names what the stage costs while nothing runs. With --standing, data, images, logs and
    the table are measured and listed too; for that a role needs the deployer's permissions.

    Measured from what their jobs, functions and workflows used; discounts, free tiers, storage and
    scoring online are not in it. On the local stage: what it would have cost on AWS.
    """
    from kanmon.costs.months import check_month, model_month, removed_month, stage_budget
    from kanmon.costs.stored import stored
    from kanmon.deployment import standing_cost
    from kanmon.deployment.prices import kept
    from kanmon.planning.allowances import allowed_in
    from kanmon.stage.model_names import known_models

    invocation = current()
    wanted = check_month(month)
    connection, screen, project = invocation.connection, invocation.screen, invocation.project
    if model:
        invocation.require_model(model)
    models = [model] if model else known_models(connection, project)
    found = [model_month(connection, name, wanted) for name in models]
    removed = [] if model else [removed_month(connection, wanted)]
    all_of_them = [*found, *removed]
    budget, prices = stage_budget(connection), kept(connection)
    counted = standing_cost.document(project.root)
    kept_things = stored(connection) if standing else []
    allowed = allowed_in(connection, None, wanted)
    for line in lines(all_of_them, wanted, budget if not model else None, allowed):
        screen.say(cut(line))
    screen.say(f"Prices of {prices.named}.")
    screen.say(f"The stage itself costs {standing_cost.line(project.root)}.")
    for line in stored_lines(kept_things):
        screen.say(cut(line))
    if not invocation.as_json:
        return
    screen.document(
        {
            "stage": connection.name,
            "month": wanted,
            "usd": round(sum(one.usd for one in all_of_them), 8),
            "budget_usd": budget,
            "allowed": allowed,
            **_by_model(connection, found, removed, wanted),
            "prices": {**prices.origin(), "currency": prices.currency},
            "standing": {**counted, "stored": [one.document() for one in kept_things]},
        }
    )


def lines(
    found: "list[ModelMonth]",
    month: str,
    budget: float | None,
    allowed: list[dict[str, Any]] | None = None,
) -> list[str]:
    """The table, and what is to be said about its figures."""
    from core.words.formats import dollars

    if not any(one.count for one in found):
        return [f"Nothing was counted in {month}."]
    rows = [_row(one) for one in found if one.count]
    whole = sum(one.usd for one in found)
    if len(rows) > 1 or budget is not None:
        on_top = sum(each["usd"] for each in allowed or [])
        rows.append(["all", "", "", "", dollars(whole), _limit(budget, on_top)])
    shown = list(table(rows, [month, "retrain", "score", "monitor", "US dollars", "budget"]))
    saved = sum(one.saved_usd for one in found)
    if saved:
        shown.append(f"Spot machines saved {dollars(saved)} US dollars.")
    unknown = sum(one.unknown for one in found)
    if unknown:
        shown.append(f"Of {unknown} of them a part is not known; it is not in the sums.")
    return shown


def stored_lines(kept: "list[Stored]") -> list[str]:
    """What is kept, each with its size and dollars a month."""
    from core.words.formats import dollars, size

    if not kept:
        return []
    rows = []
    for one in kept:
        if one.bytes is None:
            rows.append([one.what, f"not known ({one.why})", ""])
            continue
        least = "more than " if one.at_least else ""
        rows.append([one.what, least + size(one.bytes), least + dollars(one.usd or 0.0)])
    return list(table(rows, ["kept", "size", "US dollars a month"]))


def _by_model(
    connection: "Connection", found: "list[ModelMonth]", removed: "list[ModelMonth]", month: str
) -> dict[str, Any]:
    """Each model's month with its reasons, and what is known of models that were removed."""
    from kanmon.costs.months import by_reason

    known = ("usd", "by_work", "count", "unknown")
    gone = [{name: one.document()[name] for name in known} for one in removed]
    return {
        "models": [
            {**one.document(), "by_reason": by_reason(connection, one.model, month)}
            for one in found
        ],
        "removed": gone[0] if gone else None,
    }


def _row(one: "ModelMonth") -> list[str]:
    from core.words.formats import dollars

    def of_work(work: str) -> str:
        part: dict[str, Any] = one.by_work[work]
        return f"{dollars(part['usd'])} ({part['count']})" if part["count"] else ""

    works = [of_work(work) for work in ("retrain", "score", "monitor")]
    return [one.model, *works, dollars(one.usd), _limit(one.budget_usd, one.allowed_usd)]


def _limit(budget: float | None, allowed: float) -> str:
    """The budget, and what people allowed on top of it."""
    from core.words.formats import dollars

    if budget is None:
        return ""
    return f"{dollars(budget)} + {dollars(allowed)}" if allowed else dollars(budget)
