"""What a model cost stays counted when it is removed: its months become part of the stage's."""

from typing import TYPE_CHECKING

from core.cost.month import month_item
from core.cost.removed import with_removed
from core.stage.items import Item, Items
from core.stage.plan_table import PARTITION, REMOVED, STAGE
from kanmon.errors import RunFailedError

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

# So often it is tried where others write the same items at this moment.
ATTEMPTS = 5
_KEY = ("model", "item")


def keep(connection: "Connection", model: str) -> None:
    """Move the sums of its months to the stage. Once: an item whose sums were moved has none."""
    items = Items(connection.dynamodb, connection.table)
    for _ in range(ATTEMPTS):
        months = list(items.beginning_with(model, month_item("")))
        if all(_moved(items, model, month) for month in months):
            return
    raise RunFailedError(
        f"what {model} cost is being written by somebody else", "Run the same command again."
    )


def _moved(items: Items, model: str, month: Item) -> bool:
    """Both items are written, or none is."""
    sums = {name: value for name, value in month.items() if name not in _KEY}
    if not sums:
        return True
    known = (items.read(PARTITION, STAGE) or {}).get(REMOVED)
    name = str(month["item"])
    grown = with_removed(known, name.removeprefix(month_item("")), sums)
    return items.change_all(
        [
            (PARTITION, STAGE, {REMOVED: grown}, {REMOVED: (known,)}),
            (model, name, dict.fromkeys(sums), {each: (value,) for each, value in sums.items()}),
        ]
    )
