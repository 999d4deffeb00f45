"""CSV files: parsed at full speed with the declared types, slowly only where that fails.

There are three ways, from fast to slow. Each piece takes the fastest that works:
1. typed: numbers are parsed as numbers;
2. text: a cell is not a number, so everything is read as text and the cell is found later;
3. row by row: a row has too few or too many cells, so Python's csv module reads the piece.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import polars as pl

from contract.problem import Problem
from reading.batch import Batch
from reading.columns import Layout
from reading.csv_pieces import LONGEST_LINE, Piece, decoded, pieces, refuse_wide, unclosed
from reading.findings import FileError

# Python objects need about twenty times the memory of the text, so only a few rows at once.
ROW_BY_ROW = 5_000


def read_csv(
    path: Path,
    name: str,
    layout: Layout,
    delimiter: str,
    null_values: tuple[str, ...],
    size: int,
) -> Iterator[Batch]:
    """Yield a file's rows in pieces of about `size` bytes of text.

    Raises FileError if the file cannot be read further.
    """
    reader = _CsvReader(name, layout, delimiter, null_values)
    source = pieces(path, name, size)
    head = next(source, None)
    if head is None:
        raise FileError(Problem("is empty", "add a header line and rows", name))
    reader.take_header(head)
    for piece in source:
        yield from reader.read(piece)


def check_csv_header(
    text: bytes, name: str, layout: Layout, delimiter: str, null_values: tuple[str, ...]
) -> None:
    """Check a file's first line. Raises FileError as `read_csv` does."""
    refuse_wide(text, name)
    _CsvReader(name, layout, delimiter, null_values).take_header(Piece(text, quoted=b'"' in text))


