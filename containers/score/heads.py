"""What the beginnings and ends of files say of their columns before all of them is read.

A file that lacks a column ends the batch before anything is scored, so all files of a host are
looked at first. A small file is fetched whole for that, and kept for scoring.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from contract.plan import Plan
from contract.problem import Problem
from contract.step import StepError
from reading.columns import Layout
from reading.csv_reader import check_csv_header
from reading.findings import FileError, Findings
from reading.parquet_footer import END, MAGIC, footer_length
from reading.parquet_reader import columns_of, is_named_parquet
from reading.row_groups import HEAD, at_once, footer_of
from reading.source import DataObject, fetch_range

if TYPE_CHECKING:
    from botocore.client import BaseClient

_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_LONGEST_HEADER = 1 << 20


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

    for error in at_once(check, list(files)):
        for problem in () if error is None else error.problems:
            findings.add_fatal(problem)
    if findings.fatal:
        raise StepError(findings.message())


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
        footer = _footer_in(head) if whole else footer_of(entry, client)
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
