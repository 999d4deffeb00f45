"""Whether two samples of counts in the same bins can come from one distribution.

If they do, then given the sum of both, which rows are those of the first sample is pure chance: its
counts are multivariate hypergeometric. So the PSI of a draw can be compared with the observed one,
exactly at any number of rows, with empty, rare or tied bins (a permutation test: E. Lehmann,
J. Romano, Testing Statistical Hypotheses, 2005, section 5.8).

Bins must be chosen without regard to which rows are new. A baseline's quantiles are not; yet for a
continuous feature the count of new rows up to the baseline's k-th value is negative
hypergeometric, whose lower tail equals that of the test and whose upper tail is the smaller one, so
the test is not too eager. benchmarks/drift.py measures it.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from drift.hypergeometric import lower_tail, upper_tail
from drift.psi import Floats, Integers, psi
from drift.sequential import FIRST, draws_for, generator, sequential_p

# numpy draws from fewer rows than this.
MOST_ROWS = 10**9 - 1


@dataclass(frozen=True)
class TwoSample:
    """The PSI, P(so much by chance), and the PSI that chance reaches with the level asked for."""

    psi: float
    p: float
    chance: float


def two_sample(before: Integers, now: Integers, name: str, level: float) -> TwoSample:
    """Compare counts in the same bins; `name` seeds the draws. Empty samples have nothing to say.

    >>> two_sample(np.array([50, 50]), np.array([50, 50]), "x", 0.001).p > 0.9
    True
    """
    before, now = _within(before), _within(now)
    pooled = before + now
    before, now, pooled = before[pooled > 0], now[pooled > 0], pooled[pooled > 0]
    rows = int(before.sum())
    if len(pooled) < 2 or not rows or not now.sum():
        return TwoSample(0.0, 1.0, 0.0)
    observed = float(psi(before, now))
    source = generator(name)

    def draw(size: int) -> Floats:
        drawn = source.multivariate_hypergeometric(pooled, rows, size=size, method="marginals")
        return psi(drawn, pooled - drawn)

    first = draw(FIRST)
    chance = scaled_chi2_quantile(first, level)
    # Only a drift beyond all first draws may be beyond doubt.
    p = at_most(before, now, observed) if observed > first.max() else 1.0
    if p > level / 2:
        p = sequential_p(observed, first, draw, draws_for(level))
    return TwoSample(observed, p, consistent(observed, p, chance, level))


def consistent(observed: float, p: float, chance: float, level: float) -> float:
    """The bar of chance, which is estimated, on the side of the observation that p is on."""
    return min(chance, observed) if p <= level else max(chance, observed)


def at_most(before: Integers, now: Integers, observed: float) -> float:
    """An upper bound of P(PSI of a draw >= observed), exact and without draws.

    Such a draw has at least one bin that adds observed / bins or more. The probability of that is
    a tail of the bin's own hypergeometric distribution, as its part grows with the distance from
    equal shares on either side; the sum over bins is a bound (C. Bonferroni, 1936).
    """
    pooled = before + now
    rows, total = int(before.sum()), int(pooled.sum())
    share = observed / len(pooled)
    bound = 0.0
    for count in pooled.tolist():
        low, high = _beyond(count, len(pooled), rows, total, share)
        bound += lower_tail(low, total, count, rows) + upper_tail(high, total, count, rows)
    return min(1.0, bound)


def _beyond(count: int, bins: int, rows: int, total: int, share: float) -> tuple[int, int]:
    """Of a bin's `count` rows: from how few, and from how many, before it adds `share` or more."""

    def adds(before: int) -> bool:
        was = (before + 0.5) / (rows + 0.5 * bins)
        is_now = (count - before + 0.5) / (total - rows + 0.5 * bins)
        return (is_now - was) * math.log(is_now / was) >= share

    lowest, highest = max(0, rows + count - total), min(count, rows)
    # Where both shares are equal, which is where a bin adds nothing.
    weight = (rows + 0.5 * bins) / (total + bins)
    middle = min(max(round((count + 1) * weight - 0.5), lowest), highest)
    low, high = lowest - 1, middle
    while high - low > 1:
        at = (low + high) // 2
        low, high = (at, high) if adds(at) else (low, at)
    fewest = low
    low, high = middle, highest + 1
    while high - low > 1:
        at = (low + high) // 2
        low, high = (low, at) if adds(at) else (at, high)
    return fewest, high


def scaled_chi2_quantile(null: Floats, level: float) -> float:
    """What the null distribution exceeds with probability `level`, from some draws of it.

    The PSI of two samples is about a scaled chi-square (B. Yurdakul, J. Naranjo, Statistical
    properties of the population stability index, 2020). Scale and degrees of freedom are those with
    the draws' mean and variance (F. Satterthwaite, 1946).
    """
    mean, variance = float(null.mean()), float(null.var())
    if mean <= 0 or variance <= 0:
        return max(mean, 0.0)
    return variance / (2 * mean) * chi2_quantile(2 * mean * mean / variance, level)


def chi2_quantile(freedom: float, level: float) -> float:
    """What a chi-square exceeds with probability `level`, by the cube root that E. Wilson and
    M. Hilferty (1931) found to be almost normal; with 1 degree of freedom, the normal itself."""
    if freedom <= 1:
        return NormalDist().inv_cdf(1 - level / 2) ** 2
    part = 2 / (9 * freedom)
    cube = 1 - part + NormalDist().inv_cdf(1 - level) * math.sqrt(part)
    return freedom * max(cube, 0.0) ** 3


def _within(counts: Integers) -> Integers:
    """Counts that can be drawn from: far more rows than that are scaled down, which costs nothing
    that matters at such a number."""
    counts = np.asarray(counts, dtype=np.int64)
    total = int(counts.sum())
    if total <= MOST_ROWS // 2:
        return counts
    return counts * (MOST_ROWS // 4) // total
