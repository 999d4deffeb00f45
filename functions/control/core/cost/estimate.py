"""What the next run, batch or monitoring will cost, from the last ones. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from core.reading import finite, listed, mapping

# So many are remembered for each work.
REMEMBERED = 5


def estimate_usd(history: Sequence[object]) -> float | None:
    """The median of the last, of which the newest is at the end; None without any.

    >>> estimate_usd([90, 1.0, 1.25, 1.5, 1.0, 40.0]), estimate_usd([])
    (1.25, None)
    """
    known = [cost for each in history if (cost := finite(each)) is not None and cost >= 0]
    return round(median(known[-REMEMBERED:]), 6) if known else None


def with_latest(history: object, execution: str, usd: float) -> list[dict[str, Any]]:
    """The last costs of a work, with this one; one that is there already takes its new value.

    >>> with_latest([{"name": "a", "usd": 1.0}], "b", 2.0)
    [{'name': 'a', 'usd': 1.0}, {'name': 'b', 'usd': 2.0}]
    """
    known: list[dict[str, Any]] = [
        {"name": str(one["name"]), "usd": finite(one.get("usd"))}
        for one in map(mapping, listed(history))
        if "name" in one
    ]
    latest: dict[str, Any] = {"name": execution, "usd": usd}
    if any(one["name"] == execution for one in known):
        return [latest if one["name"] == execution else one for one in known]
    return [*known, latest][-REMEMBERED:]


def estimate_of(history: object) -> float | None:
    """The estimate of what `with_latest` returned."""
    return estimate_usd([mapping(one).get("usd") for one in listed(history)])


def estimates(item: Mapping[str, Any] | None) -> dict[str, float | None]:
    """The estimates in a model's item `cost`, by work."""
    found = item or {}
    works = ("retrain", "score", "monitor")
    return {work: finite(_plain(found.get(f"{work}_estimate_usd"))) for work in works}


def _plain(value: object) -> object:
    """DynamoDB's Decimal as a number."""
    try:
        return None if value is None else float(str(value))
    except ValueError:
        return None
