"""What the model table holds about planning: an item for each model, and what was recorded last.

They are the items `<model>`, `#recorded` and `#stage` of the partition `#plan`, which no model can
be called. A model's item has what the planner's rule remembers, what is being started and told, the
last start of each kind of work, what the definition says about planning, and the releases that may
wait. The item `pause` is the model's own. What people allowed on top of a model's budget is in its
item `cost`, and of the stage's in `#stage`, beside what removed models cost: both are read at every
tick.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.names import named_from
from core.reading import mappings

if TYPE_CHECKING:
    from core.stage.items import Item, Items, Key

PARTITION = "#plan"
_RECORDED = "#recorded"
STAGE = "#stage"
# Of the stage's item: what removed models cost, by month (core.cost.removed).
REMOVED = "removed"
PAUSE, COST, NUMBER = "pause", "cost", "release-number"
# Of every model one of each.
FACTS = ("definition", "retrain-lock", "watch", "champion", COST, PAUSE)
# Of one allowance, in US dollars.
MOST_USD = 1_000_000.0
RECORD_OF = {"retrain": "run", "score": "batch", "monitor": "monitoring"}
# Of a record, what is short.
_HOW_IT_WENT = ("status", "error", "opened_at", "asked_at", "closed_at", "paid")

Document = dict[str, Any]


@dataclass(frozen=True)
class Planned:
    """A model's item; revision 0 is that it has none yet.

    `starting`: what is to be started, written before it is; `telling`: the facts to report,
    likewise. `last`: by work, {name, at}. `definition`: {sha256, location, …}, as it was read from
    model.yaml. `reviews`: {seen, open, lock}, the number given last, the releases to look at
    again, and the revision of the retrain lock at that time.
    """

    revision: int = 0
    state: Mapping[str, Any] = field(default_factory=dict)
    starting: tuple[Mapping[str, Any], ...] = ()
    telling: tuple[Mapping[str, Any], ...] = ()
    last: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    definition: Mapping[str, Any] | None = None
    reviews: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Recorded:
    """What the newest record says: the digests of its input and of its waits."""

    at: str = ""
    input: str = ""
    waits: str = ""


class PlanTable:
    def __init__(self, items: Items) -> None:
        self._items = items

    def all(self) -> tuple[dict[str, Planned], Recorded, Item]:
        """Every model's item, what was recorded last, and the stage's own, by one query."""
        found = {item["item"]: item for item in self._items.of(PARTITION)}
        recorded, stage = found.pop(_RECORDED, {}), found.pop(STAGE, {})
        digests = (str(recorded.get(name, "")) for name in ("at", "input", "waits"))
        return {name: _planned(item) for name, item in found.items()}, Recorded(*digests), stage

    def facts(self, models: Iterable[str], month: str) -> dict[Key, Item]:
        """What else the table knows of the models, with what they cost in this month."""
        names = (*FACTS, f"cost#{month}")
        return self._items.read_many((model, name) for model in models for name in names)

    def records(self, executions: Iterable[tuple[str, str, str]]) -> dict[tuple[str, str], Item]:
        """The records of (model, work, name), by work and name."""
        wanted = {
            (model, f"{RECORD_OF[work]}#{name}"): (work, name) for model, work, name in executions
        }
        return {wanted[key]: item for key, item in self._items.read_many(wanted).items()}

    def records_since(self, model: str, work: str, begun: datetime) -> Iterator[Item]:
        """How a model's work went that began then or later, by its name."""
        first = f"{RECORD_OF[work]}#{named_from(model, begun)}"
        # Digits come before a colon.
        last = f"{RECORD_OF[work]}#{model}-:"
        return self._items.between(model, first, last, _HOW_IT_WENT)

    def items(self, keys: Iterable[Key]) -> dict[Key, Item]:
        """Those of the models' items that are there."""
        return self._items.read_many(keys)

    def write(self, model: str, seen: Planned, wanted: Planned) -> bool:
        """Unless another tick wrote in between: then nothing is written, and it is False."""
        fields = {
            "revision": seen.revision + 1,
            "state": json.dumps(wanted.state),
            "starting": json.dumps(wanted.starting) if wanted.starting else None,
            "telling": json.dumps(wanted.telling) if wanted.telling else None,
            "last": json.dumps(wanted.last),
            "definition": json.dumps(wanted.definition),
            "reviews": json.dumps(wanted.reviews) if wanted.reviews else None,
        }
        expected = {"revision": (seen.revision or None,)}
        return self._items.change(PARTITION, model, fields, expected) is not None

    def write_recorded(self, recorded: Recorded) -> None:
        fields = {"at": recorded.at, "input": recorded.input, "waits": recorded.waits}
        self._items.change(PARTITION, _RECORDED, fields)


def paused(item: Item | None) -> dict[str, str] | None:
    """Why, since when and by whom the model is paused, by its item `pause`; None if it is not."""
    found = (item or {}).get("pause")
    return dict(found) if found else None


def allowed(item: Item | None, month: str) -> list[dict[str, Any]]:
    """What people allowed on top of a month's budget, by the item with the allowances.

    People may write the item without the command line. What is no allowance counts for nothing, so
    that it stops no tick.
    """
    known = [
        each for each in mappings((item or {}).get("allowances")) if each.get("month") == month
    ]
    amounts = [(each, _usd(each.get("usd"))) for each in known]
    return [{**each, "usd": usd} for each, usd in amounts if usd is not None]


def _usd(written: object) -> float | None:
    try:
        usd = float(str(written))
    except ValueError:
        return None
    return usd if 0 < usd <= MOST_USD else None


def _planned(item: Item) -> Planned:
    return Planned(
        revision=int(item.get("revision", 0)),
        state=json.loads(item.get("state", "{}")),
        starting=tuple(json.loads(item.get("starting", "[]"))),
        telling=tuple(json.loads(item.get("telling", "[]"))),
        last=json.loads(item.get("last", "{}")),
        definition=json.loads(item.get("definition", "null")),
        reviews=json.loads(item.get("reviews", "null")),
    )
