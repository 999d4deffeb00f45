"""What a column of numbers loses as 32-bit numbers, which is all that a model sees."""

from __future__ import annotations

import math
from dataclasses import dataclass

import polars as pl

# Among many numbers a few always merge. From this share of the different values on it is a loss.
MERGED_SHARE = 0.01
# With as many steps from the lowest to the highest value, an offset cannot win much.
ENOUGH_STEPS = 2**22
_BITS = 24


@dataclass(frozen=True)
class Loss:
    """How many different values a column has, and has in 32 bits; how many of them change.

    offset: subtracted before, it keeps the values apart; None if no offset does.
    """

    values: int
    kept: int
    changed: int
    offset: float | None

    def __str__(self) -> str:
        """What is lost.

        >>> print(Loss(4000, 32, 3968, 1.7e9))
        its 4,000 different values become 32 as 32-bit numbers
        """
        if self.kept < self.values:
            return f"its {self.values:,} different values become {self.kept:,} as 32-bit numbers"
        return f"{self.changed:,} of its {self.values:,} different values change as 32-bit numbers"

    @property
    def fix(self) -> str:
        """What to do about it."""
        if self.offset is None:
            return "no offset keeps them apart: put the digits that matter in a column of their own"
        return f"declare `offset: {self.offset:.15g}` for the feature in model.yaml"


def loss_of(values: pl.Series, declared: float = 0.0) -> Loss | None:
    """What a Float64 column loses in 32 bits after the declared offset; None if little."""
    values = values.filter(values.is_finite()).unique()
    if len(values) < 2:
        return None
    exact = values - declared
    narrow = exact.cast(pl.Float32)
    kept = narrow.n_unique()
    changed = int((narrow.cast(pl.Float64) != exact).sum())
    low, high = float(values.min()), float(values.max())  # type: ignore[arg-type]
    few_merge = MERGED_SHARE * len(values)
    # Writing numbers as text is slow, and can only make the values fewer.
    merges = len(values) - kept > few_merge and _as_written(values).n_unique() - kept > few_merge
    few = _steps(low - declared, high - declared) < ENOUGH_STEPS
    if not merges and not (changed and few and _whole(exact)):
        return None
    offset = _offset(low, high)
    apart = (values - offset).cast(pl.Float32)
    helps = len(values) - apart.n_unique() <= few_merge
    return Loss(len(values), kept, changed, offset if helps else None)


def _as_written(values: pl.Series) -> pl.Series:
    """Numbers that 32 bits hold, by their shortest decimals: one file may have 24.7 in 32 bits,
    another in 64, which are two Float64 but one number."""
    narrow = values.cast(pl.Float32)
    written = narrow.cast(pl.String).cast(pl.Float64)
    return written.zip_with(narrow.cast(pl.Float64) == values, values)


def _whole(values: pl.Series) -> bool:
    return bool((values == values.round()).all())


def _steps(low: float, high: float) -> float:
    """How many 32-bit numbers there are from the lowest to the highest value, at most."""
    _, exponent = math.frexp(max(abs(low), abs(high)))
    return (high - low) / 2.0 ** (exponent - _BITS)


def _offset(low: float, high: float) -> float:
    """The lowest value, rounded to the digits that all values share."""
    if low == 0:
        return 0.0
    digits = math.floor(math.log10(abs(low))) - math.floor(math.log10(high - low))
    return float(f"{low:.{max(1, digits)}g}")
