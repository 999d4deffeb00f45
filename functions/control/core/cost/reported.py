"""What a run's steps cost, roughly, from the seconds that they worked. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.cost.prices import Prices
from core.reading import finite


def cost(
    usage: Mapping[str, Mapping[str, Any]],
    resources: Mapping[str, Mapping[str, Any]],
    prices: Prices,
) -> dict[str, Any]:
    """{"seconds": {step: seconds}, "usd": estimate or None, "prices": which}.

    Time to find a machine and storage are not in it. A step that did not measure how long it took
    leaves the sum unknown: half a sum would be read as the whole.

    >>> from core.cost.prices import SAMPLE
    >>> m5 = {"instance_type": "ml.m5.large", "instance_count": 2}
    >>> found = cost({"train": {"seconds": 1800}}, {"train": m5}, SAMPLE)
    >>> found["seconds"], found["usd"], found["prices"]["source"]
    ({'train': 1800.0}, 0.115, 'sample')
    """
    seconds: dict[str, float] = {}
    dollars: list[float | None] = []
    for step, used in usage.items():
        took = finite(used.get("seconds"))
        if took is not None:
            seconds[step] = took
        settings = resources.get(step, {})
        price = prices.an_hour(settings.get("instance_type"))
        count = finite(settings.get("instance_count", 1))
        known = took is not None and price is not None and count is not None
        dollars.append(took * price * count / 3600 if known else None)  # type: ignore[operator]
    whole = [each for each in dollars if each is not None]
    usd = round(sum(whole), 8) if len(whole) == len(dollars) else None
    return {"seconds": seconds, "usd": usd, "prices": prices.origin()}
