"""CSV files: parsed at full speed with the declared types, slowly only where that fails.

Three ways, from fast to patient, chosen for each piece on its own:
1. typed: numbers parsed as numbers;
2. text: a cell was not a number, so everything is read as text and the cell is found later;
3. patient: a row has too few or too many cells, so Python's csv module takes it row by row.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Generator, Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from contract.plan import Plan

from preprocess.batch import Batch
from preprocess.columns import Layout
from preprocess.problems import FileError, Problem
from preprocess.records import LONGEST_LINE, Piece, pieces

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

# Python objects take some twenty times the memory of the text, so the patient way takes few rows.
PATIENT_ROWS = 5_000


def read_csv(path: Path, name: str, plan: Plan, layout: Layout, size: int) -> Iterator[Batch]:
    """Yield a file's rows in pieces of about `size` bytes of text.

    Raises FileError where reading must stop.
    """
    reader = _CsvReader(name, plan, layout)
    source = pieces(path, name, size)
    head = next(source, None)
    if head is None:
        raise FileError(Problem("is empty", "it needs a header line and rows", name))
    reader.take_header(head)
    row = 1
    for piece in source:
        row = yield from reader.read(piece, row)


class _CsvReader:
    """One CSV file: its header and how to parse its pieces."""

    def __init__(self, name: str, plan: Plan, layout: Layout) -> None:
        self.name = name
        self.plan = plan
        self.layout = layout
        self.nulls = list(plan.null_values)
        self.header: list[str] = []
        self._known_starts: tuple[Piece | None, list[int]] = (None, [])

    def take_header(self, head: Piece) -> None:
        text = _decode(head, self.name)
        # csv refuses cells above its own limit; the length of lines has been checked already.
        csv.field_size_limit(4 * LONGEST_LINE)
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=self.plan.delimiter))
        self.header = rows[0] if rows else []
        if len(self.header) == 1 and len(self.layout.needed) > 1:
            raise FileError(
                Problem(
                    f"has a header of one column, so {self.plan.delimiter!r} does not separate it",
                    "set data.delimiter in model.yaml to the file's delimiter",
                    self.name,
                    line=1,
                )
            )
        if found := list(self.layout.check_header(self.name, self.header)):
            raise FileError(*found)

    @cached_property
    def codes(self) -> list[str]:
        """The parser's own names for columns without a header: it knows no others to select by."""
        return [f"column_{number}" for number in range(1, len(self.header) + 1)]

    @cached_property
    def code_of(self) -> dict[str, str]:
        return dict(zip(self.header, self.codes, strict=True))

    def read(self, piece: Piece, row: int) -> Generator[Batch, None, int]:
        """Yield the piece's batches and return the row number after it."""
        typed = self.layout.csv_schema(self.header)
        frame = self._parse(piece, typed)
        if frame is None:
            _decode(piece, self.name)
            frame = self._parse(piece, dict.fromkeys(self.header, pl.String()))
        if frame is None:
            return (yield from self._read_patiently(piece, row))
        yield self._batch(frame, piece, row)
        return row + frame.height

    def _parse(self, piece: Piece, types: dict[str, pl.DataType]) -> pl.DataFrame | None:
        """Parse at once; None when something does not fit the types or the header."""
        last = self.header[-1]
        wanted = [self.code_of[name] for name in dict.fromkeys((*self.layout.needed, last))]
        try:
            frame = pl.read_csv(
                piece.data,
                has_header=False,
                separator=self.plan.delimiter,
                schema={code: types[name] for name, code in self.code_of.items()},
                columns=wanted if len(wanted) < len(self.header) else None,
                null_values=self.nulls,
                empty_string_is_null="" in self.nulls,
            )
        except pl.exceptions.PolarsError:
            return None
        # A row with too few cells is filled up with missing ones, without a word; only then is its
        # last cell missing.
        if frame[self.code_of[last]].has_nulls() and not self._is_square(piece, frame):
            return None
        return frame.select(pl.col(self.code_of[name]).alias(name) for name in self.layout.needed)

    def _is_square(self, piece: Piece, frame: pl.DataFrame) -> bool:
        """Tell whether every row has a cell for every column of the header."""
        width = len(self.header)
        if width == 1:
            return True
        if piece.quoted:
            return all(len(cells) in (0, width) for cells in self._records(piece))
        rows = frame.height - len(self._blank_records(piece))
        return piece.data.count(self.plan.delimiter.encode()) == (width - 1) * rows

    def _batch(self, frame: pl.DataFrame, piece: Piece, row: int) -> Batch:
        records: Sequence[int] = range(frame.height)
        if blank := set(self._blank_records(piece)):
            records = [record for record in records if record not in blank]
            frame = frame[records]

        first = piece.line

        def line(position: int) -> int:
            return first + records[position]

        def line_by_reading(position: int) -> int:
            return first + self._starts(piece)[records[position]]

        return Batch(
            file=self.name,
            frame=frame,
            rows=[row + record for record in records] if blank else range(row, row + frame.height),
            # Only the second holds on to the piece, and with it to its memory.
            line=line_by_reading if piece.quoted else line,
        )

    def _records(self, piece: Piece) -> CsvReader:
        # Cells that are not UTF-8 can only be in columns that are not read.
        text = io.TextIOWrapper(
            io.BytesIO(piece.data), encoding="utf-8", errors="replace", newline=""
        )
        return csv.reader(text, delimiter=self.plan.delimiter)

    def _blank_records(self, piece: Piece) -> list[int]:
        if not _has_blank_lines(piece):
            return []
        return [index for index, cells in enumerate(self._records(piece)) if not cells]

    def _starts(self, piece: Piece) -> list[int]:
        """How many lines after the piece's first each record begins."""
        if self._known_starts[0] is not piece:
            records = self._records(piece)
            self._known_starts = (piece, [0, *(records.line_num for _ in records)])
        return self._known_starts[1]

    def _read_patiently(self, piece: Piece, row: int) -> Generator[Batch, None, int]:
        reader = self._records(piece)
        before = 0
        while True:
            cells: list[list[str]] = []
            rows: list[int] = []
            lines: list[int] = []
            ragged: list[Problem] = []
            read = 0
            for record in islice(reader, PATIENT_ROWS):
                line, before = piece.line + before, reader.line_num
                if len(record) == len(self.header):
                    cells.append(record)
                    rows.append(row + read)
                    lines.append(line)
                elif record:
                    ragged.append(self._ragged(record, row + read, line))
                read += 1
            if not read:
                return row
            row += read
            frame = self._frame(cells)
            yield Batch(self.name, frame, rows, lines.__getitem__, tuple(ragged))

    def _frame(self, cells: list[list[str]]) -> pl.DataFrame:
        places = {name: self.header.index(name) for name in self.layout.needed}
        frame = pl.DataFrame(
            {name: [record[place] for record in cells] for name, place in places.items()},
            schema=dict.fromkeys(self.layout.needed, pl.String()),
        )
        missing = pl.all().is_in(self.nulls)
        return frame.with_columns(pl.when(~missing).then(pl.all()))

    def _ragged(self, record: list[str], row: int, line: int) -> Problem:
        return Problem(
            f"has {len(record)} cells where the header has {len(self.header)}",
            "quote cells that hold the delimiter, or correct the row",
            self.name,
            row,
            line,
        )


def _has_blank_lines(piece: Piece) -> bool:
    data = piece.data
    return data.startswith((b"\n", b"\r\n")) or b"\n\n" in data or b"\n\r\n" in data


def _decode(piece: Piece, name: str) -> str:
    try:
        return piece.data.decode("utf-8")
    except UnicodeDecodeError as error:
        problem = Problem(
            f"is not UTF-8 (byte 0x{piece.data[error.start]:02x})",
            "save the file as UTF-8; it may be Latin-1 or Windows-1252",
            name,
            line=piece.line + piece.data.count(b"\n", 0, error.start),
        )
    raise FileError(problem)
