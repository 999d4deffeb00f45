"""The table's items about releases: their numbers, their states, the champion, whose turn, history.

Beside the items of lifecycle.ledger a model has `release#<6 digits>`, `release-number`, `champion`,
`deployment` (whose turn it is to deploy) and `history#<time>#<key>`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from core.stage.items import Expected, Item

WAITING, APPROVED, PROMOTED = "WAITING", "APPROVED", "PROMOTED"
REJECTED, EXPIRED, SUPERSEDED = "REJECTED", "EXPIRED", "SUPERSEDED"
FAILED, ROLLED_BACK = "FAILED", "ROLLED_BACK"

# Nothing promotes a release in one of these any more.
CLOSED = (REJECTED, EXPIRED, SUPERSEDED)
# Retrying a stage of the pipeline may still promote one that failed.
PROMOTABLE = (WAITING, APPROVED, FAILED, ROLLED_BACK)

_CHAMPION, _TURN, _NUMBER = "champion", "deployment", "release-number"


class ItemStore(Protocol):
    """What the ledger needs of the table; see lifecycle.items.Items."""

    def read(self, model: str, item: str) -> Item | None: ...
    def beginning_with(self, model: str, prefix: str) -> Any: ...
    def change(
        self, model: str, item: str, fields: Mapping[str, Any], expected: Expected | None = None
    ) -> Item | None: ...
    def count(self, model: str, item: str, attribute: str) -> int: ...


@dataclass(frozen=True)
class Happening:
    """An entry of a model's history. `key` makes a repeat land on the same entry,
    and puts what happened to a release within one second in order."""

    at: str
    event: str
    release: int
    key: str
    by: str | None = None
    reason: str | None = None
    execution: str | None = None
    previous: int | None = None

    @property
    def item(self) -> str:
        return f"history#{self.at}#{self.key}"


class ReleaseLedger:
    def __init__(self, items: ItemStore) -> None:
        self._items = items

    # ---- numbers

    def number_for(self, model: str, run: str, now: str) -> tuple[int, str]:
        """The run's release number and when it got it: the same however often it is asked.

        A function that dies between counting and writing leaves a gap in the numbers.
        """
        known = self._items.read(model, f"run#{run}") or {}
        if "release" not in known:
            number = self._items.count(model, _NUMBER, "last")
            fields: Item = {"release": number, "release_opened_at": now}
            taken = self._items.change(model, f"run#{run}", fields, {"release": (None,)})
            known = taken or self._items.read(model, f"run#{run}") or fields
        return int(known["release"]), str(known["release_opened_at"])

    def release_of_run(self, model: str, run: str) -> int | None:
        known = self._items.read(model, f"run#{run}") or {}
        return int(known["release"]) if "release" in known else None

    # ---- releases

    def release(self, model: str, number: int) -> Item | None:
        return self._items.read(model, _release(number))

    def releases(self, model: str) -> list[Item]:
        """All of them, the oldest first."""
        return list(self._items.beginning_with(model, "release#"))

    def open(self, model: str, number: int, fields: Mapping[str, Any]) -> Item:
        """Record a release as waiting; a release that is there is left as it is."""
        wanted = {"release": number, "status": WAITING, **fields}
        opened = self._items.change(model, _release(number), wanted, {"status": (None,)})
        return opened or self._items.read(model, _release(number)) or wanted

    def start(self, model: str, number: int, execution: str) -> Item | None:
        """Name the pipeline execution that promotes the release, the first time."""
        fields = {"execution": execution}
        return self._items.change(model, _release(number), fields, {"execution": (None,)})

    def advance(
        self,
        model: str,
        number: int,
        status: str,
        fields: Mapping[str, Any],
        allowed: tuple[str, ...],
        expected: Expected | None = None,
    ) -> Item | None:
        """Give a release its next status if it has one of `allowed`; None if it has not."""
        wanted = {"status": status, **fields}
        must = {"status": allowed, **(expected or {})}
        return self._items.change(model, _release(number), wanted, must)

    def note(
        self, model: str, number: int, fields: Mapping[str, Any], expected: Expected
    ) -> Item | None:
        """Add to a release's record without giving it another status."""
        return self._items.change(model, _release(number), fields, expected)

    # ---- the champion

    def champion(self, model: str) -> Item | None:
        return self._items.read(model, _CHAMPION)

    def move_champion(
        self, model: str, seen: Mapping[str, Any] | None, wanted: Mapping[str, Any]
    ) -> Item | None:
        """Point at another release, unless it has been moved since `seen` was read."""
        revision = None if seen is None else seen.get("revision")
        fields = {**wanted, "revision": int(revision or 0) + 1}
        return self._items.change(model, _CHAMPION, fields, {"revision": (revision,)})

    # ---- the turn to deploy

    def turn(self, model: str) -> Item:
        return self._items.read(model, _TURN) or {}

    def take_turn(self, model: str, seen: Mapping[str, Any], execution: str, until: int) -> bool:
        """Take the turn as it was seen; False if somebody else was faster."""
        fields = {"holder": execution, "until": until}
        expected = {name: (seen.get(name),) for name in ("holder", "until")}
        return self._items.change(model, _TURN, fields, expected) is not None

    def give_turn_back(self, model: str, execution: str) -> None:
        """End the execution's turn, if it has it."""
        gone = {"holder": None, "until": None}
        self._items.change(model, _TURN, gone, {"holder": (execution,)})

    # ---- history

    def happened(self, model: str, happening: Happening) -> bool:
        """Has this been written down already?"""
        return self._items.read(model, happening.item) is not None

    def write_down(self, model: str, happening: Happening) -> None:
        fields = {
            name: getattr(happening, name)
            for name in ("at", "event", "release", "by", "reason", "execution", "previous")
            if getattr(happening, name) is not None
        }
        self._items.change(model, happening.item, fields)


def _release(number: int) -> str:
    return f"release#{number:06d}"
