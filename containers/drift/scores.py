"""The distribution of a model's scores: the baseline of its predictions in service."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from contract.histogram import histogram
from contract.metrics import Floats, Scored
from drift.counts import FeatureCounts, Reference


def scores_of(scored: Scored, classes: Sequence[str]) -> dict[str, Any]:
    """evaluation.json's `scores`, written as baseline.json writes a feature: the predictions of a
    regression, the probabilities of the positive class, or the predicted classes."""
    entry: dict[str, Any] = {"rows": len(scored.labels), "missing": 0.0}
    if scored.task == "multiclass":
        counts = predicted(scored.decisions, classes).categories
        shares = {name: counts[name] / entry["rows"] for name in sorted(counts)}
        return {**entry, "kind": "categorical", "categories": shares}
    scores = scored.scores
    low, high = float(scores.min()), float(scores.max())
    edges, shares_of = histogram(pl.Series(scores), low, high)
    numeric = {"edges": edges, "shares": shares_of, "sampled": len(scores)}
    numeric |= {"minimum": low, "maximum": high}
    numeric |= {"mean": float(scores.mean()), "std": float(scores.std())}
    return {**entry, "kind": "numeric", "numeric": numeric}


def answered(reference: Reference, scores: Floats) -> FeatureCounts:
    """Numeric answers as counts in the bins of the test rows' scores."""
    if not len(scores):
        return FeatureCounts(0, 0, reference.place(scores))
    return FeatureCounts(
        rows=len(scores),
        missing=0,
        bins=reference.place(scores),
        minimum=float(scores.min()),
        maximum=float(scores.max()),
        mean=float(scores.mean()),
    )


def predicted(decisions: Floats, classes: Sequence[str]) -> FeatureCounts:
    """Predicted classes, given as positions, as counts by name."""
    found = np.bincount(decisions.astype(np.int64), minlength=len(classes)).tolist()
    counts = {name: times for name, times in zip(classes, found, strict=True) if times}
    return FeatureCounts(len(decisions), 0, None, counts)
