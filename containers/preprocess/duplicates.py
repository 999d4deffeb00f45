"""Find keys that more than one row has: exactly, in bounded memory.

Keys stay in memory up to a limit, then go to disk in buckets by their hash. Equal keys share a
bucket, so at the end one bucket at a time is searched.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from contract.problem import Problem
from contract.split import ROW
from reading.columns import KEY, ROW_NUMBER

SHOWN = 5


class KeyIndex:
    """All keys seen, with file and row."""

    def __init__(self, key: tuple[str, ...], folder: Path, limit: int, buckets: int) -> None:
        self.key = key
        self.folder = folder
        self.limit = limit
        self.buckets = buckets
        self.files: list[str] = []
        self._pending: list[pl.DataFrame] = []
        self._size = 0
        self._spills = 0

    @property
    def columns(self) -> list[str]:
        """The key columns of a frame."""
        return [KEY.format(index) for index in range(len(self.key))]

    def add(self, file: str, frame: pl.DataFrame) -> None:
        """Add the keys of a frame's rows, with their row numbers in the file."""
        if not self.files or self.files[-1] != file:
            self.files.append(file)
        noted = frame.select(
            (pl.col(ROW) % self.buckets).cast(pl.UInt16).alias("bucket"),
            *self.columns,
            pl.lit(len(self.files) - 1, dtype=pl.UInt32).alias("file"),
            pl.col(ROW_NUMBER).alias("row"),
        )
        self._pending.append(noted)
        self._size += int(noted.estimated_size())
        if self._size > self.limit:
            self._spill()

    def duplicates(self) -> tuple[int, list[Problem]]:
        """How many keys occur more than once, and a few examples."""
        count, problems = 0, list[Problem]()
        if not self._spills:
            frames = [pl.concat(self._pending)] if self._pending else []
            return self._search(frames, count, problems)
        self._spill()
        for bucket in range(self.buckets):
            files = sorted(self.folder.glob(f"{bucket:04d}-*.ipc"))
            if files:
                found = [pl.concat([pl.read_ipc(file) for file in files])]
                count, problems = self._search(found, count, problems)
        return count, problems

    def _search(
        self, frames: list[pl.DataFrame], count: int, problems: list[Problem]
    ) -> tuple[int, list[Problem]]:
        for frame in frames:
            again = (
                frame.lazy()
                .group_by(self.columns)
                .agg(
                    pl.len().alias("times"),
                    pl.struct("file", "row").sort().head(2).alias("places"),
                )
                .filter(pl.col("times") > 1)
                .sort(self.columns)
                .collect()
            )
            count += again.height
            for found in again.head(SHOWN - len(problems)).iter_rows(named=True):
                problems.append(self._problem([found[name] for name in self.columns], found))
        return count, problems

    def _problem(self, values: list[str], found: dict[str, object]) -> Problem:
        places = found["places"]
        assert isinstance(places, list)  # noqa: S101 - narrows the type only
        first, second = places
        return Problem(
            f"occurs {found['times']} times, first in {self.files[first['file']]} "
            f"row {first['row']}",
            "a key must identify one row: remove the other rows, or add a column to data.key",
            self.files[second["file"]],
            second["row"],
            column="+".join(self.key),
            value="+".join(values),
        )

    def _spill(self) -> None:
        if not self._pending:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        noted = pl.concat(self._pending)
        self._pending, self._size = [], 0
        for (bucket,), part in noted.partition_by("bucket", as_dict=True).items():
            path = self.folder / f"{bucket:04d}-{self._spills:05d}.ipc"
            part.drop("bucket").write_ipc(path, compression="lz4")
        self._spills += 1
