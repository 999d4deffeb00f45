"""The population stability index of counts.

PSI = sum over bins of (now - before) * ln(now / before), the symmetrised Kullback-Leibler
divergence (N. Siddiqi, Credit Risk Scorecards, 2006). The same source gives the usual reading:
below 0.1 no shift, 0.1 to 0.25 some shift, above 0.25 a strong one. That reading ignores how many
rows there are; see permutation.py for what chance gives.

Half a row is added to each bin (the correction of J. Haldane, 1956, and F. Anscombe, 1956), so an
empty bin is no infinite drift. It also counts the less, the more rows there are.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

HALF = 0.5


def shares(counts: Integers) -> Floats:
    """Counts [..., bins] as shares, with half a row more in each bin.

    >>> shares(np.array([0, 3])).tolist()
    [0.125, 0.875]
    """
    smoothed = counts + HALF
    divided: Floats = smoothed / smoothed.sum(axis=-1, keepdims=True)
    return divided


def psi(before: Integers, now: Integers) -> Floats:
    """Compare counts [..., bins] of the same bins: 0 for equal shares, never below.

    >>> float(psi(np.array([5, 5]), np.array([5, 5])))
    0.0
    """
    return contributions(before, now).sum(axis=-1)  # type: ignore[no-any-return]


def contributions(before: Integers, now: Integers) -> Floats:
    """What each bin adds to the PSI."""
    was, is_now = shares(before), shares(now)
    parts: Floats = (is_now - was) * np.log(is_now / was)
    return parts
