"""The history of a model's releases: who did what, when and why."""

from typing import TYPE_CHECKING

from core.stage.release_history import HistoryEntry
from core.stage.release_records import history_from
from kanmon.stage.model_table import items_of

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection


def history(connection: "Connection", model: str, release: int | None = None) -> list[HistoryEntry]:
    """A model's history, oldest first; only that of one release, if given."""
    found = history_from(items_of(connection, model, "history#"))
    return [one for one in found if release in (None, one.release)]
