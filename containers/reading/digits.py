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
        self.offsets = {source.name: source.offset for source in plan.sources}
        self.inputs = {each.name for each in plan.inputs}
        learned = {plan.target, *(each.name for each in plan.features)}
        numbers = tuple(name for name in numbers if name in learned)
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
                found[name] = f"{loss}; {self._fix(name) or loss.fix}"
        return found

    def _fix(self, name: str) -> str | None:
        if name == self.target:
            return "subtract a constant from it in the data"
        return "subtract a constant in features.py" if name in self.inputs else None
