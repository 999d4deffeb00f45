"""What the model table holds about experiment records: under which ids MLflow has a run.

A model's items are `experiment#<run>`, in a partition of their own (table_key). One function at a
time writes a run: MLflow has no condition by which the second of two could see that it is late.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.stage.items import Items

# A function that has not ended after this is dead.
LONGEST_WRITING = timedelta(seconds=200)


class BeingWrittenError(Exception):
    """Another function writes this run at this moment: come back later."""


@dataclass
class Place:
    """Where MLflow has the run: on which server, in which experiment, under which id."""

    tracking: str
    experiment: str | None = None
    id: str | None = None


class ExperimentTable:
    def __init__(self, items: Items) -> None:
        self._items = items

    @contextmanager
    def writing(self, model: str, run: str, tracking: str, now: datetime) -> Iterator[Place]:
        """Where the run is, for the one function that may write it now.

        What the block puts into the place is kept where the block ends well. Raises
        BeingWrittenError while another function writes it.
        """
        name = f"experiment#{run}"
        item = self._items.read(model, name) or {}
        seen, mine = item.get("writing"), _time(now)
        fresh = seen is not None and str(seen) >= _time(now - LONGEST_WRITING)
        expected = {"writing": (seen,)}
        if fresh or self._items.change(model, name, {"writing": mine}, expected) is None:
            raise BeingWrittenError(f"{run} is being written to MLflow")
        # A stage that was given another server has its runs there anew.
        same = item.get("tracking") == tracking
        place = Place(tracking, item.get("experiment"), item.get("id")) if same else Place(tracking)
        kept: dict[str, str | None] = {}
        try:
            yield place
            kept = {"tracking": tracking, "experiment": place.experiment, "id": place.id}
        finally:
            self._items.change(model, name, {"writing": None, **kept}, {"writing": (mine,)})


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
