"""Gather what the planner's rule decides about: one document, by few reads however many models.

One list of the models, one query of the planner's own items, seven items of every model, its
releases that may wait and the records of what runs, a hundred by a call; model.yaml where a model's
content is new, and a list of its data where the planner has not looked before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from core.cost.estimate import estimates
from core.cost.removed import removed_in
from core.plan.definitions import definitions, planning_part
from core.plan.reviews import reviews
from core.stage.arrivals import Arrival
from core.stage.plan_table import (
    COST,
    PAUSE,
    RECORD_OF,
    REMOVED,
    Planned,
    Recorded,
    allowed,
    paused,
)
from core.words.formats import parsed, timestamp
from core.words.language import speech

if TYPE_CHECKING:
    from core.plan.sources import Limits, Sources
    from core.stage.items import Item, Key

FORMAT = 1
WORKS = tuple(RECORD_OF)
# What a record has as its status once its execution has ended.
_ENDED = ("SUCCEEDED", "NOTHING_NEW", "FAILED", "QUEUED")
# What a record says of an execution that runs is believed for so long. Then Step Functions is
# asked: the event of its end may have been lost.
_TRUSTED = timedelta(hours=1)
# The events of new data are of objects below it.
_DATASETS = "datasets/"
# Of what was there before its model, so many objects are counted.
MOST_LISTED = 10_000


@dataclass(frozen=True)
class Gathered:
    """The rule's document, and what is needed to write down what follows from it."""

    document: dict[str, Any]
    planned: Mapping[str, Planned]
    recorded: Recorded
    definitions: Mapping[str, Mapping[str, Any]]
    # By model, the releases that the next tick looks at again.
    reviews: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    # What arrived, by model; and what is of no model that the stage has.
    arrived: Mapping[str, Sequence[Arrival]] = field(default_factory=dict)
    unknown: Sequence[Arrival] = ()

    def with_states(self, planned: Mapping[str, Planned]) -> Gathered:
        """With the models' items as they are now."""
        models = {
            model: {**each, "state": dict(planned[model].state)} if model in planned else each
            for model, each in self.document["models"].items()
        }
        return replace(self, document={**self.document, "models": models}, planned=planned)


@dataclass(frozen=True)
class _Running:
    """An execution that may run: since when, at least."""

    work: str
    name: str
    since: datetime | None


def gather(
    sources: Sources,
    limits: Limits,
    at: datetime,
    now: datetime,
    arrivals: Sequence[Arrival] = (),
) -> Gathered:
    """What is known, for a decision of the time `at`; `arrivals` were taken from the queue for it.

    `now` is the clock's time, which locks and records have been written by.
    """
    month = f"{at:%Y-%m}"
    models = sources.store.models()
    planned, recorded, of_the_stage = sources.plans.all()
    facts = sources.plans.facts(models, month)
    current = {
        model: str(facts[model, "definition"]["sha256"])
        for model in models
        if (model, "definition") in facts
    }
    known = definitions(sources, current, planned)
    running = _running(sources, known, planned, facts, now)
    arrived, unknown = _by_model(arrivals, known)
    before = _there_before(sources, known, planned)
    reviewed = reviews(sources, limits, facts, planned, known, at)
    described = {
        model: _described(model, facts, month, definition, planned.get(model, Planned()))
        | {
            "running": running[model],
            "arrived": _summed([*before.get(model, []), *arrived.get(model, [])], at),
            "waiting": reviewed.waiting.get(model, []),
        }
        for model, definition in known.items()
    }
    document = {
        "format": FORMAT,
        "at": timestamp(at),
        "stage": {
            "month": month,
            "budget_usd": limits.budget_usd,
            "allowed": allowed(of_the_stage, month),
            "spent_usd": _spent_by_all(facts, models, of_the_stage, month),
            "most_at_once": limits.most_at_once,
            # The words of the decision depend on them.
            "language": speech().language,
            "time_zone": speech().time_zone,
        },
        "models": described,
    }
    return Gathered(document, planned, recorded, known, reviewed.watched, arrived, unknown)


def _described(
    model: str,
    facts: Mapping[Key, Item],
    month: str,
    definition: Mapping[str, Any],
    planned: Planned,
) -> dict[str, Any]:
    watch, champion = facts.get((model, "watch")), facts.get((model, "champion"))
    return {
        "definition": planning_part(definition),
        "paused": paused(facts.get((model, PAUSE))),
        "watch": watch
        and {
            "state": watch["state"],
            "monitoring": watch["monitoring"],
            "checks": list(watch.get("checks", ())),
        },
        "live": int(champion["release"]) if champion and "release" in champion else None,
        "spent_usd": _spent(facts, model, month),
        "allowed": allowed(facts.get((model, COST)), month),
        "estimate_usd": estimates(facts.get((model, COST))),
        "state": dict(planned.state),
    }


