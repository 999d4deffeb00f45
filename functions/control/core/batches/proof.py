"""The proof that a batch is whole: every row of every file was scored or rejected, once, by the
pinned release. Pure: what was planned and what the job left, in; counts and problems, out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.batches.results import Results
from core.words.catalogue import say

Document = Mapping[str, Any]
# A part of a file: its index among the plan's objects, and the number of its first row.
Part = tuple[int, int]


@dataclass
class Rows:
    """What became of the rows that were read."""

    rows_in: int = 0
    scored: int = 0
    rejected: int = 0

    def add(self, entry: Document) -> None:
        self.rows_in += int(entry["rows_in"])
        self.scored += int(entry["scored"])
        self.rejected += int(entry["rejected"])


@dataclass(frozen=True)
class Proof:
    """`files` are the counts of the plan's objects, in their order; no problems prove the batch."""

    files: list[Rows]
    total: Rows
    problems: list[str] = field(default_factory=list)


def prove(plan: Document, results: Results) -> Proof:
    """Hold what the job left against the plan, the shards and each other."""
    files = [Rows() for _ in plan["objects"]]
    total = Rows()
    for entry in _entries(results.done):
        if 0 <= int(entry["file"]) < len(files):
            files[int(entry["file"])].add(entry)
        total.add(entry)
    problems = [
        *_shards(results),
        *_releases(plan, results),
        *_parts(results),
        *_files(plan, results),
        *_rows(plan, results, files),
        *_objects(results),
    ]
    return Proof(files, total, problems)


def _entries(done: Sequence[Document]) -> Iterator[Document]:
    for record in done:
        yield from record["files"]


def _shards(results: Results) -> Iterator[str]:
    """Each shard is there once and is done once."""
    planned = Counter(int(each["shard"]) for each in results.shards)
    done = Counter(int(each["shard"]) for each in results.done)
    if missing := sorted(planned.keys() - done.keys()):
        count = len(missing)
        yield say("batch.proof.missing", count=count, shards=len(planned), first=missing[0])
    if strange := sorted(done.keys() - planned.keys()):
        yield say("batch.proof.strange", shard=strange[0])
    for counts in (planned, done):
        for shard, times in sorted(counts.items()):
            if times > 1:
                yield say("batch.proof.twice", shard=shard)


def _releases(plan: Document, results: Results) -> Iterator[str]:
    release = plan["release"]
    pinned = (release["number"], release["artifact_sha256"])
    for record in results.done:
        if (record["release"], record["artifact_sha256"]) != pinned:
            shard, other = record["shard"], record["release"]
            yield say("batch.proof.release", shard=shard, other=other, pinned=pinned[0])


def _parts(results: Results) -> Iterator[str]:
    """A shard's record is about exactly the parts that the shard has, and their rows."""
    planned = {
        int(shard["shard"]): {_part(each): each["rows"] for each in shard["parts"]}
        for shard in results.shards
    }
    for record in results.done:
        wanted = planned.get(int(record["shard"]))
        if wanted is None:
            continue
        found = {_part(each): int(each["rows_in"]) for each in record["files"]}
        if found.keys() != wanted.keys() or len(found) != len(record["files"]):
            yield say("batch.proof.parts", shard=record["shard"])
        for part, rows in wanted.items():
            # Only Parquet says beforehand how many rows there are.
            if rows is not None and part in found and found[part] != rows:
                yield say("batch.proof.footer", shard=record["shard"], rows=rows, found=found[part])


def _part(entry: Document) -> Part:
    return int(entry["file"]), int(entry["first_row"])


def _files(plan: Document, results: Results) -> Iterator[str]:
    """Every file is read whole, in the version that was planned, no row of it twice."""
    objects = plan["objects"]
    read: dict[int, list[tuple[int, int]]] = {index: [] for index in range(len(objects))}
    for entry in _entries(results.done):
        index = int(entry["file"])
        known = objects[index] if 0 <= index < len(objects) else None
        names = (entry["key"], entry["version_id"])
        if known is None or names != (known["key"], known["version_id"]):
            yield say("batch.proof.version", file=entry["key"])
            continue
        read[index].append((int(entry["first_row"]), int(entry["rows_in"])))
    for index, parts in read.items():
        following = 1
        for first, rows in sorted(parts):
            if first != following:
                yield say("batch.proof.gap", file=objects[index]["key"], row=following, found=first)
                break
            following = first + rows
        if not parts:
            yield say("batch.proof.unread", file=objects[index]["key"])


def _rows(plan: Document, results: Results, files: Sequence[Rows]) -> Iterator[str]:
    for index, rows in enumerate(files):
        if rows.rows_in != rows.scored + rows.rejected:
            yield say("batch.proof.rows", file=plan["objects"][index]["key"], **vars(rows))
    for record in results.done:
        scored = sum(int(each["scored"]) for each in record["files"])
        written = sum(int(each["rows"]) for each in record["scores"])
        if scored != written:
            shard = record["shard"]
            yield say("batch.proof.written", shard=shard, scored=scored, written=written)


def _objects(results: Results) -> Iterator[str]:
    """Exactly the objects that the records name are there, as they say."""
    named = Counter(
        (each["key"], int(each["bytes"]))
        for record in results.done
        for each in (*record["scores"], *record["rejects"])
    )
    for (key, amount), times in sorted(named.items()):
        if times > 1:
            yield say("batch.proof.object_twice", key=key)
        if results.parts.get(key) != amount:
            yield say("batch.proof.object_gone", key=key)
    known = {key for key, _ in named}
    for key in sorted(results.parts.keys() - known):
        yield say("batch.proof.object_extra", key=key)