class _CsvReader:
    """One CSV file: its header and how to parse its pieces."""

    def __init__(
        self, name: str, layout: Layout, delimiter: str, null_values: tuple[str, ...]
    ) -> None:
        self.name = name
        self.layout = layout
        self.delimiter = delimiter
        self.nulls = list(null_values)
        self.header: list[str] = []
        self.absent: frozenset[str] = frozenset()
        # The place of the next piece's first record.
        self.row = 1
        self.line = 1
        self._known_starts: tuple[Piece | None, list[int]] = (None, [])

    def take_header(self, head: Piece) -> None:
        text = decoded(head, self.name, self.line)
        self.line += head.data.count(b"\n")
        # csv has its own limit for cells. The length of lines is already checked.
        csv.field_size_limit(4 * LONGEST_LINE)
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=self.delimiter))
        self.header = rows[0] if rows else []
        needed = {*self.layout.needed}
        # Where the one column is needed, the others are what the file lacks.
        alone = len(self.header) == 1 and self.header[0] not in needed
        if alone and len(needed - self.layout.optional) > 1:
            raise FileError(
                Problem(
                    f"has one column in its header, so {self.delimiter!r} is not its delimiter",
                    "set data.delimiter in model.yaml to the file's delimiter",
                    self.name,
                    line=1,
                )
            )
        if found := list(self.layout.check_header(self.name, self.header)):
            raise FileError(*found)
        self.absent = self.layout.absent(self.header)

    def read(self, piece: Piece) -> Iterator[Batch]:
        """Yield the piece's batches and advance the row and line numbers."""
        frame = self._parse(piece, self.layout.csv_schema(self.header))
        if frame is None:
            decoded(piece, self.name, self.line)
            frame = self._parse(piece, dict.fromkeys(self.header, pl.String()))
        blank: list[int] = []
        # Polars silently fills a row with too few cells with empty ones, and makes a row of empty
        # cells from a blank line. In both cases the last cell is empty.
        if frame is not None and self._has_empty(frame[self.header[-1]]):
            blank = self._blank_records(piece)
            if not self._is_square(piece, frame.height - len(blank)):
                frame = None
        if frame is None:
            yield from self._read_row_by_row(piece)
            return
        yield self._batch(frame, piece, blank)
        self.row += frame.height
        self.line += piece.data.count(b"\n") if piece.quoted else frame.height

    def _parse(self, piece: Piece, types: dict[str, pl.DataType]) -> pl.DataFrame | None:
        """Parse all of it; None if something does not fit the types or the header.

        Ignored columns are parsed too. If the parser skips columns, it accepts rows with too many
        cells and takes values from the wrong places.
        """
        # What the piece does not contain need not be looked for in every cell.
        words = [word for word in self.nulls if word and piece.may_have(word)]
        empty = "" in self.nulls
        if empty and piece.quoted:
            words.append("")
        try:
            return pl.read_csv(
                piece.data,
                has_header=False,
                separator=self.delimiter,
                quote_char='"' if piece.quoted else None,
                schema=types,
                null_values=words or None,
                empty_string_is_null=empty,
            )
        except pl.exceptions.PolarsError:
            return None

    def _has_empty(self, cells: pl.Series) -> bool:
        """Is a cell missing? Without the null value "", an empty text counts as missing too."""
        texts = "" not in self.nulls and cells.dtype == pl.String
        return cells.has_nulls() or (texts and bool((cells == "").any()))

    def _is_square(self, piece: Piece, rows: int) -> bool:
        """Does every row have a cell for every column of the header?"""
        width = len(self.header)
        if piece.quoted:
            return all(len(cells) in (0, width) for _, cells in self._records(piece))
        return piece.data.count(self.delimiter.encode()) == (width - 1) * rows

    def _batch(self, frame: pl.DataFrame, piece: Piece, blank: list[int]) -> Batch:
        frame = self._completed(frame)
        first_row, first_line = self.row, self.line
        records: Sequence[int] = range(frame.height)
        rows: Sequence[int] = range(first_row, first_row + frame.height)
        if blank:
            gone = set(blank)
            records = [record for record in records if record not in gone]
            rows = [first_row + record for record in records]
            frame = frame[records]

        def line(position: int) -> int:
            return first_line + records[position]

        def line_by_reading(position: int) -> int:
            return first_line + self._starts(piece)[records[position]]

        # Only the second keeps the piece, and so its memory, alive.
        lines = line_by_reading if piece.quoted else line
        return Batch(self.name, frame, rows, lines, absent=self.absent, nul=piece.may_have("\0"))

    def _completed(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The needed columns, those that the file lacks without values."""
        if self.absent:
            frame = frame.with_columns(self.layout.missing(self.absent))
        return frame.select(self.layout.needed)

    def _records(self, piece: Piece) -> Iterator[tuple[int, list[str]]]:
        """Each record, and how many lines after the piece's first line it begins."""
        text = io.TextIOWrapper(io.BytesIO(piece.data), encoding="utf-8", newline="")
        reader = csv.reader(text, delimiter=self.delimiter)
        start = 0
        try:
            for cells in reader:
                yield start, cells
                start = reader.line_num
        except csv.Error:
            # The only error left is a cell beyond the limit: NUL and the rest are accepted.
            raise unclosed(self.name, self.line + start) from None

    def _blank_records(self, piece: Piece) -> list[int]:
        if not _has_blank_lines(piece):
            return []
        return [index for index, (_, cells) in enumerate(self._records(piece)) if not cells]

    def _starts(self, piece: Piece) -> list[int]:
        if self._known_starts[0] is not piece:
            self._known_starts = (piece, [start for start, _ in self._records(piece)])
        return self._known_starts[1]

    def _read_row_by_row(self, piece: Piece) -> Iterator[Batch]:
        records = self._records(piece)
        first_line = self.line
        while taken := list(islice(records, ROW_BY_ROW)):
            places = [
                (self.row + index, first_line + start) for index, (start, _) in enumerate(taken)
            ]
            whole = [index for index, (_, cells) in enumerate(taken) if self._is_whole(cells)]
            lost = tuple(
                self._ragged(cells, *place)
                for place, (_, cells) in zip(places, taken, strict=True)
                if cells and not self._is_whole(cells)
            )
            rows = [places[index][0] for index in whole]
            lines = [places[index][1] for index in whole]
            frame = self._frame([taken[index][1] for index in whole])
            self.row += len(taken)
            yield Batch(self.name, frame, rows, lines.__getitem__, lost, self.absent)
        self.line += piece.data.count(b"\n")

    def _is_whole(self, cells: list[str]) -> bool:
        return len(cells) == len(self.header)

    def _frame(self, cells: list[list[str]]) -> pl.DataFrame:
        present = [name for name in self.layout.needed if name not in self.absent]
        places = {name: self.header.index(name) for name in present}
        frame = pl.DataFrame(
            {name: [record[place] for record in cells] for name, place in places.items()},
            schema=dict.fromkeys(present, pl.String()),
        )
        missing = pl.all().is_in(self.nulls)
        return self._completed(frame.with_columns(pl.when(~missing).then(pl.all())))

    def _ragged(self, cells: list[str], row: int, line: int) -> Problem:
        # If a quote is not closed, the lines after it become part of the cell.
        swallowed = any("\n" in cell for cell in cells)
        fix = "quote cells that contain the delimiter, or correct the row"
        return Problem(
            f"has {len(cells)} cells where the header has {len(self.header)}",
            "close the quote in it, or remove it" if swallowed else fix,
            self.name,
            row,
            line,
        )


def _has_blank_lines(piece: Piece) -> bool:
    data = piece.data
    return data.startswith((b"\n", b"\r\n")) or b"\n\n" in data or b"\n\r\n" in data
