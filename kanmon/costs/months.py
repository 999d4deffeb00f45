"""What a month cost: the sums that the stage keeps, and the records that they are made of."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from core.cost.estimate import estimates
from core.cost.month import WORKS, executions_of, month_item, month_of
from core.cost.removed import removed_in
from core.reading import mappings
from core.stage.plan_table import PARTITION, REMOVED, STAGE
from kanmon.errors import BadInputError
from kanmon.planning.allowances import allowed_in
from kanmon.stage.model_table import item_of, items_of

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

_RECORDS = {"retrain": "run#", "score": "batch#", "monitor": "monitoring#"}
_DIGITS = 8


@dataclass(frozen=True)
class ModelMonth:
    """One model's month. `unknown` counts the executions whose cost is not wholly known."""

    model: str
    usd: float
    by_work: dict[str, dict[str, float]]
    unknown: int
    estimate_usd: dict[str, float | None]
    budget_usd: float | None
    # What people allowed on top of the budget.
    allowed_usd: float = 0.0
    # What spot machines saved.
    saved_usd: float = 0.0

    @property
    def count(self) -> int:
        return int(sum(one["count"] for one in self.by_work.values()))

    def document(self) -> dict[str, Any]:
        return {**vars(self), "count": self.count}


def check_month(text: str | None, now: datetime | None = None) -> str:
    """The month asked for, or this one in UTC."""
    if text is None:
        return month_of(now or datetime.now(UTC))
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text):
        raise BadInputError(f"{text!r} is no month", "Write one such as 2026-11.")
    return text


def model_month(connection: "Connection", model: str, month: str) -> ModelMonth:
    """What the stage has counted for a model in a month; zeros where it has nothing."""
    return ModelMonth(
        model=model,
        **_counted(item_of(connection, model, month_item(month)) or {}),
        estimate_usd=estimates(item_of(connection, model, "cost")),
        budget_usd=_budget(connection, model),
        allowed_usd=sum(each["usd"] for each in allowed_in(connection, model, month)),
    )


def removed_month(connection: "Connection", month: str) -> ModelMonth:
    """What models that were removed since have cost in a month, together."""
    kept = (item_of(connection, PARTITION, STAGE) or {}).get(REMOVED)
    return ModelMonth(
        model="removed models",
        **_counted(removed_in(kept, month)),
        estimate_usd={},
        budget_usd=None,
    )


def _counted(sums: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of a ModelMonth that are in a month's item."""
    by_work = {
        work: {
            "usd": round(float(sums.get(f"{work}_usd", 0)), _DIGITS),
            "count": int(sums.get(f"{work}_count", 0)),
        }
        for work in WORKS
    }
    return {
        "usd": round(float(sums.get("usd", 0)), _DIGITS),
        "saved_usd": round(float(sums.get("saved_usd", 0)), _DIGITS),
        "by_work": by_work,
        "unknown": int(sum(sums.get(f"{work}_unknown", 0) for work in WORKS)),
    }


def by_reason(connection: "Connection", model: str, month: str) -> dict[str, dict[str, Any]]:
    """Why the money was spent: what was counted in the month, by work and reason.

    A batch that is resumed, and a run that is redriven, may be counted in two months.
    """
    found: dict[str, dict[str, Any]] = {work: {} for work in WORKS}
    for work, prefix in _RECORDS.items():
        for record in items_of(connection, model, prefix):
            paid = [
                each for each in mappings(record.get("paid")) if str(each["at"]).startswith(month)
            ]
            if not paid:
                continue
            reason = str(record.get("reason") or "not recorded")
            one = found[work].setdefault(reason, {"usd": 0.0, "count": 0})
            spent = sum(float(each["usd"]) for each in paid)
            one["usd"] = round(one["usd"] + spent, _DIGITS)
            # An execution that is counted again, after a redrive, is still one.
            one["count"] += min(len(paid), len(executions_of(record["cost"])))
    return found


def stage_budget(connection: "Connection") -> float | None:
    """The stage's budget for planned work, from its parameter; None without one."""
    stack = connection.stack_description() or {}
    given = {one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", [])}
    return float(text) if (text := given.get("MonthlyBudgetUsd")) else None


def _budget(connection: "Connection", model: str) -> float | None:
    from core.definition.parse import DefinitionError, parse_definition
    from kanmon.models.definitions import published

    digest = published(connection, model)
    if digest is None:
        return None
    key = f"definitions/{model}/{digest}/model.yaml"
    body = connection.s3.get_object(Bucket=connection.bucket, Key=key)["Body"].read()
    try:
        budget = parse_definition(body.decode(), key).budget
    except DefinitionError:  # of another version of Kanmon
        return None
    return budget.usd_per_month if budget else None
