"""Curves for the review page: ROC and precision-recall, and a sample of predictions.

The metrics `auc` and `average_precision` are computed from all rows. The curves are only drawn, so
each is thinned to MOST_POINTS. Only binary models have curves: with more classes there is one per
class, which no reader compares, and the confusion with its recall and precision says the same.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.metrics import Floats, Scored

MOST_POINTS = 100
SAMPLED_ROWS = 200
SEED = 22


def curves(scored: Scored) -> dict[str, Any] | None:
    """The curves of a binary model, as [x, y] points, and where its threshold is on each.

    `roc`: the share of negatives called positive, the share of positives found. `recall`: the share
    of positives found, the share right among those called positive. None with only one class.
    """
    positives = float(scored.labels.sum())
    negatives = float(len(scored.labels)) - positives
    if not positives or not negatives:
        return None
    order = np.argsort(-scored.scores, kind="stable")
    # Rows of one score are called positive together.
    ends = np.flatnonzero(np.diff(scored.scores[order], append=-np.inf))
    found = np.cumsum(scored.labels[order])[ends]
    wrong = ends + 1.0 - found
    precision = found / (found + wrong)
    called = scored.decisions
    hits = float(called @ scored.labels)
    misses = float(called.sum()) - hits
    share = hits / positives
    return {
        "roc": _points(np.append(0.0, wrong / negatives), np.append(0.0, found / positives)),
        "precision_recall": _points(
            np.append(0.0, found / positives), np.append(precision[0], precision), by_x=True
        ),
        "threshold": {
            "roc": _rounded(misses / negatives, share),
            "precision_recall": _rounded(share, hits / (hits + misses)) if hits + misses else None,
        },
        "positive_share": positives / len(scored.labels),
    }


def predictions(scored: Scored) -> dict[str, Any]:
    """A random sample (seeded) of the test rows of a regression, as [actual, predicted]."""
    rows = len(scored.labels)
    picked: NDArray[np.int64] = np.arange(rows)
    if rows > SAMPLED_ROWS:
        picked = np.random.default_rng(SEED).choice(rows, size=SAMPLED_ROWS, replace=False)
    pairs = zip(scored.labels[picked].tolist(), scored.scores[picked].tolist(), strict=True)
    points = sorted((float(f"{true:.6g}"), float(f"{found:.6g}")) for true, found in pairs)
    return {"rows": rows, "points": [list(point) for point in points]}


def _points(x: Floats, y: Floats, *, by_x: bool = False) -> list[list[float]]:
    """At most MOST_POINTS of a curve's points, evenly spread along it, with both its ends.

    Along x only where y jumps up and down: its noise would take most of the points.
    """
    if len(x) > MOST_POINTS:
        steps = np.abs(np.diff(x)) if by_x else np.abs(np.diff(x)) + np.abs(np.diff(y))
        along = np.append(0.0, np.cumsum(steps))
        wanted = np.linspace(0.0, along[-1], MOST_POINTS - 1)
        kept = np.unique(np.append(np.searchsorted(along, wanted), len(x) - 1))
        kept = kept[kept < len(x)]
        x, y = x[kept], y[kept]
    return [_rounded(*point) for point in zip(x.tolist(), y.tolist(), strict=True)]


def _rounded(x: float, y: float) -> list[float]:
    return [round(x, 6), round(y, 6)]
