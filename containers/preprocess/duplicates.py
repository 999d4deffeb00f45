"""Find keys that more than one row has: exactly, in bounded memory.

Keys stay in memory up to a limit, then go to disk in buckets by their hash. Equal keys share a
bucket, so at the end one bucket at a time is searched.

A host sees only its own rows. Where several share them, each writes the hashes of its keys, and
Train compares them (see contract/key_file.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
import polars_hash

from contract.key_file import used_twice, write_keys
from contract.problem import Problem
from contract.split import ROW
from reading.columns import KEY, ROW_NUMBER

SHOWN = 5
_ENCODING = 1


class KeyIndex:
    """All keys seen, with file and row.

    shared: the names of all files, in order, where several hosts share them.
    """

    def __init__(
        self,
        key: tuple[str, ...],
        folder: Path,
        limit: int,
        buckets: int,
        shared: Sequence[str] = (),
    ) -> None:
        self.key = key
        self.folder = folder
        self.limit = limit
        self.buckets = buckets
        self.shared = bool(shared)
        self.files = list(shared)
        self.rows = 0
        self._numbers = {name: number for number, name in enumerate(shared)}
        self._pending: list[pl.DataFrame] = []
        self._size = 0
        self._spills = 0

    @property
    def columns(self) -> list[str]:
        """The key columns of a frame."""
        return [KEY.format(index) for index in range(len(self.key))]

    def add(self, file: str, frame: pl.DataFrame) -> None:
        """Add the keys of a frame's rows, with their row numbers in the file."""
        if file not in self._numbers:
            self._numbers[file] = len(self.files)
            self.files.append(file)
        # Buckets are ranges of the hash, so that one after the other they are sorted.
        bucket = (pl.col(ROW) // -(-(1 << 64) // self.buckets)).cast(pl.UInt16)
        noted = frame.select(
            bucket.alias("bucket"),
            *self.columns,
            pl.lit(self._numbers[file], dtype=pl.UInt32).alias("file"),
            pl.col(ROW_NUMBER).alias("row"),
            *(self._hashes() if self.shared else ()),
        )
        self._pending.append(noted)
        self.rows += noted.height
        self._size += int(noted.estimated_size())
        if self._size > self.limit:
            self._spill()

    def _hashes(self) -> tuple[pl.Expr, pl.Expr]:
        encoded = polars_hash.hash_rows(*self.columns, version=_ENCODING)
        return pl.col(ROW).alias("hash"), encoded.nchash.xxh3_64().alias("more")

    def duplicates(self) -> tuple[int, list[Problem]]:
        """How many keys occur more than once, and a few examples."""
        count, problems = 0, list[Problem]()
        for frame in self._buckets():
            count, problems = self._search(frame, count, problems)
        return count, problems

    def write(self, path: Path) -> None:
        """Write the hashes of all keys, where several hosts share the files."""
        write_keys(path, self.files, self.rows, self._buckets())

    def _buckets(self) -> Iterator[pl.DataFrame]:
        """The keys in the order of their buckets, all at once where they have stayed in memory."""
        if not self._spills:
            yield from [pl.concat(self._pending)] if self._pending else []
            return
        self._spill()
        for bucket in range(self.buckets):
            files = sorted(self.folder.glob(f"{bucket:04d}-*.ipc"))
            if files:
                yield pl.concat([pl.read_ipc(file) for file in files])

    def _search(
        self, frame: pl.DataFrame, count: int, problems: list[Problem]
    ) -> tuple[int, list[Problem]]:
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
        for found in again.head(SHOWN - len(problems)).iter_rows(named=True):
            problems.append(self._problem([found[name] for name in self.columns], found))
        return count + again.height, problems

    def _problem(self, values: list[str], found: dict[str, object]) -> Problem:
        places = found["places"]
        assert isinstance(places, list)  # noqa: S101 - narrows the type only
        first, second = ((self.files[place["file"]], place["row"]) for place in places)
        assert isinstance(found["times"], int)  # noqa: S101 - narrows the type only
        return used_twice(self.key, found["times"], first, second, "+".join(values))

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
