"""The rows that cannot be scored: every problem of each, with its place and what to do."""

from __future__ import annotations

import sys

import polars as pl

from contract.problem import Problem

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

    def __init__(self) -> None:
        self._held: list[tuple[object, ...]] = []

    def wants(self, _file: str, _column: str | None, _what: str) -> int:
        """All of them."""
        return sys.maxsize

    def add_row(self, problem: Problem, _count: int = 1) -> None:
        """Hold a problem."""
        self._held.append(
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

    def add_not_finite(self, file: str, row: int) -> None:
        """Hold a row without a score, as the online scorer refuses it."""
        self.add_row(Problem(_NOT_FINITE, "check the row's values", file, row))

    @property
    def full(self) -> bool:
        """Are there enough to write them?"""
        return len(self._held) >= HELD

    def taken(self) -> pl.DataFrame:
        """What is held, which is then no longer held."""
        held, self._held = self._held, []
        return pl.DataFrame(held, schema=SCHEMA, orient="row")
