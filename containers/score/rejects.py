"""The rows that cannot be scored: every problem of each, with its key and place and what to do."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import polars as pl

from contract.problem import Problem
from reading.batch import Batch
from reading.columns import canonical_whole_numbers
from score.answers import key_names

SCHEMA = {
    "file": pl.String,
    "row": pl.UInt64,
    "line": pl.UInt64,
    "column": pl.String,
    "reason": pl.String,
    "value": pl.String,
    "fix": pl.String,
}
# So many problems are held before they are written.
HELD = 100_000
_NOT_FINITE = "the model's score is not a finite number"


class Rejects:
    """Takes every problem that the row checks find, until they are taken out as rows."""

    def __init__(self, key: Sequence[str] = ()) -> None:
        self.key = key
        self.names = key_names(key, list(SCHEMA))
        # Problems whose rows' keys are not known yet, and rows with what is known.
        self._new: list[tuple[object, ...]] = []
        self._held: list[pl.DataFrame] = []
        self._rows = 0

    def wants(self, _file: str, _column: str | None, _what: str) -> int:
        """All of them."""
        return sys.maxsize

    def add_row(self, problem: Problem, _count: int = 1) -> None:
        """Hold a problem."""
        self._new.append(
            (
                problem.file,
                problem.row,
                problem.line,
                problem.column,
                problem.what,
                problem.value,
                problem.fix,
            )
        )

    def identify(self, batch: Batch) -> None:
        """Give the problems of this batch the keys of their rows, as scores have them.

        A row with too many or too few cells gets none: nobody knows which of its cells is the key.
        """
        if not self._new:
            return
        texts = [pl.col(name).cast(pl.String) for name in self.key]
        cells = canonical_whole_numbers(batch.frame.select(texts), self.key)
        cells = cells.rename(dict(zip(self.key, self.names, strict=True)))
        rows = pl.Series("row", batch.rows, dtype=pl.UInt64)
        self._hold(cells.with_columns(rows) if self.key else rows.to_frame())

    def add_not_finite(self, file: str, rows: pl.DataFrame) -> None:
        """Hold rows without a score, as the online scorer refuses them: their numbers and keys."""
        for row in rows[rows.columns[0]]:
            self.add_row(Problem(_NOT_FINITE, "check the row's values", file, row))
        self._hold(rows.rename(dict(zip(rows.columns, ["row", *self.names], strict=True))))

    def _hold(self, keys: pl.DataFrame) -> None:
        """Hold the new problems with the keys of their rows: `row` and the key's columns."""
        found = pl.DataFrame(self._new, schema=SCHEMA, orient="row")
        self._new = []
        self._held.append(found.join(keys, on="row", how="left", maintain_order="left"))
        self._rows += found.height

    @property
    def full(self) -> bool:
        """Are there enough to write them?"""
        return self._rows >= HELD

    def taken(self) -> pl.DataFrame:
        """What is held, which is then no longer held."""
        held, self._held, self._rows = self._held, [], 0
        schema = {**dict.fromkeys(self.names, pl.String), **SCHEMA}
        return pl.concat([pl.DataFrame(schema=schema), *(one.select(list(schema)) for one in held)])
