"""The bins of a categorical feature, and the values that the baseline does not have.

Which value gets a bin must not depend on whose rows are new. So bins go by both samples together:
the most common values have one each, the others share some by the checksum of their name.

New rows of unchanged data also have values that the baseline has not, the more so the more rare
values there are: about as many as the baseline has values that occur once (I. J. Good, Biometrika
40, 1953). So the share of unknown rows is compared with what a random division of all rows into
baseline and new ones gives.
"""

import math
import zlib
from dataclasses import dataclass

import numpy as np

from drift.counts import FeatureCounts, Reference
from drift.hypergeometric import absent
from drift.permutation import consistent
from drift.psi import Floats, Integers
from drift.rates import newcombe
from drift.sequential import FIRST, draws_for, generator, sequential_p

COMMON = 30
SHARED = 16
# A value that is so unlikely to be unknown by chance is new beyond doubt.
NEVER = 1e-12


@dataclass(frozen=True)
class Binned:
    """Counts in bins: a value, "" for those that share one."""

    names: tuple[str, ...]
    before: Integers
    now: Integers


def binned(reference: Reference, counts: FeatureCounts, *, new: bool = False) -> Binned:
    """The counts of both in the same bins. Without `new`, values that are new beyond doubt are left
    out: the check of unknown values reports those."""
    before, now = reference.categories, counts.categories
    all_named = reference.other is None and not counts.other
    if all_named:
        names = {*before, *now} - (set() if new else _new(reference, counts))
        unnamed = 0
    else:
        names = {*before}
        unnamed = counts.other + sum(times for name, times in now.items() if name not in before)
    pooled = {name: before.get(name, 0) + now.get(name, 0) for name in names}
    ordered = sorted(names, key=lambda name: (-pooled[name], name))
    common = ordered[:COMMON]
    was, is_now = np.zeros((2, COMMON + SHARED), dtype=np.int64)
    for place, name in enumerate(common):
        was[place], is_now[place] = before.get(name, 0), now.get(name, 0)
    for name in ordered[COMMON:]:
        # Which values a baseline names tells that they are common there: those share one bin.
        shared = zlib.crc32(name.encode()) % SHARED if all_named else 0
        was[COMMON + shared] += before.get(name, 0)
        is_now[COMMON + shared] += now.get(name, 0)
    was[COMMON] += reference.other or 0
    is_now[COMMON] += unnamed
    kept = was + is_now > 0
    labels = [*common, *[""] * (COMMON + SHARED - len(common))]
    named = tuple(label for label, keep in zip(labels, kept.tolist(), strict=True) if keep)
    return Binned(named, was[kept], is_now[kept])


def _new(reference: Reference, counts: FeatureCounts) -> set[str]:
    """The values that are unknown, and not by chance."""
    rows, total = reference.present, reference.present + counts.counted
    return {
        name
        for name, times in counts.categories.items()
        if name not in reference.categories and absent(total, times, rows) < NEVER
    }


@dataclass(frozen=True)
class Unknown:
    """Rows with values that the baseline does not have, as shares; `before` is what the baseline
    lets expect."""

    before: float
    now: float
    low: float
    high: float
    p: float
    chance: float


def unknown(reference: Reference, counts: FeatureCounts, name: str, level: float) -> Unknown:
    """Compare the rows of unknown values with those of a random division of all rows."""
    before, now = reference.categories, counts.categories
    rows, new_rows = sum(before.values()), counts.counted
    found = sum(times for value, times in now.items() if value not in before)
    once = sum(times == 1 for times in before.values())
    low, high = newcombe(once, rows, found, new_rows)
    pooled = [times + now.get(value, 0) for value, times in before.items()]
    pooled += [times for value, times in now.items() if value not in before]
    p, chance = _chance(np.array(pooled, dtype=np.int64), rows, found, name, level)
    expected = once / rows
    return Unknown(expected, found / new_rows, low, high, p, chance / new_rows - expected)


def _chance(
    pooled: Integers, rows: int, found: int, name: str, level: float
) -> tuple[float, float]:
    """(P(so many unknown rows by chance), the number that chance reaches with that level)."""
    total = int(pooled.sum())
    times, values = np.unique(pooled, return_counts=True)
    gone = np.array([absent(total, each, rows) for each in times.tolist()])
    rare = gone >= NEVER
    never = float((gone * values)[~rare].sum())
    bounds = _Bounds.of(times[rare], values[rare], gone[rare])
    beyond = max(1.0, bounds.beyond(level / 2))
    if not found:
        return 1.0, beyond
    bound = never + bounds.at_most(found)
    if bound <= level / 2:
        return bound, min(beyond, found)
    # Of values that occur once, as many are unknown as are new; of the others, each is drawn.
    single = int(values[times == 1].sum())
    colours = np.repeat(times[rare & (times > 1)], values[rare & (times > 1)])
    urn = np.concatenate([colours, [single, total - single - int(colours.sum())]])
    source = generator(f"unknown {name}")

    def draw(size: int) -> Floats:
        drawn = source.multivariate_hypergeometric(urn, rows, size=size, method="marginals")
        unseen: Floats = ((drawn[:, :-2] == 0) @ colours + single - drawn[:, -2]).astype(float)
        return unseen

    p = sequential_p(found, draw(FIRST), draw, draws_for(level))
    return p, consistent(found, p, beyond, level)


@dataclass(frozen=True)
class _Bounds:
    """Upper bounds of how likely so many rows of unknown values are, exact and without draws.

    Whether values are unknown is negatively associated (K. Joag-Dev, F. Proschan, Annals of
    Statistics 11, 1983), so the bound of H. Chernoff (1952) holds as for independent ones:
    P(rows >= found) <= exp(grown - tilt found) for every tilt, with
    grown = sum of log(1 + gone (exp(tilt times) - 1)).
    """

    tilts: Floats
    grown: Floats
    most: int

    @classmethod
    def of(cls, times: Integers, values: Integers, gone: Floats) -> "_Bounds":
        """So many `values` each occur that often, and are unknown with that probability."""
        if not len(times):
            return cls(np.ones(1), np.zeros(1), 0)
        tilts: Floats = np.geomspace(1e-3, 50, 80) / float(times.max())
        grown: Floats = np.log1p(gone * np.expm1(np.outer(tilts, times))) @ values
        return cls(tilts, grown, int(times @ values))

    def at_most(self, found: int) -> float:
        """A bound of P(rows of unknown values >= found)."""
        if found > self.most:
            return 0.0
        return math.exp(min(0.0, float((self.grown - self.tilts * found).min())))

    def beyond(self, level: float) -> float:
        """How many rows the bound gives at most that probability."""
        needed = float(((self.grown - math.log(level)) / self.tilts).min())
        return min(math.ceil(needed), self.most + 1.0)
