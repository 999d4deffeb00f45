"""The history of a model's releases: who did what, when and why."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core.stage.release_table import HistoryEntry, record_from
from kanmon.stage.model_table import items_of

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection


def history(connection: "Connection", model: str, release: int | None = None) -> list[HistoryEntry]:
    """A model's history, oldest first; only that of one release, if given."""
    items = items_of(connection, model, "history#")
    found = [_entry(item) for item in items if "event" in item]
    return [one for one in found if release in (None, one.release)]


def _entry(item: dict[str, Any]) -> HistoryEntry:
    """An entry with its key, which only the item's name has."""
    return replace(record_from(HistoryEntry, item), key=item["item"].rpartition("#")[2])
