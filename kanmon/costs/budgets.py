"""This month's budget of a model or of the stage: with what was allowed, and what is left."""

from typing import TYPE_CHECKING, Any

from core.words.formats import dollars
from kanmon.costs.months import check_month, model_month, removed_month, stage_budget
from kanmon.planning.allowances import allowed_in
from kanmon.stage.model_names import known_models

if TYPE_CHECKING:
    from kanmon.project import Project
    from kanmon.stage.connection import Connection


def budget_of(connection: "Connection", project: "Project", model: str | None) -> dict[str, Any]:
    """The budget of the model; without one, of the stage."""
    month = check_month(None)
    if model is None:
        limit: float | None = stage_budget(connection)
        models = known_models(connection, project)
        spent = sum(model_month(connection, each, month).usd for each in models)
        spent += removed_month(connection, month).usd
    else:
        known = model_month(connection, model, month)
        limit, spent = known.budget_usd, known.usd
    allowed = allowed_in(connection, model, month)
    found = {
        "of": model or f"the stage {connection.name}",
        "model": model,
        "month": month,
        "budget_usd": limit,
        "allowed": allowed,
        "limit_usd": with_allowed(limit, allowed),
        "spent_usd": round(spent, 8),
    }
    return {**found, "words": _words(found)}


def with_allowed(limit: float | None, allowed: list[dict[str, Any]]) -> float | None:
    """What may be spent; None where there is no budget."""
    return None if limit is None else round(limit + sum(each["usd"] for each in allowed), 8)


def _words(found: dict[str, Any]) -> str:
    spent = f"{found['of']} has spent {dollars(found['spent_usd'])} US dollars in {found['month']}"
    if found["limit_usd"] is None:
        return f"{spent}, and has no budget"
    left = max(0.0, found["limit_usd"] - found["spent_usd"])
    return f"{spent}, of {dollars(found['limit_usd'])}; {dollars(left)} are left"