def _spent(facts: Mapping[Key, Item], model: str, month: str) -> float:
    return float(facts.get((model, f"cost#{month}"), {}).get("usd", 0))


def _spent_by_all(
    facts: Mapping[Key, Item], models: Iterable[str], stage: Item, month: str
) -> float:
    """With what models cost that were removed since."""
    removed = float(removed_in(stage.get(REMOVED), month).get("usd", 0))
    return round(removed + sum(_spent(facts, model, month) for model in models), 8)


# ---- what runs


def _running(
    sources: Sources,
    models: Mapping[str, Any],
    planned: Mapping[str, Planned],
    facts: Mapping[Key, Item],
    now: datetime,
) -> dict[str, dict[str, str | None]]:
    """By model and work, the execution that runs; of a retraining also one that a person started.

    The planner starts no other one of the same kind, but people may have.
    """
    asked = {model: _candidates(model, planned, facts, now) for model in models}
    records = sources.plans.records(
        (model, each.work, each.name) for model, some in asked.items() for each in some
    )
    found: dict[str, dict[str, str | None]] = {}
    for model, some in asked.items():
        found[model] = dict.fromkeys(WORKS)
        starting = {str(each["name"]) for each in planned.get(model, Planned()).starting}
        for each in some:
            record = records.get((each.work, each.name))
            if each.name in starting or _is_running(sources, each, record, now):
                found[model][each.work] = found[model][each.work] or each.name
    return found


def _candidates(
    model: str, planned: Mapping[str, Planned], facts: Mapping[Key, Item], now: datetime
) -> list[_Running]:
    lock = facts.get((model, "retrain-lock"), {})
    holder = lock.get("holder")
    found = []
    if holder and int(lock.get("until", 0)) > now.timestamp():
        found.append(_Running("retrain", str(holder), None))
    for work, start in planned.get(model, Planned()).last.items():
        if (work, start["name"]) != ("retrain", holder):
            found.append(_Running(work, start["name"], parsed(start["at"])))
    return found


def _is_running(
    sources: Sources, execution: _Running, record: Mapping[str, Any] | None, now: datetime
) -> bool:
    """By its record; one that says so for long is asked about."""
    if record is not None and record.get("status") in _ENDED:
        return False
    since = execution.since or parsed((record or {}).get("opened_at"))
    if since is None or now - since < _TRUSTED:
        return True
    return sources.machine_of(execution.work).is_running(execution.name)


# ---- what arrived


def _there_before(
    sources: Sources, known: Mapping[str, Mapping[str, Any]], planned: Mapping[str, Planned]
) -> dict[str, list[Arrival]]:
    """By model, what lay where its data is when the planner first looked there.

    The news of it came when no model had this data, and was dropped.
    """
    found = {}
    for model, definition in known.items():
        location = str(definition["location"])
        looked_at = (planned.get(model, Planned()).definition or {}).get("location")
        if location != looked_at and location.startswith(_DATASETS):
            listed = sources.store.some_objects(location, MOST_LISTED)
            found[model] = [Arrival(key, at, "") for key, at in listed]
    return found


def _by_model(
    arrivals: Sequence[Arrival], known: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, list[Arrival]], list[Arrival]]:
    """An object belongs to every model whose data lies where it does."""
    by_model: dict[str, list[Arrival]] = {}
    unknown = []
    locations = {model: str(each["location"]) for model, each in known.items()}
    for arrival in arrivals:
        owners = [
            model
            for model, location in locations.items()
            if arrival.key is not None and arrival.key.startswith(location)
        ]
        for model in owners:
            by_model.setdefault(model, []).append(arrival)
        if not owners:
            unknown.append(arrival)
    return by_model, unknown


def _summed(arrivals: Sequence[Arrival], at: datetime) -> dict[str, Any] | None:
    """A folder that a console made is no file, and a file that was written twice is one."""
    files = [each for each in arrivals if each.key and not each.key.endswith("/")]
    if not files:
        return None
    times = [min(each.at or at, at) for each in files]
    return {
        "first_at": timestamp(min(times)),
        "last_at": timestamp(max(times)),
        "objects": len({each.key for each in files}),
    }
