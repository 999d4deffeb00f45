"""What a model's record and its month become when an execution is paid for. Pure.

The record keeps what each of its executions cost, and the month is increased by what is new. So
counting an execution again, after a retry or a redrive, adds only what it used since.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from core.reading import finite, mapping

WORKS = ("retrain", "score", "monitor")


@dataclass(frozen=True)
class Payment:
    """The record's new `cost`, its `usd`, and what the month grows by, by attribute."""

    cost: str
    usd: float
    added: Mapping[str, Decimal]


def month_of(now: datetime) -> str:
    """
    >>> month_of(datetime(2026, 12, 1, 0, 30, tzinfo=UTC))
    '2026-12'
    """
    return now.astimezone(UTC).strftime("%Y-%m")


def month_item(month: str) -> str:
    """The name of the model's item with what a month cost."""
    return f"cost#{month}"


def pay(
    work: str, execution: str, bill: Mapping[str, Any], prices: Mapping[str, str], seen: object
) -> Payment | None:
    """What paying for an execution changes; None where nothing does.

    `seen` is the record's `cost` as it is.
    """
    known = executions_of(seen)
    before = mapping(known.get(execution))
    now_known = {**known, execution: {**bill, "prices": dict(prices)}}
    usd = round(sum(_usd(each) for each in now_known.values()), 8)
    cost = json.dumps({"usd": usd, "executions": now_known}, sort_keys=True, allow_nan=False)
    if cost == seen:
        return None
    grown = _exact(_usd(bill)) - _exact(_usd(before))
    added = {"usd": grown, f"{work}_usd": grown}
    saved = _exact(_saved(bill)) - _exact(_saved(before))
    added["saved_usd"] = saved
    if not before:
        added[f"{work}_count"] = Decimal(1)
    was, now = bool(before.get("unknown")), bool(bill.get("unknown"))
    if was != now:
        added[f"{work}_unknown"] = Decimal(int(now) - int(was))
    return Payment(cost, usd, {name: each for name, each in added.items() if each})


def executions_of(cost: object) -> dict[str, Any]:
    """What each execution of a record cost, by its name."""
    try:
        found = json.loads(cost) if isinstance(cost, str) else None
    except ValueError:
        found = None
    return dict(mapping(mapping(found).get("executions")))


def cost_of_record(cost: object) -> float:
    """What all executions of a record cost, in US dollars."""
    return round(sum(_usd(each) for each in executions_of(cost).values()), 8)


def _usd(bill: object) -> float:
    return finite(mapping(bill).get("usd")) or 0.0


def _saved(bill: object) -> float:
    """What spot machines saved of it."""
    return finite(mapping(bill).get("saved_usd")) or 0.0


def _exact(usd: float) -> Decimal:
    return Decimal(f"{usd:.8f}")
