"""A compacted file: the captured rows of one day and release as Parquet, and what it replaces."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

REPLACES = "kanmon.replaces"
SUFFIX = ".parquet"


@dataclass(frozen=True)
class Compacted:
    """A compacted file on this disk.

    replaces: earlier compacted files whose rows it has. The column `file` names the files of JSON
    lines whose rows it has. They may still be there: they are deleted after it was written.
    """

    name: str
    path: Path
    replaces: frozenset[str]

    @classmethod
    def read(cls, name: str, path: Path) -> Compacted | None:
        """Read what the file says of itself; None if it is no compacted file."""
        try:
            written = pl.read_parquet_metadata(path)[REPLACES]
            return cls(name, path, frozenset(json.loads(written)))
        except (pl.exceptions.PolarsError, OSError, KeyError, ValueError, TypeError):
            return None

    @property
    def columns(self) -> list[str]:
        """Its columns: those of observed.lines."""
        return list(pl.read_parquet_schema(self.path))

    def rows(self, columns: list[str] | None = None) -> pl.DataFrame:
        """Its rows, with all columns or these."""
        return pl.read_parquet(self.path, columns=columns, glob=False)

    def slices(self, columns: list[str], rows: int) -> Iterator[pl.DataFrame]:
        """Its rows with these columns, so many at a time."""
        scan = pl.scan_parquet(self.path, glob=False)
        height = scan.select(pl.len()).collect().item()
        for start in range(0, height, rows):
            yield scan.select(columns).slice(start, rows).collect()

    def holds(self) -> frozenset[str]:
        """The names of the files of JSON lines whose rows it has."""
        return frozenset(pl.read_parquet(self.path, columns=["file"], glob=False)["file"].unique())


def current(files: Iterable[Compacted]) -> list[Compacted]:
    """The compacted files that no other one of them replaces."""
    files = list(files)
    replaced = frozenset[str]().union(*(one.replaces for one in files))
    return [one for one in files if one.name not in replaced]
