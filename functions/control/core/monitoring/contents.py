"""What there is to watch in a window: captured requests, batches and labels, by exact versions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from core.stage.bucket import DataObject
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


@dataclass(frozen=True)
class Contents:
    """As the plan has them: documents of objects. `rows_in_window` is whether any was answered
    within the window itself; labels alone say nothing about the model."""

    rows_in_window: bool = False
    capture: list[dict[str, Any]] = field(default_factory=list)
    batches: list[dict[str, Any]] = field(default_factory=list)
    labels: list[dict[str, Any]] = field(default_factory=list)


def contents_of(stage: Stage, model: str, release: int, window: Window) -> Contents:
    """What the release answered in the window and the days before it, and the labels since then."""
    store, wide = stage.store, window.with_days_before(LABEL_DAYS)
    captured = [
        (found, day)
        for found in _files(store, f"capture/{model}/{release}/")
        if (day := _day(found)) is not None and day in wide
    ]
    batches = [
        (_batch(store, model, record), at.date())
        for record in stage.monitorings.batches(model)
        if (at := _scored_at(record, release)) is not None and at.date() in wide
    ]
    batches = [(batch, day) for batch, day in batches if batch["scores"]]
    return Contents(
        any(day in window for _, day in [*captured, *batches]),
        [_object(found) for found, _ in captured],
        [batch for batch, _ in batches],
        _labels(store, model, wide),
    )


def _day(found: DataObject) -> date | None:
    """The day in an object's key: …/dt=2026-11-21/…"""
    named = _DAY.search(found.key)
    try:
        return date.fromisoformat(named[1]) if named else None
    except ValueError:
        return None


def _scored_at(record: Mapping[str, Any], release: int) -> datetime | None:
    """When a batch was started, if it is complete and this release's."""
    complete = record.get("status") == "SUCCEEDED" and str(record.get("release")) == str(release)
    return parsed(record.get("opened_at")) if complete else None


def _batch(store: Store, model: str, record: Mapping[str, Any]) -> dict[str, Any]:
    batch = str(record["item"]).removeprefix("batch#")
    prefix = f"batches/{model}/{batch}"
    plan = store.read_json_if_there(f"{prefix}/plan.json") or {}
    return {
        "batch": batch,
        "plan_key": f"{prefix}/plan.json",
        "scores": [_object(found) for found in _files(store, f"{prefix}/scores/")],
        "objects": plan.get("objects", []),
    }


def _labels(store: Store, model: str, window: Window) -> list[dict[str, Any]]:
    """A file that came before a row was answered cannot be about it."""
    return [
        {**_object(found), "received": timestamp(at)}
        for found, at in store.current_objects_and_times(f"labels/{model}/")
        if at.astimezone(UTC).date() >= window.first and _is_file(found)
    ]


def _files(store: Store, prefix: str) -> list[DataObject]:
    return [found for found in store.current_objects(prefix) if _is_file(found)]


def _is_file(found: DataObject) -> bool:
    name = found.key.rsplit("/", 1)[-1]
    return bool(name) and not name.startswith(_MARKERS)


def _object(found: DataObject) -> dict[str, Any]:
    return {"key": found.key, "version_id": found.version_id, "size": found.size}
