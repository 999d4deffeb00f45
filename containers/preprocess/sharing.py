"""Which rows of the snapshot this host reads, where several hosts share them.

Files are packed by bytes. A large Parquet file is cut between its row groups; a CSV file, however
large, is read by one host. Every host finds the same plan by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reading.downloads import fetched
from reading.row_groups import groups_of
from reading.shards import Part, planned
from reading.source import DataObject, SourceFile, common_folder, downloaded

if TYPE_CHECKING:
    from botocore.client import BaseClient

# The smaller the shards, the more evenly they are dealt out; each takes a request or two.
SHARDS_PER_HOST = 16


@dataclass(frozen=True)
class Share:
    """A host's files, how many bytes they have, and the names of all hosts' files, if several."""

    files: Iterator[SourceFile]
    bytes: int
    shared: tuple[str, ...] = ()


def share_of(
    objects: Sequence[DataObject], host: tuple[int, int], folder: Path, client: BaseClient
) -> Share:
    """What this host reads. A file is deleted before the next one is yielded."""
    if host[1] == 1:
        size = sum(entry.size for entry in objects)
        return Share(downloaded(objects, folder, client), size)
    parts = parts_of(objects, host, client)
    prefix = common_folder(objects)
    names = tuple(entry.key[len(prefix) :] for entry in objects)
    size = sum(part.bytes for part in parts)
    return Share(_files(parts, objects, names, folder, client), size, names)


def parts_of(
    objects: Sequence[DataObject], host: tuple[int, int], client: BaseClient
) -> list[Part]:
    """The files and row groups of one of several hosts, in the order of the snapshot."""
    index, hosts = host
    sizes = [entry.size for entry in objects]
    shard_bytes = max(1, sum(sizes) // (hosts * SHARDS_PER_HOST))
    shards = planned(sizes, groups_of(objects, shard_bytes, client), shard_bytes, hosts)
    mine = [part for shard in shards if shard.host == index for part in shard.parts]
    return sorted(mine, key=lambda part: (part.file, part.first_row))


def _files(
    parts: Sequence[Part],
    objects: Sequence[DataObject],
    names: Sequence[str],
    folder: Path,
    client: BaseClient,
) -> Iterator[SourceFile]:
    folder.mkdir(parents=True, exist_ok=True)
    for part, path in zip(parts, fetched(parts, objects, folder, client), strict=True):
        first = part.first_row - 1
        rows = None if part.rows is None else (first, first + part.rows)
        yield SourceFile(path, names[part.file], rows)
