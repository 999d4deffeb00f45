"""Which number columns lose digits as 32-bit numbers: judged on the first rows of this host."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from contract.plan import Plan
from contract.precision import loss_of

ROWS = 50_000
# With many columns fewer rows are kept, so that they need little memory.
CELLS = 4_000_000


class Digits:
    """Keeps the first rows' numbers as they were read."""

    def __init__(self, plan: Plan, numbers: tuple[str, ...]) -> None:
        self.target = plan.target
        self.offsets = {feature.name: feature.offset for feature in plan.features}
        self.numbers = numbers
        self._wanted = min(ROWS, CELLS // max(1, len(numbers)))
        self._kept: list[pl.DataFrame] = []

    def add(self, frame: pl.DataFrame) -> None:
        """Take in good rows, with numbers as Float64."""
        if self._wanted and self.numbers and frame.height:
            self._kept.append(frame.select(self.numbers).head(self._wanted))
            self._wanted -= self._kept[-1].height

    def losses(self) -> Mapping[str, str]:
        """By column, what it loses and how to keep it."""
        if not self._kept:
            return {}
        frame = pl.concat(self._kept)
        found = {}
        for name in self.numbers:
            loss = loss_of(frame[name].drop_nulls(), self.offsets.get(name, 0.0))
            if loss is not None:
                fix = "subtract a constant from it in the data"
                found[name] = f"{loss}; {fix if name == self.target else loss.fix}"
        return found
