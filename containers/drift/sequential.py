"""P-values by seeded simulation, which stop as soon as the answer is clear.

Draws from the null distribution are counted that reach what was observed. Where STOP of them do
after l draws, p = STOP / l; where fewer do in all N draws, p = (k + 1) / (N + 1). That is a valid
p-value at any size: P(p <= a) <= a under the null hypothesis (J. Besag, P. Clifford, Sequential
Monte Carlo p-values, Biometrika 78, 1991; B. Phipson, G. Smyth, Permutation p-values should never
be zero, 2010). Most checks of unchanged data stop after some dozen draws.
"""

import zlib
from collections.abc import Callable

import numpy as np

from drift.psi import Floats

SEED = 20
STOP = 10
FIRST = 128
# At once: 16 MB of counts in 64 bins.
MOST = 32_768
# Draws of equal counts may differ in the last digits, and count as reaching it.
SLACK = 1e-9

Draw = Callable[[int], Floats]


def generator(name: str) -> np.random.Generator:
    """A generator of its own for each check, so their order and number change nothing."""
    return np.random.default_rng([SEED, zlib.crc32(name.encode())])


def draws_for(level: float) -> int:
    """So many draws that one that reaches the observation still leaves p at most `level`.

    >>> draws_for(0.001)
    1999
    """
    return max(FIRST, round(2 / level) - 1)


def sequential_p(observed: float, first: Floats, draw: Draw, draws: int) -> float:
    """P(a draw reaches `observed`). `first` are draws that were made already."""
    needed = observed - SLACK * max(1.0, abs(observed))
    reached, done, null = 0, 0, first
    while True:
        hits = np.flatnonzero(~(null < needed))  # an undefined draw counts as one that reaches it
        if reached + len(hits) >= STOP:
            return STOP / (done + int(hits[STOP - reached - 1]) + 1)
        reached, done = reached + len(hits), done + len(null)
        if done >= draws:
            return (reached + 1) / (done + 1)
        null = draw(min(draws - done, MOST, 4 * done))
