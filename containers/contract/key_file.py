"""The keys of the rows that one of several Preprocess hosts read, for Train to compare.

A file has a line of JSON, padded so that numbers are aligned, and after it four columns of whole
numbers of fixed width, one after the other. Rows are sorted by `hash`, then `more`: two hashes of
the key, 128 bits together. `file` is the position of the row's file among `files`. The key itself
is not written: it may be private.
"""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from contract.problem import Problem
from contract.step import StepError

if TYPE_CHECKING:
    import polars as pl

# Each column with its code in array and numpy, and its width. All machines are little-endian.
COLUMNS = {"hash": ("Q", 8), "more": ("Q", 8), "row": ("Q", 8), "file": ("I", 4)}
_ALIGNED = 8


@dataclass(frozen=True)
class KeyFile:
    """A written file; `start` is where each column's bytes begin."""

    path: Path
    rows: int
    files: tuple[str, ...]
    start: dict[str, int]


def key_file_name(host: int) -> str:
    """The name of a host's file.

    >>> key_file_name(0), key_file_name(2)
    ('keys.bin', 'keys-002.bin')
    """
    return f"keys-{host:03d}.bin" if host else "keys.bin"


def write_keys(path: Path, files: Sequence[str], rows: int, frames: Iterable[pl.DataFrame]) -> None:
    """Write the keys of all frames, which have `rows` rows and whose hashes ascend."""
    assert sys.byteorder == "little"  # noqa: S101 - as every machine that steps run on
    head = _head(rows, files)
    start = _starts(len(head), rows)
    with path.open("wb") as file:
        file.write(head)
        done = 0
        for frame in frames:
            ordered = frame.sort("hash", "more")
            for name, (code, width) in COLUMNS.items():
                file.seek(start[name] + done * width)
                array(code, ordered[name].to_list()).tofile(file)
            done += ordered.height


def read_head(path: Path) -> KeyFile:
    """What a file says of itself. Raises StepError if it is cut off or something else."""
    try:
        with path.open("rb") as file:
            head = file.readline()
        document = json.loads(head)
        rows, files = int(document["rows"]), tuple(document["files"])
        start = _starts(len(head), rows)
        if path.stat().st_size != start["end"]:
            raise ValueError(f"{path.stat().st_size} bytes instead of {start['end']}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StepError(
            f"{path}: these keys, which Preprocess wrote, are damaged ({error}); start a new run "
            "with --force"
        ) from None
    return KeyFile(path, rows, files, start)


def used_twice(
    key: Sequence[str],
    times: int,
    first: tuple[str, int],
    second: tuple[str, int],
    value: str | None = None,
) -> Problem:
    """The problem of a key that several rows have: the first two, each a file and a row."""
    return Problem(
        f"occurs {times} times, first in {first[0]} row {first[1]}",
        "a key must identify one row: remove the other rows, or add a column to data.key",
        second[0],
        second[1],
        column="+".join(key),
        value=value,
    )


def _head(rows: int, files: Sequence[str]) -> bytes:
    head = json.dumps({"format": 1, "rows": rows, "files": list(files)}).encode()
    return head + b" " * (-(len(head) + 1) % _ALIGNED) + b"\n"


def _starts(begin: int, rows: int) -> dict[str, int]:
    start = {}
    for name, (_, width) in COLUMNS.items():
        start[name] = begin
        begin += rows * width
    return {**start, "end": begin}
