"""Why money was spent in a month, by the records of what it was spent on."""

import json
from typing import Any

import pytest

from kanmon.costs import months

RESUMED = {
    "item": "batch#churn-261031230000-a1b",
    "reason": "monthly schedule",
    "closed_at": "2026-11-02T08:00:00Z",
    "cost": json.dumps({"usd": 0.5, "executions": {"first": {"usd": 0.3}, "again": {"usd": 0.2}}}),
    "paid": [
        {"at": "2026-10-31T23:30:00Z", "usd": 0.3},
        {"at": "2026-11-02T08:00:00Z", "usd": 0.2},
    ],
}


@pytest.mark.parametrize(("month", "usd"), [("2026-10", 0.3), ("2026-11", 0.2)])
def test_a_batch_that_was_resumed_in_the_next_month_counts_in_each_with_its_own_part(
    monkeypatch: pytest.MonkeyPatch, month: str, usd: float
) -> None:
    def items_of(connection: Any, model: str, prefix: str) -> list[dict[str, Any]]:
        return [RESUMED] if prefix == "batch#" else []

    monkeypatch.setattr(months, "items_of", items_of)

    found = months.by_reason(None, "churn", month)  # type: ignore[arg-type]

    assert found["score"] == {"monthly schedule": {"usd": usd, "count": 1}}
    assert found["retrain"] == found["monitor"] == {}
