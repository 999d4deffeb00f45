"""Files of which only some columns are wanted, whatever else they have."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import polars as pl

from contract.plan import Plan
from contract.problem import Problem
from reading.batch import Batch
from reading.columns import ALIKE, Layout
from reading.csv_pieces import decoded, pieces
from reading.csv_reader import read_csv
from reading.parquet_reader import is_parquet, read_parquet

PIECE_BYTES = 4 << 20


class SomeColumns(Layout):
    """The columns to read; any others may be there too."""

    def check_header(self, file: str, header: Sequence[str]) -> Iterable[Problem]:
        """Find missing and repeated columns."""
        for name in (name for name in self.needed if name not in header):
            alike = difflib.get_close_matches(name, header, n=1, cutoff=ALIKE)
            fix = f"it has {alike[0]!r}: rename it" if alike else "add it to the file"
            yield Problem("is missing", fix, file, column=name)
        for name in dict.fromkeys(name for name in header if header.count(name) > 1):
            yield Problem("is in the header more than once", "rename one", file, column=name)


def header_of(path: Path, name: str, delimiter: str) -> list[str]:
    """The names of a file's columns; none if it is empty or damaged, which reading it reports."""
    if is_parquet(path, name):
        try:
            return list(pl.scan_parquet(path, glob=False).collect_schema())
        except (pl.exceptions.PolarsError, OSError):
            return []
    head = next(pieces(path, name, PIECE_BYTES), None)
    if head is None:
        return []
    text = decoded(head, name, 1)
    return next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])


def batches(path: Path, name: str, layout: Layout, plan: Plan) -> Iterator[Batch]:
    """A file's rows, some at a time. Raises FileError if it cannot be read further."""
    if is_parquet(path, name):
        return read_parquet(path, name, layout, plan.null_values, PIECE_BYTES)
    return read_csv(path, name, layout, plan.delimiter, plan.null_values, PIECE_BYTES)
