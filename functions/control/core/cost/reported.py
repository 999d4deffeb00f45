"""What a run's steps cost, roughly, from the seconds that they worked. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.cost.prices import Prices
from core.reading import finite
from core.usage.places import job_kind, saved_share


def cost(
    usage: Mapping[str, Mapping[str, Any]],
    placed: Mapping[str, Mapping[str, Any]],
    prices: Prices,
) -> dict[str, Any]:
    """{"seconds": {step: seconds}, "usd": estimate or None, "prices": which}, and with a spot
    machine "saved_usd": what the same seconds would have cost besides on another.

    `placed` has what each step worked on, as `places` returns it. Time to find a machine and
    storage are not in it. A step that did not measure how long it took leaves the sum unknown: half
    a sum would be read as the whole.

    >>> from core.cost.prices import SAMPLE
    >>> m5 = {"instance_type": "ml.m5.large", "instance_count": 2}
    >>> found = cost({"train": {"seconds": 1800}}, {"train": m5}, SAMPLE)
    >>> found["seconds"], found["usd"], found["prices"]["source"]
    ({'train': 1800.0}, 0.115, 'sample')
    """
    seconds: dict[str, float] = {}
    dollars: list[float | None] = []
    saved = 0.0
    for step, used in usage.items():
        took, place = finite(used.get("seconds")), placed.get(step, {})
        if took is not None:
            seconds[step] = took
        called = place.get("rung") == "lambda"
        of_step = _of_call(place, took, prices) if called else _of_job(place, took, prices)
        spared = (of_step or 0.0) * (saved_share(place) or 0.0)
        dollars.append(None if of_step is None else of_step - spared)
        saved += spared
    whole = [each for each in dollars if each is not None]
    usd = round(sum(whole), 8) if len(whole) == len(dollars) else None
    found = {"seconds": seconds, "usd": usd, "prices": prices.origin()}
    return found | ({"saved_usd": round(saved, 8)} if saved else {})


def _of_job(place: Mapping[str, Any], took: float | None, prices: Prices) -> float | None:
    kind = job_kind(place)
    price = prices.an_hour(place.get("instance_type"), kind)
    count = finite(place.get("instance_count", 1))
    if took is None or price is None or count is None:
        return None
    return took * price * count / 3600


def _of_call(place: Mapping[str, Any], took: float | None, prices: Prices) -> float | None:
    """A function is paid for from its call to its answer: also while it brings and stores files."""
    called = finite(place.get("seconds"))
    paid = took if called is None else called
    memory_mb = finite(place.get("memory_mb"))
    rate, request = prices.step_gb_second, prices.request
    if paid is None or memory_mb is None or rate is None or request is None:
        return None
    return memory_mb / 1024 * paid * rate + request
