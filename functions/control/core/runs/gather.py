"""Data that a query makes: what Athena is asked for, and the snapshot of what it wrote. That of a
job is in gathering_job.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.cost.prices import Prices
from core.definition.query import FILE, QueryError, statement
from core.runs import gathering_job
from core.runs.gathering_job import NoGatherError
from core.runs.row_sum import RowSum, whole
from core.runs.snapshot import PARQUET, Snapshot
from core.stage.bucket import DataObject
from core.words.catalogue import say

if TYPE_CHECKING:
    from core.definition.gather import Gather
    from core.runs.current_definition import StoredDefinition
    from core.runs.request import RunRequest
    from core.stage.bucket import Store
    from core.stage.gateways import Stage
    from core.stage.row_hasher import RowHasher

# Files are read side by side, each by a call of its own. A new account may have ten calls at once,
# of all its functions.
_AT_ONCE = 4


class EmptyResultError(Exception):
    """The query returned no rows."""


def to_gather(
    stage: Stage, run: str, request: RunRequest, definition: StoredDefinition, behind: str | None
) -> dict[str, Any]:
    """The answer for a run whose data a query or a job makes first."""
    wanted, model = definition.content.gather, request.model
    assert wanted is not None  # noqa: S101 - narrows the type only
    if wanted.is_query:
        summary = say("run.opened.gather", gb=str(wanted.maximum_gb))
        question = _question(stage, model, run, definition.sha256, wanted)
    else:
        summary = say("run.opened.gather_job")
        question = gathering_job.question(stage, model, run, definition, wanted)
    return {
        "outcome": "gather",
        "run": run,
        "model": model,
        "behind": behind,
        "summary": summary,
        "gather": question,
    }


def _question(stage: Stage, model: str, run: str, sha256: str, gather: Gather) -> dict[str, Any]:
    """What the workflow asks Athena. Each attempt appends its number to the prefix: UNLOAD writes
    into an empty one only."""
    if not stage.gather_workgroups:
        raise NoGatherError(say("refused.no_gather", model=model, stage=stage.short_name))
    key = stage.store.definition_key(model, sha256, FILE)
    try:
        query = statement(stage.store.read(key))
    except QueryError as error:
        raise QueryError(f"models/{model}/{error}") from error
    return {
        "query": query,
        "database": gather.database,
        "workgroup": f"{stage.gather_workgroups}{gather.maximum_gb}gb",
        "prefix": stage.store.uri(stage.store.gathered_key(model, run)),
        "maximum_gb": gather.maximum_gb,
        "timeout_seconds": gather.timeout_minutes * 60,
    }


@dataclass(frozen=True)
class Result:
    """What a query gave: its snapshot, how many rows it has, and files that nothing needs."""

    snapshot: Snapshot
    rows: int
    needless: tuple[DataObject, ...] = ()


def result_of(store: Store, hasher: RowHasher, model: str, prefix: str) -> Result:
    """The snapshot of the rows below the prefix, whose id follows from the rows alone.

    Where an earlier snapshot of the same rows still has its objects, it stays as it is and what was
    written now is needless: the same fingerprint shall give the same model, and that may depend on
    the order in which rows are read.
    """
    files = tuple(sorted(store.current_objects(f"{prefix}/")))
    rows = _rows(hasher, files)
    if rows is None or rows.rows == 0:
        raise EmptyResultError(say("refused.empty_result", model=model))
    identity = rows.digest[:32]
    earlier = _earlier(store, model, identity)
    # A repeat finds the snapshot that it made itself.
    if earlier is not None and set(earlier.objects).isdisjoint(files):
        return Result(earlier, rows.rows, files)
    return Result(Snapshot(identity, model, store.bucket, files, PARQUET), rows.rows)


def _rows(hasher: RowHasher, files: Iterable[DataObject]) -> RowSum | None:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        sums = [RowSum.of(answer) for answer in pool.map(hasher.answer, files)]
    return whole(sums) if sums else None


def _earlier(store: Store, model: str, identity: str) -> Snapshot | None:
    """The snapshot of these rows that an earlier run took, if all of its objects are there."""
    document = store.read_json_if_there(store.snapshot_key(model, identity))
    if document is None:
        return None
    snapshot = Snapshot.of(document)
    there = all(store.has_version(each.key, each.version_id) for each in snapshot.objects)
    return snapshot if there else None


def lineage(
    asked: Mapping[str, Any], answered: Mapping[str, Any], rows: int, prices: Prices
) -> dict[str, Any]:
    """What run.json keeps of a query: its text, what it scanned and what that cost."""
    scanned = int(answered["scanned_bytes"])
    return {
        "query": asked["query"],
        "database": asked["database"],
        "maximum_gb": asked["maximum_gb"],
        "query_id": answered["query_id"],
        "rows": rows,
        "scanned_bytes": scanned,
        "usd": prices.query(scanned),
        "prices": prices.origin(),
    }
