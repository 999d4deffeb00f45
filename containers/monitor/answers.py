"""The answered rows that labels may belong to, and how many rows were answered a day. Pure.

Only rows whose key or request has a label are kept, so memory depends on the labels, not on what
the model answered.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Sequence

import polars as pl

from contract.plan import Plan
from observed.form import column_of, scores_among
from reading.columns import KEY

IDENTITY = ["request_id", "row"]
FACTS = ["at", "day", "release", *IDENTITY]
# Of answers: are the rows from where they come watched?
WATCHED = "watched"


class Answers:
    """Collects answered rows, frame after frame. `answered` counts the release's rows by day."""

    def __init__(self, plan: Plan, labels: pl.DataFrame, release: int) -> None:
        self.release = release
        self.answered: Counter[datetime.date] = Counter()
        self.keys = [KEY.format(number) for number in range(len(plan.key))]
        # Requests are kept without private columns; what features.py computes is of batches alone.
        private = plan.private.difference(plan.computed)
        self.segments = [column_of(name) for name in plan.segments if name not in private]
        self._by_key = labels.select(self.keys).drop_nulls().unique() if self.keys else None
        self._by_request = labels.select(IDENTITY).drop_nulls().unique()
        self._kept: list[pl.DataFrame] = []

    def add(self, frame: pl.DataFrame, day: datetime.date, release: int, watched: bool) -> None:
        """Count the watched rows of a day and release, and keep those that a label names."""
        if watched and release == self.release:
            self.answered[day] += frame.height
        named = self._named(frame)
        if named.height:
            is_watched = pl.lit(watched).alias(WATCHED)
            self._kept.append(named.select(*self._columns(named), is_watched))

    def rows(self) -> pl.DataFrame:
        """The kept rows, of every release."""
        if not self._kept:
            return self._nothing()
        return pl.concat([self._nothing(), *self._kept], how="diagonal_relaxed")

    def _named(self, frame: pl.DataFrame) -> pl.DataFrame:
        by_request, by_key = self._by_request, self._by_key
        found, rest = frame.clear(), frame
        if by_request.height:
            found = rest.join(by_request, on=IDENTITY, how="semi")
            rest = rest.join(by_request, on=IDENTITY, how="anti")
        if by_key is not None and by_key.height:
            found = pl.concat([found, rest.join(by_key, on=self.keys, how="semi")])
        return found

    def _columns(self, frame: pl.DataFrame) -> Sequence[str]:
        segments = [name for name in self.segments if name in frame.columns]
        return [*FACTS, *self.keys, "prediction", *scores_among(frame.columns), *segments]

    def _nothing(self) -> pl.DataFrame:
        return pl.DataFrame(
            schema={
                "at": pl.Datetime("us", "UTC"),
                "day": pl.Date(),
                "release": pl.Int64(),
                "request_id": pl.String(),
                "row": pl.Int64(),
                **dict.fromkeys(self.keys, pl.String()),
                WATCHED: pl.Boolean(),
            }
        )
