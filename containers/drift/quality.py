"""Whether the model answers labelled rows worse than it answered the test rows.

Under the null hypothesis, which of all rows are test rows is pure chance, so the difference of the
metric is compared with that of random divisions: exact for any metric and any skew of its losses,
unlike DeLong's or Student's formulas. Rows that are alike are drawn together: they are put into
cells without regard to which sample they are from, and the draws are of the cells' counts
(multivariate hypergeometric). So its time does not grow with the rows, and the test stays exact.
AUC and recall are functions of the rows within each class. They are drawn within classes, so
another share of positives alone is no alarm.
"""

import math
from collections.abc import Mapping
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.bootstrap import Estimate, Estimates, compare
from contract.metrics import FORMULAS, HIGHER_IS_BETTER, Scored
from drift.checks import ALPHA, Check
from drift.permutation import consistent
from drift.psi import Floats, Integers
from drift.sequential import FIRST, draws_for, generator, sequential_p

# Up to so many rows each is a cell of its own, and the test is the usual one on rows.
CELLS = 256
# The rows of the largest losses are cells of their own in any case: they decide a mean.
EXTREMES = 32
WITHIN_CLASSES = frozenset({"auc", "recall"})
# Draws at once: 8 MB of counts, of which a metric makes a few copies.
AT_ONCE = 4096


def estimate(rows: Scored, metrics: tuple[str, ...]) -> Estimates:
    """The metrics with 95 % intervals: see contract/bootstrap.py."""
    return compare(rows, None, metrics).candidate


def compare_quality(
    metric: str, test: Scored, now: Scored, settings: Mapping[str, Any], family: int
) -> Check:
    """The check of the primary metric. `value` is by how much it is worse, in its own unit."""
    if not len(test.labels):
        return Check("quality", None, "no baseline")
    before = estimate(test, (metric,))[metric]
    if len(now.labels) < max(1, int(settings["minimum_labels"])):
        return Check("quality", None, "too few rows", before=before.value)
    after = estimate(now, (metric,))[metric]
    if before.value is None or after.value is None:
        return Check("quality", None, "undefined", before=before.value, now=after.value)
    sign = -1.0 if metric in HIGHER_IS_BETTER else 1.0
    low, high = _interval(before, after, sign)
    worse = sign * (after.value - before.value)
    p, chance = worse_by_chance(metric, test, now, ALPHA / family)
    return Check(
        "quality",
        None,
        "compared",
        value=worse,
        practical=float(settings["quality"]),
        chance=consistent(worse, p, chance, ALPHA / family),
        p=p,
        before=before.value,
        now=after.value,
        low=low,
        high=high,
    )


def worse_by_chance(metric: str, test: Scored, now: Scored, level: float) -> tuple[float, float]:
    """(P(so much worse by chance), about how much worse chance makes it with that level)."""
    cells, codes = _cells(metric, test, now)
    before = np.bincount(codes[: len(test.labels)], minlength=len(cells.labels))
    pooled = np.bincount(codes, minlength=len(cells.labels))
    sign = -1.0 if metric in HIGHER_IS_BETTER else 1.0
    source = generator(f"quality {metric}")

    def worse(counts: Integers) -> Floats:
        was = FORMULAS[metric](cells, counts.astype(np.float64))
        is_now = FORMULAS[metric](cells, (pooled - counts).astype(np.float64))
        return sign * (is_now - was)

    def once(size: int) -> Floats:
        counts = np.zeros((size, len(pooled)), dtype=np.int64)
        for part in _parts(metric, cells):
            counts[:, part] = source.multivariate_hypergeometric(
                pooled[part], int(before[part].sum()), size=size, method="marginals"
            )
        return worse(counts)

    def draw(size: int) -> Floats:
        return np.concatenate(
            [once(min(AT_ONCE, size - start)) for start in range(0, size, AT_ONCE)]
        )

    [observed] = worse(before[None, :])
    if not math.isfinite(observed):
        return 1.0, math.inf
    first = draw(FIRST)
    return sequential_p(float(observed), first, draw, draws_for(level)), _chance(first, level)


def _parts(metric: str, cells: Scored) -> list[NDArray[np.bool_]]:
    """The cells that are drawn together: all, or those of a class."""
    if metric in WITHIN_CLASSES and cells.task == "binary":
        return [cells.labels == 0, cells.labels == 1]
    return [np.ones(len(cells.labels), dtype=np.bool_)]


