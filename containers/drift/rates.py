"""A share of rows before and now: by how much it rose, between which bounds, and by chance or not.

The test is Fisher's exact test against a rise (see hypergeometric.py), which holds at any size.
The interval is Newcombe's hybrid of two Wilson intervals: R. G. Newcombe, Interval estimation for
the difference between independent proportions, Statistics in Medicine 17, 1998, method 10.
"""

import math
from dataclasses import dataclass

from drift.hypergeometric import upper_tail

# Of the normal distribution, for an interval of 95 %.
Z = 1.959963984540054


@dataclass(frozen=True)
class Rise:
    """now - before as a difference of shares, its 95 % interval, and P(such a rise by chance).

    chance: the smallest rise that chance explains with less than the level asked for.
    """

    before: float
    now: float
    difference: float
    low: float
    high: float
    p: float
    chance: float


def rise(before: int, rows_before: int, now: int, rows_now: int, level: float) -> Rise:
    """Compare `before` of `rows_before` rows with `now` of `rows_now`; neither may have no rows."""
    share_before, share_now = before / rows_before, now / rows_now
    low, high = newcombe(before, rows_before, now, rows_now)
    p = upper_tail(now, rows_before + rows_now, before + now, rows_now)
    needed = smallest_rise(before, rows_before, rows_now, level)
    return Rise(
        share_before,
        share_now,
        share_now - share_before,
        low,
        high,
        p,
        needed / rows_now - share_before,
    )


def wilson(count: int, rows: int) -> tuple[float, float]:
    """The 95 % interval of a share (E. B. Wilson, JASA 22, 1927)."""
    share, square = count / rows, Z * Z
    middle = (share + square / (2 * rows)) / (1 + square / rows)
    spread = math.sqrt(share * (1 - share) / rows + square / (4 * rows * rows))
    half = Z * spread / (1 + square / rows)
    return max(0.0, middle - half), min(1.0, middle + half)


def newcombe(before: int, rows_before: int, now: int, rows_now: int) -> tuple[float, float]:
    """The 95 % interval of the share now minus the share before."""
    was, is_now = before / rows_before, now / rows_now
    (low_was, high_was), (low_now, high_now) = wilson(before, rows_before), wilson(now, rows_now)
    difference = is_now - was
    return (
        max(-1.0, difference - math.hypot(is_now - low_now, high_was - was)),
        min(1.0, difference + math.hypot(high_now - is_now, was - low_was)),
    )


def smallest_rise(before: int, rows_before: int, rows_now: int, level: float) -> int:
    """The fewest of `rows_now` whose p is at most `level`; one more than all if none is."""
    low, high = 0, rows_now + 1
    while low < high:
        middle = (low + high) // 2
        p = upper_tail(middle, rows_before + rows_now, before + middle, rows_now)
        if p <= level:
            high = middle
        else:
            low = middle + 1
    return low
