"""Fetch the parts of shards ahead of their reading, in the plan's order, with bounds on both."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from reading.row_groups import REQUESTS, kept_path, write_rows
from reading.shards import Part
from reading.source import DataObject, fetch

if TYPE_CHECKING:
    from botocore.client import BaseClient

# While one file is read, so many others or so many bytes of others are fetched.
FILES_AHEAD = REQUESTS
BYTES_AHEAD = 512 << 20


def fetched(
    parts: Iterable[Part], objects: Sequence[DataObject], folder: Path, client: BaseClient
) -> Iterator[Path]:
    """Yield each part as a file; delete it before the next one is yielded."""
    remaining = deque(parts)
    waiting: deque[tuple[Part, Future[Path]]] = deque()
    with ThreadPoolExecutor(FILES_AHEAD) as pool:
        try:
            while remaining or waiting:
                while remaining and _room(waiting):
                    part = remaining.popleft()
                    waiting.append((part, pool.submit(_fetch, part, objects, folder, client)))
                path = waiting.popleft()[1].result()
                yield path
                path.unlink(missing_ok=True)
        finally:
            for _, task in waiting:
                task.cancel()


def _room(waiting: Sequence[tuple[Part, Future[Path]]]) -> bool:
    size = sum(part.bytes for part, _ in waiting)
    return not waiting or (len(waiting) < FILES_AHEAD and size < BYTES_AHEAD)


def _fetch(part: Part, objects: Sequence[DataObject], folder: Path, client: BaseClient) -> Path:
    entry, path = objects[part.file], kept_path(folder, part)
    if part.row_groups is not None:
        write_rows(entry, part, path, client)
    elif not path.exists():  # a small file is there since its columns were checked
        fetch(entry, path, client)
    return path
