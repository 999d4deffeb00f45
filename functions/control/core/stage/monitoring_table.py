"""What the model table holds about monitorings: a record of each, and where the last one left off.

A model's items are `monitoring#<monitoring>` and `watch`, the state that its subscribers know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.stage.items import Items

_WATCH = "watch"


@dataclass(frozen=True)
class Watch:
    """What the newest monitoring said that could say something: alarm or healthy."""

    state: str
    monitoring: str
    release: int
    # The day after its window.
    until: str
    # The kinds of checks that alarm.
    checks: tuple[str, ...] = ()


class MonitoringTable:
    def __init__(self, items: Items) -> None:
        self._items = items

    def monitoring(self, model: str, monitoring: str) -> dict[str, Any]:
        """A monitoring's record; empty if there is none."""
        return self._items.read(model, monitoring_item(monitoring)) or {}

    def write(self, model: str, monitoring: str, fields: Mapping[str, Any]) -> None:
        """Add to a monitoring's record, leaving out what is None."""
        given = {name: value for name, value in fields.items() if value is not None}
        self._items.change(model, monitoring_item(monitoring), given)

    def open(
        self, model: str, monitoring: str, status: str | None, fields: Mapping[str, Any]
    ) -> bool:
        """Record that it runs; False if it has another status by now than this one."""
        item, running = monitoring_item(monitoring), {**fields, "status": "RUNNING"}
        return self._items.change(model, item, running, {"status": (status,)}) is not None

    def watch(self, model: str) -> Watch | None:
        item = self._items.read(model, _WATCH)
        if item is None:
            return None
        checks = tuple(item.get("checks", ()))  # earlier versions did not write them
        return Watch(item["state"], item["monitoring"], int(item["release"]), item["until"], checks)

    def turn_watch(
        self, model: str, watch: Watch, before: Watch | None, turned: Sequence[str]
    ) -> bool:
        """Write what is known, and in the monitoring's record how that turned it, both or neither.

        False if another monitoring wrote it since `before` was read, or this one did already.
        """
        known = {
            "state": watch.state,
            "monitoring": watch.monitoring,
            "release": watch.release,
            "until": watch.until,
            "checks": list(watch.checks),
        }
        seen = {"monitoring": (before.monitoring if before else None,)}
        record = {"turned": list(turned)}
        return self._items.change_all(
            [
                (model, _WATCH, known, seen),
                (model, monitoring_item(watch.monitoring), record, {"turned": (None,)}),
            ]
        )

    def batches(self, model: str) -> list[dict[str, Any]]:
        """The records of the model's batches."""
        return list(self._items.beginning_with(model, "batch#"))


def monitoring_item(monitoring: str) -> str:
    """The name of a monitoring's item."""
    return f"monitoring#{monitoring}"
