"""A batch: some rows of one file, with the place of each row in it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain

import polars as pl

from contract.problem import Problem


@dataclass(frozen=True)
class Batch:
    """Rows as read. Every needed column is there; a number column is Float64, or text to parse.

    rows: each row's number in the file; data rows count from 1.
    line: turns a position in the frame into a line of the text file, None if the file has none.
    lost: rows so malformed that they are not in the frame.
    absent: the optional columns that the file lacks; their cells are missing.
    nul: may a text have a NUL byte? False only where none has.
    """

    file: str
    frame: pl.DataFrame
    rows: Sequence[int]
    line: Callable[[int], int | None]
    lost: tuple[Problem, ...] = ()
    absent: frozenset[str] = frozenset()
    nul: bool = True


def no_line(position: int) -> int | None:
    """Parquet has no lines."""
    return None


def gathered(batches: Iterable[Batch], count: int) -> Iterator[Batch]:
    """Join up to `count` neighbouring batches of the same types into one.

    Small pieces need less memory to parse; large batches need less time to check and write.
    """
    held: list[Batch] = []
    for batch in batches:
        if held and (len(held) == count or batch.frame.schema != held[0].frame.schema):
            yield _joined(held)
            held = []
        held.append(batch)
    if held:
        yield _joined(held)


def _joined(batches: list[Batch]) -> Batch:
    if len(batches) == 1:
        return batches[0]
    starts = list(accumulate((batch.frame.height for batch in batches), initial=0))

    def line(position: int) -> int | None:
        index = bisect_right(starts, position, hi=len(batches)) - 1
        return batches_line[index](position - starts[index])

    # So the closure keeps no frame alive.
    batches_line = [batch.line for batch in batches]
    first, last = batches[0].rows, batches[-1].rows
    whole = all(isinstance(batch.rows, range) for batch in batches)
    rows: Sequence[int] = (
        range(first[0], last[-1] + 1)
        if whole and first and last and last[-1] + 1 - first[0] == starts[-1]
        else list(chain.from_iterable(batch.rows for batch in batches))
    )
    lost = tuple(chain.from_iterable(batch.lost for batch in batches))
    frame = pl.concat([batch.frame for batch in batches], rechunk=False)
    nul = any(batch.nul for batch in batches)
    return Batch(batches[0].file, frame, rows, line, lost, batches[0].absent, nul)
