"""The record that a shard is done, written after everything else of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from contract.step import StepError
from reading.shards import Shard
from score.storage import Results

FOLDER = "done"


def name_of(shard: int) -> str:
    """The record's name in its folder.

    >>> name_of(7)
    '00007.json'
    """
    return f"{shard:05d}.json"


def missing(
    results: Results, shards: Iterable[Shard], release: int, artifact_sha256: str
) -> list[Shard]:
    """The shards without a record. Raises StepError if a record is of another release."""
    names, waiting = results.names(FOLDER), []
    for shard in shards:
        name = name_of(shard.number)
        if name not in names:
            waiting.append(shard)
            continue
        record = results.read_json(f"{FOLDER}/{name}")
        _check(record, name, release, artifact_sha256)
    return waiting


def _check(record: Any, name: str, release: int, artifact_sha256: str) -> None:
    same = isinstance(record, dict) and (
        record.get("release") == release and record.get("artifact_sha256") == artifact_sha256
    )
    if not same:
        other = record.get("release") if isinstance(record, dict) else None
        raise StepError(
            f"{FOLDER}/{name} of this batch is of release {other}, but the batch is pinned to "
            f"release {release}; start a new batch"
        )
