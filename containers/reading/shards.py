"""Which rows are scored together, and on which host. A pure rule: every host finds the same.

Shards do not depend on the number of hosts, so a batch can be resumed on another number. They are
packed by bytes: a large Parquet file is cut between row groups, small files share a shard, and
everything else is a shard of its own. The largest is shard 0. Hosts take the largest first.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reading.parquet_footer import RowGroup

# Its done record names every file of a shard, so there is a limit to how many it has.
MOST_PARTS = 10_000


@dataclass(frozen=True)
class Part:
    """A file, or some of its row groups.

    file: the position in the plan's objects. first_row: data rows count from 1.
    rows: how many, where the footer was read. They are then in the file's bytes of `span`.
    """

    file: int
    bytes: int
    row_groups: tuple[int, int] | None = None
    first_row: int = 1
    rows: int | None = None
    span: tuple[int, int] = (0, 0)

    def document(self) -> dict[str, Any]:
        """The entry in shards.json."""
        groups = None if self.row_groups is None else list(self.row_groups)
        return {
            "file": self.file,
            "row_groups": groups,
            "first_row": self.first_row,
            "rows": self.rows,
        }


@dataclass(frozen=True)
class Shard:
    """Parts that are scored together, in this order, by one host."""

    number: int
    host: int
    parts: tuple[Part, ...]

    @property
    def bytes(self) -> int:
        """The size of its parts as they are stored."""
        return sum(part.bytes for part in self.parts)

    def document(self) -> dict[str, Any]:
        """The entry in shards.json."""
        return {
            "shard": self.number,
            "host": self.host,
            "bytes": self.bytes,
            "parts": [part.document() for part in self.parts],
        }


def planned(
    sizes: Sequence[int],
    groups: Mapping[int, Sequence[RowGroup]],
    shard_bytes: int,
    hosts: int,
) -> tuple[Shard, ...]:
    """Plan the shards of files of these sizes. `groups` are the row groups of those to cut."""
    parts = [
        part
        for file, size in enumerate(sizes)
        for part in (
            _cut(file, groups[file], shard_bytes) if file in groups else [Part(file, size)]
        )
    ]
    large = [part for part in parts if part.bytes > shard_bytes // 2]
    small = [part for part in parts if part.bytes <= shard_bytes // 2]
    packs = [[part] for part in large] + list(_packed(small, shard_bytes))
    packs.sort(key=lambda parts: (-_bytes(parts), parts[0].file, parts[0].first_row))
    return tuple(
        Shard(number, host, tuple(parts))
        for number, (parts, host) in enumerate(
            zip(packs, dealt([_bytes(parts) for parts in packs], hosts), strict=True)
        )
    )


def document(shards: Iterable[Shard]) -> dict[str, Any]:
    """shards.json."""
    return {"format": 1, "shards": [shard.document() for shard in shards]}


def dealt(sizes: Sequence[int], hosts: int) -> list[int]:
    """The host of each shard: the one with the least to do so far.

    >>> dealt([9, 5, 4, 1], 2)
    [0, 1, 1, 0]
    """
    load = [(0, host) for host in range(hosts)]
    found = []
    for size in sizes:
        least, host = heapq.heappop(load)
        found.append(host)
        # Even an empty shard takes some time.
        heapq.heappush(load, (least + max(size, 1), host))
    return found


def _cut(file: int, groups: Sequence[RowGroup], shard_bytes: int) -> Iterable[Part]:
    """Parts of neighbouring row groups, each as large as a shard may be, or of one row group."""
    begin, row = 0, 1
    while begin < len(groups):
        end, size = begin, 0
        while end < len(groups) and (end == begin or size + groups[end].bytes <= shard_bytes):
            size += groups[end].bytes
            end += 1
        taken = groups[begin:end]
        rows = sum(group.rows for group in taken)
        # Between row groups there may be bytes that belong to none.
        span = min(group.start for group in taken), max(group.end for group in taken)
        yield Part(file, size, (begin, end), row, rows, span)
        begin, row = end, row + rows


def _packed(parts: Iterable[Part], shard_bytes: int) -> Iterable[list[Part]]:
    """Parts together as long as they fit, in the order of the files."""
    pack: list[Part] = []
    size = 0
    for part in parts:
        if pack and (size + part.bytes > shard_bytes or len(pack) == MOST_PARTS):
            yield pack
            pack, size = [], 0
        pack.append(part)
        size += part.bytes
    if pack:
        yield pack


def _bytes(parts: Iterable[Part]) -> int:
    return sum(part.bytes for part in parts)
