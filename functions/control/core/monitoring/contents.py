"""What there is to watch in a window: captured requests, batches and labels, by exact versions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from core.label_names import label_folder, received_at
from core.monitoring.request import MonitorRequestError
from core.runs.rungs import text_mb
from core.stage.batch_table import SUCCEEDED
from core.stage.bucket import DataObject
from core.words.catalogue import say
from core.words.formats import parsed, timestamp

if TYPE_CHECKING:
    from core.monitoring.request import Window
    from core.stage.bucket import Store
    from core.stage.gateways import Stage

_DAY = re.compile(r"/dt=(\d{4}-\d\d-\d\d)/")
_MARKERS = (".", "_")


# Labels come later than what they are about: rows of so many days before the window are read as
# well, for the quality of the days that labels have come for since.
LABEL_DAYS = 90
# As many as the functions hold in memory. Each monitoring compacts the days before it.
MOST_CAPTURED = 1_000_000


@dataclass(frozen=True)
class Contents:
    """As the plan has them: documents of objects. `rows_in_window` is whether the release itself
    answered any in the window; labels alone say nothing about the model."""

    rows_in_window: bool = False
    capture: list[dict[str, Any]] = field(default_factory=list)
    batches: list[dict[str, Any]] = field(default_factory=list)
    labels: list[dict[str, Any]] = field(default_factory=list)

    @property
    def text_mb(self) -> float:
        """About how many MB it would be as text without compression, with what batches scored."""
        batches = (one for batch in self.batches for one in (*batch["scores"], *batch["objects"]))
        files = (*self.capture, *self.labels, *batches)
        return text_mb((each["key"], int(each.get("size", 0))) for each in files)


def contents_of(
    stage: Stage, model: str, release: int, window: Window, rows: str = "all"
) -> Contents:
    """What the model answered in the window and the days before it, and all its labels. `rows` are
    those to watch: all, requests or batches.

    Of every release: the labels of another one's answers are not unknown. Labels of every age: one
    by key is that of every answer for the key.
    """
    store, wide = stage.store, window.with_days_before(LABEL_DAYS)
    folder = f"capture/{model}/"
    named = (
        (found, day)
        for found in store.current_objects(folder)
        if _is_file(found) and (day := _day(found)) is not None and day in wide
    )
    captured = list(islice(named, MOST_CAPTURED + 1))
    if len(captured) > MOST_CAPTURED:
        raise MonitorRequestError(
            say("monitoring.opened.too_many", where=store.uri(folder), most=f"{MOST_CAPTURED:,}")
        )
    batches = [
        (_batch(store, model, record), at.date(), str(record.get("release")))
        for record in stage.monitorings.batches(model)
        if (at := _scored_at(record)) is not None and at.date() in wide
    ]
    batches = [each for each in batches if each[0]["scores"]]
    own: list[date] = []
    if rows != "batches":
        own += [day for found, day in captured if found.key.startswith(f"{folder}{release}/")]
    if rows != "requests":
        own += [day for _, day, number in batches if number == str(release)]
    return Contents(
        any(day in window for day in own),
        [_object(found) for found, _ in captured],
        [batch for batch, _, _ in batches],
        _labels(store, model),
    )


def _day(found: DataObject) -> date | None:
    """The day in an object's key: …/dt=2026-11-21/…"""
    named = _DAY.search(found.key)
    try:
        return date.fromisoformat(named[1]) if named else None
    except ValueError:
        return None


def _scored_at(record: Mapping[str, Any]) -> datetime | None:
    """When a batch was started, if it is complete."""
    return parsed(record.get("asked_at")) if record.get("status") == SUCCEEDED else None


def _batch(store: Store, model: str, record: Mapping[str, Any]) -> dict[str, Any]:
    batch = str(record["item"]).removeprefix("batch#")
    prefix = f"batches/{model}/{batch}"
    plan = store.read_json_if_there(f"{prefix}/plan.json") or {}
    return {
        "batch": batch,
        "plan_key": f"{prefix}/plan.json",
        "scores": [_object(found) for found in _files(store, f"{prefix}/scores/")],
        "objects": plan.get("objects", []),
        "rejected": int(record.get("rejected", 0)),
    }


def _labels(store: Store, model: str) -> list[dict[str, Any]]:
    folder = label_folder(model)
    return [
        {
            **_object(found),
            "received": timestamp(received_at(found.key.removeprefix(folder), stored_at)),
        }
        for found, stored_at in store.current_objects_and_times(folder)
        if _is_file(found)
    ]


def _files(store: Store, prefix: str) -> list[DataObject]:
    return [found for found in store.current_objects(prefix) if _is_file(found)]


def _is_file(found: DataObject) -> bool:
    name = found.key.rsplit("/", 1)[-1]
    return bool(name) and not name.startswith(_MARKERS)


def _object(found: DataObject) -> dict[str, Any]:
    return {"key": found.key, "version_id": found.version_id, "size": found.size}
