"""Count this host's rows and values by part. contract.dataset_checks judges the counts."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import polars as pl

from contract.dataset_checks import MOST_COMBINATIONS, PARTS, Counts
from contract.plan import Plan
from contract.split import ROW
from preprocess.baseline import Categories


class Census:
    """Counts rows and values, batch by batch."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.written = dict.fromkeys(PARTS, 0)
        self.present = {feature.name: 0 for feature in plan.features}
        names = [feature.name for feature in plan.features if feature.kind == "categorical"]
        if plan.task != "regression":
            names.append(plan.target)
        self.values = {part: {name: Categories() for name in names} for part in self.written}
        self._extremes: list[float] = []
        # Hashes of distinct rows, as long as they are few; with a key each row has its own.
        self._distinct: set[int] | None = None if plan.key else set()

    def add(self, part: str, frame: pl.DataFrame) -> None:
        """Take in a batch of one part's rows."""
        self.written[part] += frame.height
        if not frame.height:
            return
        if self._distinct is not None:
            found = frame[ROW].unique()
            # Python's numbers are made of few hashes only, not of all those of a large batch.
            few = len(found) <= MOST_COMBINATIONS
            together = self._distinct.union(found) if few else set()
            self._distinct = together if few and len(together) <= MOST_COMBINATIONS else None
        for name in self.present:
            self.present[name] += frame.height - frame[name].null_count()
        for name, categories in self.values[part].items():
            categories.add(frame[name])
        if self.plan.task == "regression":
            target = frame[self.plan.target]
            known = [*self._extremes, target.min(), target.max()]
            numbers = [float(value) for value in known if isinstance(value, (int, float))]
            self._extremes = [min(numbers), max(numbers)]

    def counts(self, losses: Mapping[str, str] = MappingProxyType({})) -> Counts:
        """The counts so far, with the columns that lose digits."""
        return Counts(
            written=self.written,
            present=self.present,
            values={
                part: {
                    # In one order, so that the same rows give the same bytes.
                    name: None if categories.too_many else dict(sorted(categories.counts.items()))
                    for name, categories in columns.items()
                }
                for part, columns in self.values.items()
            },
            extremes=self._extremes,
            distinct=None if self._distinct is None else sorted(self._distinct),
            losses=dict(losses),
        )
