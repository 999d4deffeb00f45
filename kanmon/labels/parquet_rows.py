"""Parquet files without some rows. Memory is bounded by the size of a piece, not by the file's."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from kanmon.labels.rewritten import Rewritten

if TYPE_CHECKING:
    import polars as pl

# So much of a file is in memory at once, unpacked; where one row is larger, that row.
PIECE = 32 << 20
# Of the first piece, only the packed size is known. Later ones are as long as the last one shows.
_FIRST_ROWS, _UNPACKED = 10_000, 3
# As polars writes them by itself, of rows that are not long.
_MOST_IN_GROUP = 1 << 18


def without(
    source: Path,
    target: Path | None,
    needed: Callable[[list[str]], list[str]],
    found: "Callable[[pl.DataFrame], pl.Series]",
    *,
    blank: bool = False,
) -> Rewritten:
    """Count the rows that are found, and write the others to the target, if there is one.

    needed: which of the file's columns say so. blank: a row that is found becomes one of nulls, so
    that the others keep their numbers. What the file says of itself is kept.
    """
    import polars as pl

    try:
        scan = pl.scan_parquet(source, glob=False)
        schema = scan.collect_schema()
        height = scan.select(pl.len()).collect().item()
        size = _row_size(source, height, len(schema))
        columns = needed(list(schema))
        if not columns:
            if target:
                shutil.copyfile(source, target)
            return Rewritten(0, height)
        gone = 0
        if target is None:
            for frame in _pieces(scan.select(columns), height, size):
                gone += int(found(frame).sum())
            if gone:  # its other columns will be read too, when it is written again
                for _ in _pieces(scan, height, size):
                    pass
            return Rewritten(gone, height - gone)
    except (pl.exceptions.PolarsError, OSError):
        return Rewritten(0, unreadable="it is damaged Parquet")

    def kept(*_: object) -> "Iterator[pl.DataFrame]":
        nonlocal gone
        for frame in _pieces(scan, height, size):
            meant = found(frame.select(columns))
            gone += int(meant.sum())
            yield _blanked(frame, meant) if blank else frame.filter(~meant)

    _write(kept, schema, source, target, max(1, min(_MOST_IN_GROUP, PIECE // size)))
    return Rewritten(gone, height - gone)


def _row_size(source: Path, height: int, columns: int) -> int:
    """What a row takes in memory, as far as the packed file shows."""
    return max(1, 8 * columns, _UNPACKED * source.stat().st_size // max(1, height))


def _pieces(scan: "pl.LazyFrame", height: int, size: int) -> "Iterator[pl.DataFrame]":
    """The rows, as many at a time as fill a piece."""
    # Slices, because polars' own batches are read ahead, the more the more cores there are.
    start, step = 0, max(1, min(_FIRST_ROWS, PIECE // size))
    while start < height:
        frame = scan.slice(start, step).collect()
        yield frame
        start += step
        fitting = PIECE * frame.height // max(1, int(frame.estimated_size()))
        step = max(1, min(fitting, 10 * step))


def _blanked(frame: "pl.DataFrame", meant: "pl.Series") -> "pl.DataFrame":
    import polars as pl

    return frame.with_columns(pl.when(~meant).then(pl.all()))


def _write(
    frames: "Callable[..., Iterator[pl.DataFrame]]",
    schema: "pl.Schema",
    source: Path,
    target: Path,
    rows: int,
) -> None:
    """Write the frames as groups of so many rows, with what the source says of itself."""
    import polars as pl
    from polars.io.plugins import register_io_source

    said = pl.read_parquet_metadata(source)
    ours = {name: text for name, text in said.items() if name != "ARROW:schema"}
    register_io_source(frames, schema=schema).sink_parquet(
        target, row_group_size=rows, metadata=ours
    )
