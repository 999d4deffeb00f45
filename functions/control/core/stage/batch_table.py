"""What the model table holds about batches: an item `batch#<batch>` of the model for each.

A batch is worked on by one execution at a time: the one that opened it, or resumed it last.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.stage.items import Items

RUNNING, SUCCEEDED, FAILED = "RUNNING", "SUCCEEDED", "FAILED"


class BatchTable:
    def __init__(self, items: Items) -> None:
        self._items = items

    def batch(self, model: str, batch: str) -> dict[str, Any]:
        """A batch's record; empty if there is none."""
        return self._items.read(model, batch_item(batch)) or {}

    def write(self, model: str, batch: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Add to a batch's record, removing what is None; returns what it is then."""
        return self._items.change(model, batch_item(batch), fields) or {}

    def fail(self, model: str, batch: str, execution: str, fields: Mapping[str, Any]) -> bool:
        """Record that the execution failed; False if another one works on the batch by now."""
        changes = {**fields, "execution": execution, "status": FAILED}
        expected = {"execution": (None, execution), "status": (None, RUNNING, FAILED)}
        return self._items.change(model, batch_item(batch), changes, expected) is not None

    def claim(
        self, model: str, batch: str, seen: str | None, execution: str, fields: Mapping[str, Any]
    ) -> bool:
        """Make the execution the one that works on the batch, unless another one did so since
        `seen` was read to be it."""
        changes = {**fields, "execution": execution, "status": RUNNING}
        expected = {"execution": (seen, execution)}
        return self._items.change(model, batch_item(batch), changes, expected) is not None


def batch_item(batch: str) -> str:
    """The name of a batch's item."""
    return f"batch#{batch}"
