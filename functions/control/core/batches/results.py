"""What the job leaves in a batch's folder: its shards, and a record of each one that is done."""

from __future__ import annotations

import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.stage.bucket import Store

_DONE = re.compile(r"/done/([0-9]{5,})\.json$")
_READERS = 16


@dataclass(frozen=True)
class Results:
    """`parts` are the objects with scores and rejects that are there, and their bytes."""

    shards: list[dict[str, Any]]
    done: list[dict[str, Any]]
    parts: dict[str, int]


def shards_of(store: Store, model: str, batch: str) -> list[dict[str, Any]] | None:
    """How the job cut the files; None before it did."""
    found = store.read_json_if_there(store.batch_key(model, batch, "shards.json"))
    return None if found is None else list(found["shards"])


def done_shards(store: Store, model: str, batch: str) -> set[int]:
    """The shards that are done."""
    return {
        int(found[1]) for key in _done_keys(store, model, batch) if (found := _DONE.search(key))
    }


def read_results(store: Store, model: str, batch: str) -> Results:
    """Everything the proof needs; no shards where the job did not get so far."""
    keys = [key for key in _done_keys(store, model, batch) if _DONE.search(key)]
    with ThreadPoolExecutor(_READERS) as readers:
        done = list(readers.map(store.read_json, keys))
    parts = {
        each.key: each.size
        for folder in ("scores/", "rejects/")
        for each in store.current_objects(store.batch_key(model, batch, folder))
    }
    return Results(shards_of(store, model, batch) or [], done, parts)


def _done_keys(store: Store, model: str, batch: str) -> Iterable[str]:
    prefix = store.batch_key(model, batch, "done/")
    return [each.key for each in store.current_objects(prefix)]
