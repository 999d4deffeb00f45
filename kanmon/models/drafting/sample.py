"""The first rows of a CSV or Parquet file, as text, read the way Preprocess reads them."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from kanmon.errors import BadInputError
from kanmon.models.datasets import data_files

if TYPE_CHECKING:
    import polars as pl

    from contract.problem import Problem

SAMPLE_ROWS = 200_000
# More than the longest line that Preprocess takes, so that a longer one is found.
PIECE_BYTES = 4 << 20
DELIMITERS = (",", ";", "\t", "|")
DELIMITED_ROWS = 20
FEWEST_ROWS = 20


@dataclass(frozen=True)
class Sample:
    """Rows as text columns; `cut` if the file has more. `odd` are the columns that are neither
    numbers nor text, with their types. `numeric` are those whose type is a number.
    """

    path: Path
    frame: "pl.DataFrame"
    delimiter: str
    cut: bool
    odd: dict[str, str] = field(default_factory=dict)
    numeric: frozenset[str] = frozenset()

    def require(self, columns: list[str]) -> None:
        """Refuse a column that the table does not have; suggest the closest name."""
        for column in columns:
            if column in self.odd:
                raise BadInputError(
                    f"the column {column} of {self.path} has the type {self.odd[column]}",
                    "Convert it to numbers or text.",
                )
            if column not in self.frame.columns:
                near = get_close_matches(column, self.frame.columns, 1, 0.5)
                listed = ", ".join(self.frame.columns[:12])
                raise BadInputError(
                    f"{self.path} has no column {column!r}",
                    f"Did you mean {near[0]}?" if near else f"Its columns are: {listed}.",
                )


def read_sample(path: Path) -> Sample:
    """Read a file's first rows. Raises BadInputError if it is no such file."""
    from reading.parquet_reader import is_parquet

    data_files([path], None)  # checks that it exists, is readable and is not empty
    delimiter, odd, numeric = ",", dict[str, str](), frozenset[str]()
    if is_parquet(path, path.name):
        frame, odd, numeric = _parquet(path)
    else:
        frame, delimiter = _csv(path)
    if frame.height < FEWEST_ROWS:
        raise BadInputError(
            f"{path} has only {frame.height} rows",
            f"At least {FEWEST_ROWS} are needed; hundreds are better.",
        )
    _refuse_nul(path, frame)
    cut = frame.height > SAMPLE_ROWS
    return Sample(path, frame.head(SAMPLE_ROWS), delimiter, cut, odd, numeric)


def _refuse_nul(path: Path, frame: "pl.DataFrame") -> None:
    """Preprocess rejects a row with a NUL byte: it looks like another value and is none."""
    import polars as pl

    has = frame.select(pl.all().str.contains("\0", literal=True))
    for name in frame.columns:
        rows = has[name].arg_true()
        if len(rows):
            raise BadInputError(
                f"{path} row {rows[0] + 1}, column {name}: {frame[name][rows[0]]!r} has a NUL byte",
                "Remove the byte.",
            )


def _parquet(path: Path) -> tuple["pl.DataFrame", dict[str, str], frozenset[str]]:
    import polars as pl

    from reading.columns import as_text

    try:
        scan = pl.scan_parquet(path, glob=False)
        schema = scan.collect_schema()
        _check_names(path, list(schema))
        texts = {name: as_text(name, dtype) for name, dtype in schema.items()}
        columns = [text.alias(name) for name, text in texts.items() if text is not None]
        frame = scan.select(columns).head(SAMPLE_ROWS + 1).collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise BadInputError(
            f"{path} is not a Parquet file, or is damaged", "Write it again."
        ) from error
    odd = {name: str(schema[name]) for name, text in texts.items() if text is None}
    return frame, odd, frozenset(name for name, dtype in schema.items() if dtype.is_numeric())


def _csv(path: Path) -> tuple["pl.DataFrame", str]:
    import polars as pl

    from reading.columns import Layout
    from reading.csv_reader import read_csv
    from reading.findings import FileError

    frames: list[pl.DataFrame] = []
    try:
        delimiter, names = _delimiter_and_names(path)
        layout = Layout(key=(), numbers=(), texts=tuple(names), ignore=())
        for batch in read_csv(path, str(path), layout, delimiter, ("",), PIECE_BYTES):
            if batch.lost:
                raise _refused(batch.lost[0])
            frames.append(batch.frame)
            if sum(frame.height for frame in frames) > SAMPLE_ROWS:
                break
    except FileError as error:
        raise _refused(error.problems[0]) from error
    return pl.concat(frames) if frames else pl.DataFrame(), delimiter


def _refused(problem: "Problem") -> BadInputError:
    """The error that Preprocess would report."""
    what = str(problem).removesuffix(f"; {problem.fix}")
    return BadInputError(what, f"{problem.fix[0].upper()}{problem.fix[1:]}.")


def _delimiter_and_names(path: Path) -> tuple[str, list[str]]:
    """The delimiter that splits the first rows into the same and largest number of cells, and the
    names in the header.
    """
    from reading.csv_pieces import decoded, pieces

    text, line = "", 1
    for piece in islice(pieces(path, str(path), PIECE_BYTES), 2):  # the header and rows
        text += decoded(piece, str(path), line)
        line += piece.data.count(b"\n")

    def parts(delimiter: str) -> tuple[bool, int]:
        try:
            counts = {len(row) for row in islice(_rows(text, delimiter), DELIMITED_ROWS) if row}
        except csv.Error:  # not this delimiter: a quote would swallow the rest
            return False, 0
        return len(counts) == 1, max(counts, default=0)

    delimiter = max(DELIMITERS, key=parts)
    names = next(_rows(text, delimiter), [])
    _check_names(path, names)
    return delimiter, names


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(PIECE_BYTES)  # a cell may be as long as a line
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)


def _check_names(path: Path, names: list[str]) -> None:
    """Refuse a header without names, with an empty name, or with a name twice."""
    if not names:
        raise BadInputError(f"{path} has no column names in line 1", "Name every column there.")
    for number, name in enumerate(names, 1):
        if not name.strip():
            raise BadInputError(
                f"column {number} of {path} has no name", "Name it, or remove the column."
            )
        if "\0" in name:
            raise BadInputError(
                f"{path} is not text: column {number} has a NUL byte in its name",
                "Save it as UTF-8.",
            )
        if names.index(name) != number - 1:
            raise BadInputError(
                f"{path} has two columns named {name!r}", "Rename or remove one of them."
            )
