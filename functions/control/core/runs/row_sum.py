"""A sum of rows that tells two results of a query apart, whatever their order and their files.

Athena writes equal results in other files, with other names, sizes and row orders. So the identity
of a result is that of its rows: how many there are, and the sum of a number for each, which is the
MD5 of the row. A sum does not depend on the order or on the files, and unlike an exclusive or it
counts a row that is there twice. functions/rows reads the files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

from core.canonical import digest
from core.words.catalogue import say


class UnlikeFilesError(Exception):
    """The files of one result have different columns."""


@dataclass(frozen=True)
class RowSum:
    """`columns` has name and type of each; the halves of the numbers are summed apart."""

    columns: tuple[tuple[str, str], ...]
    rows: int
    high: int
    low: int

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> RowSum:
        """From what Hash Rows answers of one file."""
        columns = tuple((str(name), str(kind)) for name, kind in answer["columns"])
        return cls(columns, int(answer["rows"]), int(answer["high"]), int(answer["low"]))

    def __add__(self, other: RowSum) -> RowSum:
        if self.columns != other.columns:
            raise UnlikeFilesError(say("refused.unlike_files"))
        rows = self.rows + other.rows
        return RowSum(self.columns, rows, self.high + other.high, self.low + other.low)

    @property
    def digest(self) -> str:
        return digest([self.columns, self.rows, self.high, self.low])


def whole(sums: Iterable[RowSum]) -> RowSum:
    """Of all files of a result, of which there is at least one."""
    return reduce(RowSum.__add__, sums)