def _chance(null: Floats, level: float) -> float:
    """About what the null distribution exceeds with that probability: the quantile of a Pearson
    type III distribution with its mean, deviation and skewness, by the approximation of E. Wilson
    and M. Hilferty (1931). It is shown; the alarm is decided by the draws themselves."""
    known = null[np.isfinite(null)]
    if len(known) < 2:
        return math.inf
    mean, deviation = float(known.mean()), float(known.std(ddof=1))
    normal = NormalDist().inv_cdf(1 - level)
    if deviation == 0.0:
        return mean
    skewness = float((((known - mean) / deviation) ** 3).mean())
    if abs(skewness) < 1e-3:
        return mean + normal * deviation
    sixth = skewness / 6
    root = max(0.0, 1 + sixth * (normal - sixth))  # 0 at the end of one that is skewed to the left
    return mean + deviation * (root**3 - 1) / (3 * sixth)


def _interval(before: Estimate, after: Estimate, sign: float) -> tuple[float | None, float | None]:
    """The 95 % interval of how much worse it is, from those of both (G. Zou, A. Donner,
    Construction of confidence limits about effect measures, Statistics in Medicine 27, 2008)."""
    if None in (before.low, before.high, after.low, after.high):
        return None, None
    assert before.value is not None and after.value is not None  # noqa: S101 - they have intervals
    difference = after.value - before.value
    low = difference - math.hypot(after.value - after.low, before.high - before.value)  # type: ignore[operator]
    high = difference + math.hypot(after.high - after.value, before.value - before.low)  # type: ignore[operator]
    low, high = sorted((sign * low, sign * high))
    return low, high


def _cells(metric: str, test: Scored, now: Scored) -> tuple[Scored, Integers]:
    """(one row that stands for each cell, the cell of every row: first the test rows)."""
    together = Scored(
        test.task,
        np.concatenate([test.labels, now.labels]),
        np.concatenate([test.scores, now.scores]),
        test.threshold,
        test.costs,
    )
    rows = len(together.labels)
    if rows <= CELLS:
        return together, np.arange(rows)
    groups, order = _alike(metric, together)
    # By the label, too, so that rows which cannot be told apart are neighbours.
    sequence = np.lexsort((together.labels, order, groups))
    starts = _starts(groups[sequence], order[sequence])
    codes = np.empty(rows, dtype=np.int64)
    codes[sequence] = np.cumsum(starts) - 1
    first = np.flatnonzero(starts)
    last = np.append(first[1:], rows) - 1
    return together.take(sequence[(first + last) // 2]), codes


def _starts(groups: Integers, order: Floats) -> NDArray[np.bool_]:
    """Where cells begin: at about equal distances, with the extremes alone, never between equals:
    that would depend on which sample a row is from."""
    rows = len(order)
    changes = np.concatenate([[True], (np.diff(order) != 0) | (np.diff(groups) != 0)])
    ranks = np.maximum.accumulate(np.where(changes, np.arange(rows), 0))
    size = -(-rows // (CELLS - 2 * EXTREMES))
    extreme = np.abs(order) > np.partition(np.abs(order), -EXTREMES - 1)[-EXTREMES - 1]
    begins = np.concatenate([[True], np.diff(ranks // size) != 0])
    begins |= np.concatenate([[True], np.diff(groups) != 0])
    begins |= extreme | np.concatenate([[False], extreme[:-1]])
    found: NDArray[np.bool_] = begins & changes
    return found


def _alike(metric: str, rows: Scored) -> tuple[Integers, Floats]:
    """(the group of each row, its place within the group): rows near each other are alike."""
    if rows.task == "regression":
        error = rows.scores - rows.labels
        if metric == "mape":
            error = np.divide(error, rows.labels, out=np.zeros_like(error), where=rows.labels != 0)
            return (rows.labels == 0).astype(np.int64), error
        if metric == "r2":
            cuts = np.quantile(rows.labels, np.linspace(0, 1, 9)[1:-1])
            return np.searchsorted(cuts, rows.labels).astype(np.int64), error
        return np.zeros(len(error), dtype=np.int64), error
    labels = rows.labels.astype(np.int64)
    decided = rows.decisions.astype(np.int64)
    if rows.task == "binary":
        return 2 * labels + decided, rows.scores
    given = rows.scores[np.arange(len(labels)), labels]
    return labels * rows.scores.shape[1] + decided, -np.log(np.maximum(given, 1e-12))
