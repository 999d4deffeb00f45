"""Diagnostics of a model on the test rows, for the charts of the review page."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from contract.artifact import Artifact
from contract.metrics import Floats, Scored
from contract.native_model import NativeModel
from contract.own_model import OWN

GROUPS = 10
BARS = 20
# TreeSHAP takes time with trees x leaves x depth squared. The mean of this many rows is accurate to
# a few percent.
EXPLAINED_ROWS = 500
SEED = 21


def calibration(scored: Scored) -> list[dict[str, float | int]]:
    """Binary: by tenths of predicted probability, the mean prediction and the observed share."""
    return [
        {
            "predicted": float(scored.scores[rows].mean()),
            "observed": float(scored.labels[rows].mean()),
            "rows": len(rows),
        }
        for rows in _tenths(scored.scores)
    ]


def residuals(scored: Scored, edges: Sequence[float] | None = None) -> dict[str, Any]:
    """Regression: a histogram of prediction minus truth, and its mean by tenths of prediction.

    The histogram covers the middle 99 %, or the edges of another model's, to be drawn over it.
    Values outside count in the outermost bars.
    """
    left = scored.scores - scored.labels
    edges, counts = histogram(left, edges)
    return {
        "edges": edges,
        "counts": counts,
        "by_decile": [
            {
                "predicted": float(scored.scores[rows].mean()),
                "residual_mean": float(left[rows].mean()),
                "rows": len(rows),
            }
            for rows in _tenths(scored.scores)
        ],
    }


def histogram(
    values: Floats, edges: Sequence[float] | None = None
) -> tuple[list[float], list[int]]:
    """(edges, counts) over the middle 99 % of the values, or over the edges given.

    Values outside count in the outermost bars.
    """
    if edges is None:
        low, high = (float(bound) for bound in np.percentile(values, [0.5, 99.5]))
        if not low < high:
            low, high = low - 0.5, high + 0.5
        edges = np.linspace(low, high, BARS + 1).tolist()
    clipped = np.clip(values, edges[0], edges[-1])
    counts, _ = np.histogram(clipped, bins=np.array(edges))
    return list(edges), counts.tolist()


def confusion(scored: Scored, labels: Sequence[str]) -> dict[str, Any]:
    """Classifiers: counts[actual][predicted], in the order of `labels`."""
    pairs = scored.labels.astype(np.int64) * len(labels) + scored.decisions.astype(np.int64)
    counts = np.bincount(pairs, minlength=len(labels) ** 2)
    return {
        "labels": list(labels),
        "counts": counts.reshape(len(labels), len(labels)).tolist(),
    }


def importance(artifact: Artifact, native: NativeModel, frame: pl.DataFrame) -> list[Any]:
    """Each feature's share of the mean absolute TreeSHAP value, largest first.

    Over all outputs, before the link, on at most EXPLAINED_ROWS random rows (seeded). A model
    without trees is asked how far its scores move instead.
    """
    if frame.height > EXPLAINED_ROWS:
        frame = frame.sample(EXPLAINED_ROWS, seed=SEED)
    matrix = artifact.encoding.matrix(frame)
    if artifact.library == OWN:
        sizes = moved(native, matrix)
    else:
        sizes = np.abs(native.contributions(matrix)[:, :, :-1]).mean(axis=(0, 1))
    total = float(sizes.sum())
    shares = sizes / total if total > 0 else sizes
    named = zip(artifact.encoding.names, shares.tolist(), strict=True)
    return [
        {"feature": name, "share": share}
        for name, share in sorted(named, key=lambda entry: (-entry[1], entry[0]))
    ]


def moved(native: NativeModel, matrix: NDArray[np.float32]) -> Floats:
    """For each feature, how far the scores move on average when its values are dealt anew among
    the rows (seeded): permutation importance of the scores, without the labels."""
    before, deal = native.scores(matrix), np.random.default_rng(SEED)
    sizes = np.zeros(matrix.shape[1])
    for feature in range(matrix.shape[1]):
        other = matrix.copy()
        other[:, feature] = deal.permutation(matrix[:, feature])
        sizes[feature] = np.abs(native.scores(other) - before).mean()
    return sizes


def _tenths(scores: Floats) -> list[Any]:
    """Rows by score, in up to ten groups of nearly equal size. Equal scores stay together."""
    order = np.argsort(scores, kind="stable")
    cuts = [len(scores) * part // GROUPS for part in range(1, GROUPS)]
    ordered = scores[order]
    starts = sorted({int(np.searchsorted(ordered, ordered[cut])) for cut in cuts} - {0})
    return [rows for rows in np.split(order, starts) if len(rows)]
