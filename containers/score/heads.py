"""What the beginnings and ends of files say before all of them is read: row groups and columns.

A file that lacks a column ends the batch before anything is scored, so all files of a host are
looked at first. A small file is fetched whole for that, and kept for scoring.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import polars as pl

from contract.plan import Plan
from contract.problem import Problem
from contract.step import StepError
from reading.columns import Layout
from reading.csv_reader import check_csv_header
from reading.findings import FileError, Findings
from reading.parquet_footer import END, MAGIC, FooterError, RowGroup, footer_length, row_groups
from reading.parquet_reader import columns_of, is_named_parquet
from reading.source import DataObject, fetch_into, fetch_range
from score.shards import Part

if TYPE_CHECKING:
    from botocore.client import BaseClient

# Requests at once: most of a small request's time is waiting.
REQUESTS = 24
HEAD = 64 << 10
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_LONGEST_HEADER = 1 << 20

Entry = TypeVar("Entry")
Answer = TypeVar("Answer")


def groups_of(
    objects: Sequence[DataObject], shard_bytes: int, client: BaseClient
) -> dict[int, tuple[RowGroup, ...]]:
    """The row groups of the Parquet files that are larger than a shard, by position."""
    large = [file for file, entry in enumerate(objects) if entry.size > shard_bytes]

    def read(file: int) -> tuple[RowGroup, ...] | None:
        entry = objects[file]
        footer = _footer(entry, client)
        try:
            return None if footer is None else row_groups(footer[:-END])
        except FooterError:
            return None  # it is scored whole, and reading it says what is wrong

    found = zip(large, _at_once(read, large), strict=True)
    return {file: groups for file, groups in found if groups}


def check_heads(
    files: Iterable[tuple[DataObject, str, Path]],
    plan: Plan,
    layout: Layout,
    client: BaseClient,
) -> None:
    """Raise StepError with every file that lacks a column, as far as its beginning shows.

    files: an object, its name in messages, and the path at which a small one is kept.
    """
    findings = Findings()

    def check(file: tuple[DataObject, str, Path]) -> FileError | None:
        try:
            _check(*file, plan, layout, client)
        except FileError as error:
            return error
        return None

    for error in _at_once(check, list(files)):
        for problem in () if error is None else error.problems:
            findings.add_fatal(problem)
    if findings.fatal:
        raise StepError(findings.message())


def kept_path(folder: Path, part: Part) -> Path:
    """Where a part is on this disk. Numbered: an object's key may hold anything, such as "..".

    >>> kept_path(Path("work"), Part(3, 10)).name
    '000003-00000'
    """
    group = part.row_groups[0] if part.row_groups else 0
    return folder / f"{part.file:06d}-{group:05d}"


def write_rows(entry: DataObject, part: Part, path: Path, client: BaseClient) -> None:
    """Write a part's row groups to a file of the object's size that is empty otherwise."""
    footer = _footer(entry, client)
    assert footer is not None  # noqa: S101 - its row groups were planned from it
    with path.open("wb") as file:
        file.write(MAGIC)
        file.seek(entry.size - len(footer))
        file.write(footer)
    fetch_into(entry, path, *part.span, client)


def _footer(entry: DataObject, client: BaseClient) -> bytes | None:
    """The footer with the END bytes after it; None if the object is no Parquet file."""
    size = min(entry.size, HEAD)
    end = fetch_range(entry, entry.size - size, entry.size, client) if size else b""
    length = footer_length(end)
    if length is None or length + END > entry.size:
        return None
    if length + END > len(end):
        end = fetch_range(entry, entry.size - length - END, entry.size, client)
    return end[-length - END :]


def _check(
    entry: DataObject, name: str, path: Path, plan: Plan, layout: Layout, client: BaseClient
) -> None:
    if not entry.size:
        raise FileError(Problem("is empty", "add a header line and rows", name))
    head = fetch_range(entry, 0, min(entry.size, HEAD), client)
    if entry.size <= HEAD:
        path.write_bytes(head)
    if is_named_parquet(name) or head.startswith(MAGIC):
        whole = entry.size <= HEAD
        footer = _footer_in(head) if whole else _footer(entry, client)
        _check_parquet(name, footer, plan, layout)
    else:
        _check_csv(name, head, plan, layout)


def _footer_in(content: bytes) -> bytes | None:
    length = footer_length(content)
    return None if length is None else content[-length - END :]


def _check_parquet(name: str, footer: bytes | None, plan: Plan, layout: Layout) -> None:
    try:
        if footer is None:
            raise OSError("no footer")
        schema = pl.Schema(pl.read_parquet_schema(io.BytesIO(MAGIC + footer)))
    except (pl.exceptions.PolarsError, OSError):
        problem = Problem("is damaged Parquet", "write and upload it again", name)
        raise FileError(problem) from None
    columns_of(name, schema, layout, plan.null_values)


def _check_csv(name: str, head: bytes, plan: Plan, layout: Layout) -> None:
    if head.startswith(_GZIP):
        try:
            head = zlib.decompressobj(wbits=31).decompress(head, _LONGEST_HEADER)
        except zlib.error:
            return  # reading it says where
    elif name.endswith(".gz"):
        raise FileError(
            Problem("is named .gz but is not gzip", "compress it, or rename it to .csv", name)
        )
    head = head.removeprefix(_BOM)
    end = head.find(b"\n")
    # A header with quoted line breaks, or one without rows, is left to reading.
    if end >= 0 and not head.count(b'"', 0, end) % 2:
        check_csv_header(head[: end + 1], name, layout, plan.delimiter, plan.null_values)


def _at_once(ask: Callable[[Entry], Answer], entries: Sequence[Entry]) -> Iterator[Answer]:
    if not entries:
        return iter(())
    with ThreadPoolExecutor(REQUESTS) as pool:
        return iter([task.result() for task in [pool.submit(partial(ask, e)) for e in entries]])
