"""The row groups of large Parquet files, read from their ends alone, and fetched alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from reading.parquet_footer import END, MAGIC, FooterError, RowGroup, footer_length, row_groups
from reading.shards import Part
from reading.source import DataObject, fetch_into, fetch_range

if TYPE_CHECKING:
    from botocore.client import BaseClient

# Requests at once: most of a small request's time is waiting.
REQUESTS = 24
HEAD = 64 << 10

Entry = TypeVar("Entry")
Answer = TypeVar("Answer")


def groups_of(
    objects: Sequence[DataObject], shard_bytes: int, client: BaseClient
) -> dict[int, tuple[RowGroup, ...]]:
    """The row groups of the Parquet files that are larger than a shard, by position."""
    large = [file for file, entry in enumerate(objects) if entry.size > shard_bytes]

    def read(file: int) -> tuple[RowGroup, ...] | None:
        entry = objects[file]
        footer = footer_of(entry, client)
        try:
            return None if footer is None else row_groups(footer[:-END])
        except FooterError:
            return None  # it is read whole, and reading it says what is wrong

    found = zip(large, at_once(read, large), strict=True)
    return {file: groups for file, groups in found if groups}


def kept_path(folder: Path, part: Part) -> Path:
    """Where a part is on this disk. Numbered: an object's key may hold anything, such as "..".

    >>> kept_path(Path("work"), Part(3, 10)).name
    '000003-00000'
    """
    group = part.row_groups[0] if part.row_groups else 0
    return folder / f"{part.file:06d}-{group:05d}"


def write_rows(entry: DataObject, part: Part, path: Path, client: BaseClient) -> None:
    """Write a part's row groups to a file of the object's size that is empty otherwise."""
    footer = footer_of(entry, client)
    assert footer is not None  # noqa: S101 - its row groups were planned from it
    with path.open("wb") as file:
        file.write(MAGIC)
        file.seek(entry.size - len(footer))
        file.write(footer)
    fetch_into(entry, path, *part.span, client)


def footer_of(entry: DataObject, client: BaseClient) -> bytes | None:
    """The footer with the END bytes after it; None if the object is no Parquet file."""
    size = min(entry.size, HEAD)
    end = fetch_range(entry, entry.size - size, entry.size, client) if size else b""
    length = footer_length(end)
    if length is None or length + END > entry.size:
        return None
    if length + END > len(end):
        end = fetch_range(entry, entry.size - length - END, entry.size, client)
    return end[-length - END :]


def at_once(ask: Callable[[Entry], Answer], entries: Sequence[Entry]) -> Iterator[Answer]:
    """The answers for all entries, in their order, asked for at the same time."""
    if not entries:
        return iter(())
    with ThreadPoolExecutor(REQUESTS) as pool:
        return iter([task.result() for task in [pool.submit(partial(ask, e)) for e in entries]])
