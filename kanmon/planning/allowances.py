"""Allowances: what people let the planner spend on top of a budget, for the rest of a month."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from core.plan.calendar import month_of
from core.stage.items import Items
from core.stage.plan_table import COST, MOST_USD, PARTITION, STAGE, allowed
from core.words.formats import dollars, local_moment, one_line, timestamp
from core.words.people import person
from kanmon.errors import BadInputError
from kanmon.stage.model_table import item_of
from kanmon.stage.reason import check_reason

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

# Of more the newest are kept: an item of the table has 400 KB at most.
MOST_KEPT = 100


def allow(connection: "Connection", model: str | None, usd: float, reason: str) -> dict[str, Any]:
    """Let the planner spend so much more this month: of a model, or, without one, of the stage."""
    if not 0.01 <= usd <= MOST_USD:
        raise BadInputError(f"--allow {usd:g} is no amount", f"Write 0.01 to {MOST_USD:,.0f}.")
    check_reason(reason)
    now = datetime.now(UTC)
    by = str(connection.client("sts").get_caller_identity()["Arn"])
    said = {
        "month": month_of(now),
        "usd": f"{usd:.2f}",
        "reason": reason,
        "at": timestamp(now),
        "by": by,
    }
    place = _place(model)
    known = (item_of(connection, *place) or {}).get("allowances")
    kept = [*(known or []), said][-MOST_KEPT:]
    items = Items(connection.dynamodb, connection.table)
    if items.change(*place, {"allowances": kept}, {"allowances": (known,)}) is None:
        raise BadInputError(
            "somebody else allowed something at this moment",
            "See it with `kanmon budget`, and decide again.",
        )
    return said


def allowed_in(connection: "Connection", model: str | None, month: str) -> list[dict[str, Any]]:
    """What was allowed in a month, the oldest first."""
    return allowed(item_of(connection, *_place(model)), month)


def words(allowance: dict[str, Any]) -> str:
    """An allowance in words."""
    since, by = local_moment(allowance.get("at")), person(allowance.get("by"))
    usd, reason = dollars(allowance["usd"]), one_line(str(allowance.get("reason", "")))
    return f"{usd} US dollars on top, allowed {since} by {by}: {reason}"


def _place(model: str | None) -> tuple[str, str]:
    return (model, COST) if model else (PARTITION, STAGE)
