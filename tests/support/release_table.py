"""A table and a clock in memory, whose functions may be killed at any write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from core.stage.items import Change, Expected, Item


class KilledError(Exception):
    """The function was stopped in the middle of its work."""


@dataclass
class Clock:
    """Every look at it is a second later."""

    at: datetime = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)

    def now(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


@dataclass
class Table:
    """The model table; `left` writes are made before the function that writes is killed."""

    items: dict[tuple[str, str], Item] = field(default_factory=dict)
    left: int | None = None

    def read(self, model: str, item: str) -> Item | None:
        found = self.items.get((model, item))
        return dict(found) if found is not None else None

    def beginning_with(self, model: str, prefix: str) -> list[Item]:
        names = sorted(name for of, name in self.items if of == model and name.startswith(prefix))
        return [dict(self.items[model, name]) for name in names]

    def change(
        self, model: str, item: str, fields: Mapping[str, Any], expected: Expected | None = None
    ) -> Item | None:
        self.use()
        there = self.items.get((model, item), {})
        if any(there.get(name) not in allowed for name, allowed in (expected or {}).items()):
            return None
        changed = {**there, **fields, "model": model, "item": item}
        kept = {name: value for name, value in changed.items() if value is not None}
        self.items[model, item] = kept
        return dict(kept)

    def change_all(self, changes: Iterable[Change]) -> bool:
        self.use()
        before, left, self.left = dict(self.items), self.left, None
        done = all(self.change(*change) is not None for change in changes)
        self.items, self.left = self.items if done else before, left
        return done

    def remove(self, model: str, item: str) -> None:
        self.use()
        self.items.pop((model, item), None)

    def use(self) -> None:
        if self.left is not None:
            if self.left == 0:
                raise KilledError
            self.left -= 1
