"""The first rows of a CSV or Parquet file, every value as it is written."""

import csv
import gzip
import io
import math
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from kanmon.datasets import data_files
from kanmon.errors import BadInputError

if TYPE_CHECKING:
    import polars as pl

SAMPLE_ROWS = 200_000
HEAD_BYTES = 1_000_000
DELIMITERS = (",", ";", "\t", "|")
FEWEST_ROWS = 20


@dataclass(frozen=True)
class Sample:
    """Rows as text columns; `cut` when the file has more."""

    path: Path
    frame: "pl.DataFrame"
    delimiter: str
    cut: bool

    def require(self, columns: list[str]) -> None:
        """Refuse a column the table does not have, with the likely one."""
        for column in columns:
            if column not in self.frame.columns:
                near = get_close_matches(column, self.frame.columns, 1, 0.5)
                listed = ", ".join(self.frame.columns[:12])
                raise BadInputError(
                    f"{self.path} has no column {column!r}",
                    f"Did you mean {near[0]}?" if near else f"Its columns are: {listed}.",
                )


def read_sample(path: Path) -> Sample:
    """Read a file's first rows. Raises BadInputError, saying what is wrong with it."""
    import polars as pl

    data_files([path], None)  # is it there, readable, not empty, of a kind we know?
    try:
        if path.name.lower().endswith(".parquet"):
            frame, delimiter = pl.read_parquet(path, n_rows=SAMPLE_ROWS + 1), ","
        else:
            head = _head(path)
            delimiter = _delimiter(head)
            names = _header(path, head, delimiter)
            frame = pl.read_csv(
                path, separator=delimiter, infer_schema=False, n_rows=SAMPLE_ROWS + 1
            )
            if len(names) == frame.width:
                frame.columns = names  # polars leaves doubled quotes in names doubled
    except (pl.exceptions.PolarsError, OSError, EOFError) as error:
        words = str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else "damaged"
        raise BadInputError(f"{path} cannot be read as a table: {words}", "Mend it.") from error
    if frame.height < FEWEST_ROWS:
        raise BadInputError(
            f"{path} has {frame.height} rows", f"Give at least {FEWEST_ROWS}; hundreds are better."
        )
    frame = frame.select(pl.all().cast(pl.String))
    return Sample(path, frame.head(SAMPLE_ROWS), delimiter, frame.height > SAMPLE_ROWS)


def _head(path: Path) -> str:
    with path.open("rb") as file:
        stream: io.BufferedIOBase = file
        if path.name.lower().endswith(".gz"):
            stream = gzip.GzipFile(fileobj=file)
        content = stream.read(HEAD_BYTES)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start > len(content) - 4:  # a letter cut in two at the end of the sample
            return content[: error.start].decode("utf-8-sig")
        raise BadInputError(
            f"{path} is not UTF-8 text (byte {error.start})", "Save it as UTF-8."
        ) from error


def _delimiter(head: str) -> str:
    """The delimiter that parts the first lines into the same, largest number of cells."""
    lines = [line for line in head.splitlines()[:20] if line.strip()]

    def parts(delimiter: str) -> tuple[bool, int]:
        counts = {len(row) for row in csv.reader(lines, delimiter=delimiter)}
        return len(counts) == 1, max(counts, default=0)

    return max(DELIMITERS, key=parts) if lines else ","


def _header(path: Path, head: str, delimiter: str) -> list[str]:
    """The names in the first line, none empty and none twice."""
    names = next(csv.reader(io.StringIO(head), delimiter=delimiter), [])
    for number, name in enumerate(names, 1):
        if not name.strip():
            raise BadInputError(
                f"column {number} of {path} has no name in line 1", "Name it, or remove the column."
            )
        if names.index(name) != number - 1:
            raise BadInputError(
                f"{path} has two columns called {name!r}", "Rename or remove one of them."
            )
    return names


def number_words(text: str) -> bool:
    """Is this text a finite number?

    >>> number_words("1e-3"), number_words("nan"), number_words("1,5")
    (True, False, False)
    """
    try:
        return math.isfinite(float(text)) and "_" not in text
    except ValueError:
        return False
