"""Which releases wait for their review, by few reads however many a model has had.

A tick looks at the numbers that were given since the one before it, and again at those that waited
or were not opened then: a newer release ends the review of an older one only where model.yaml lets
it, and a number is given before its release is there. How many were given is asked where a run had
the model's lock since, and of all models once an hour: a redriven run has no lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from core.stage.plan_table import NUMBER
from core.stage.release_records import Status, release_item
from core.words.formats import parsed, timestamp

if TYPE_CHECKING:
    from core.plan.sources import Limits, Sources
    from core.stage.items import Item, Key
    from core.stage.plan_table import Planned

# In the tick of these minutes of an hour, all models are asked about.
_HOURLY = range(30, 35)
# A number whose release is not there when so many more were given belongs to a run that died.
MOST_UNOPENED = 20
# Of a release that waits, what a reminder links to.
_SHOWN = ("run", "package_arn", "review_uri", "execution")


@dataclass(frozen=True)
class Reviews:
    """By model: the releases that wait, and what the next tick looks at again."""

    waiting: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)
    watched: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def reviews(
    sources: Sources,
    limits: Limits,
    facts: Mapping[Key, Item],
    planned: Mapping[str, Planned],
    models: Iterable[str],
    at: datetime,
) -> Reviews:
    """What waits now. Where the stage has no time for a review, nothing does."""
    if limits.approval_minutes is None:
        return Reviews()
    known = {model: planned[model].reviews if model in planned else None for model in models}
    locks = {model: facts.get((model, "retrain-lock"), {}) for model in known}
    last = _last_numbers(sources, known, locks, at)
    numbers = {model: _to_look_at(last[model], seen) for model, seen in known.items()}
    found = sources.plans.items(
        (model, release_item(number)) for model, some in numbers.items() for number in some
    )
    lasts = timedelta(minutes=limits.approval_minutes)
    waiting, watched = {}, {}
    for model, some in numbers.items():
        records = {number: found.get((model, release_item(number)), {}) for number in some}
        waiting[model] = list(_waits(records, lasts))
        missing = [number for number in some if "status" not in records[number]]
        again = [each["release"] for each in waiting[model]]
        again += [number for number in missing if number > last[model] - MOST_UNOPENED]
        revision = int(locks[model].get("revision", 0))
        watched[model] = {"seen": last[model], "open": sorted(again), "lock": revision}
    return Reviews(waiting, watched)


def _last_numbers(
    sources: Sources,
    known: Mapping[str, Mapping[str, Any] | None],
    locks: Mapping[str, Item],
    at: datetime,
) -> dict[str, int]:
    """By model, the number that was given last."""
    asked = [
        (model, NUMBER)
        for model, seen in known.items()
        if seen is None
        or at.minute in _HOURLY
        or locks[model].get("holder")
        or locks[model].get("revision", 0) != seen["lock"]
    ]
    given = sources.plans.items(asked)
    said = {model: int(given.get((model, item), {}).get("last", 0)) for model, item in asked}
    return {model: said.get(model, seen["seen"] if seen else 0) for model, seen in known.items()}


def _to_look_at(last: int, known: Mapping[str, Any] | None) -> list[int]:
    """A model that was removed and came back counts anew."""
    if known is None or known["seen"] > last:
        return list(range(max(1, last - MOST_UNOPENED + 1), last + 1))
    return [*known["open"], *range(known["seen"] + 1, last + 1)]


def _waits(records: Mapping[int, Item], lasts: timedelta) -> Iterator[dict[str, Any]]:
    for number, record in records.items():
        # One that found no room in the pipeline was opened earlier than its review.
        since = parsed(record.get("started_at") or record.get("opened_at"))
        if record.get("status") == Status.WAITING and record.get("approval") == "manual" and since:
            shown = {name: record.get(name) for name in _SHOWN if record.get(name)}
            times = {"since": timestamp(since), "until": timestamp(since + lasts)}
            yield {"release": number, **times, **shown}
