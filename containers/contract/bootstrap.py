"""The uncertainty of a metric, and of a difference between two models: the paired bootstrap.

Rows are drawn with replacement RESAMPLES times. Each draw is a vector of counts that weighs the
rows of both models equally, so the difference is paired: what makes a row hard for both models
cancels out.
Intervals are the 2.5 and 97.5 percentiles (B. Efron, R. Tibshirani, An Introduction to the
Bootstrap, 1993, chapter 13).

With more than ROWS rows (or as few as the caller says, who asks for many intervals), the draws come
from a random sample of ROWS of them. The deviations from
the sample's own value are then scaled by sqrt(ROWS / rows), the rate at which a mean converges (the
m out of n bootstrap of P. Bickel, F. Götze, W. van Zwet, 1997). The value itself is always that of
all rows. So time and memory do not grow with the test set.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contract.metrics import FORMULAS, Floats, Scored, measure

RESAMPLES = 1000
ROWS = 10_000
SEED = 20
# Counts in memory at once: 8 MB, and each metric makes a few copies of them.
COUNTS_AT_ONCE = 1_000_000
# If the metric is defined in a smaller share of the draws, its percentiles mean little.
SHARE_DEFINED = 0.5


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval and standard deviation; None if undefined."""

    value: float | None
    low: float | None = None
    high: float | None = None
    deviation: float | None = None


Estimates = dict[str, Estimate]


@dataclass(frozen=True)
class Comparison:
    """The metrics of both models, and candidate minus champion, by metric."""

    candidate: Estimates
    champion: Estimates | None
    difference: Estimates | None


def compare(
    candidate: Scored, champion: Scored | None, metrics: Sequence[str], most: int = ROWS
) -> Comparison:
    """Estimate each metric of one model, or of two models on the same rows in the same order, with
    draws from at most so many of them."""
    rows = len(candidate.labels)
    picked = _picked(rows, most)
    scale = math.sqrt(min(rows, most) / rows) if rows else 1.0
    models = [candidate] if champion is None else [candidate, champion]
    values = [{name: measure(name, model) for name in metrics} for model in models]
    small = models if picked is None else [model.take(picked) for model in models]
    drawn = _drawn(small, metrics)
    centres = (
        values
        if picked is None
        else [{name: measure(name, model) for name in metrics} for model in small]
    )

    def estimates(position: int) -> Estimates:
        return {
            name: _estimate(
                values[position][name], centres[position][name], drawn[position][name], scale
            )
            for name in metrics
        }

    if champion is None:
        return Comparison(estimates(0), None, None)
    difference = {
        name: _estimate(
            values[0][name] - values[1][name],
            centres[0][name] - centres[1][name],
            drawn[0][name] - drawn[1][name],
            scale,
        )
        for name in metrics
    }
    return Comparison(estimates(0), estimates(1), difference)


def _picked(rows: int, most: int) -> NDArray[np.int64] | None:
    """The rows to draw from; None for all."""
    if rows <= most:
        return None
    return np.sort(np.random.default_rng(SEED).choice(rows, size=most, replace=False))


def _drawn(models: Sequence[Scored], metrics: Sequence[str]) -> list[dict[str, Floats]]:
    """Each model's metrics in each draw: by model, by metric, an array [RESAMPLES]."""
    chunks: list[dict[str, list[Floats]]] = [{name: [] for name in metrics} for _ in models]
    for weights in _weights(len(models[0].labels)):
        for model, chunk in zip(models, chunks, strict=True):
            for name in metrics:
                chunk[name].append(FORMULAS[name](model, weights))
    return [
        {name: np.concatenate(parts) if parts else np.array([]) for name, parts in chunk.items()}
        for chunk in chunks
    ]


def _weights(rows: int) -> Iterator[Floats]:
    """How often each row is drawn, in chunks [draws, rows]: RESAMPLES draws in total."""
    if not rows:
        return
    generator = np.random.default_rng(SEED)
    at_once = max(1, COUNTS_AT_ONCE // rows)
    for start in range(0, RESAMPLES, at_once):
        draws = min(at_once, RESAMPLES - start)
        flat = generator.integers(rows, size=(draws, rows))
        flat += rows * np.arange(draws)[:, None]
        counts = np.bincount(flat.ravel(), minlength=draws * rows)
        yield counts.reshape(draws, rows).astype(np.float64)


def _estimate(value: float, centre: float, drawn: Floats, scale: float) -> Estimate:
    if not math.isfinite(value):
        return Estimate(None)
    defined = drawn[np.isfinite(drawn)]
    if len(defined) < SHARE_DEFINED * RESAMPLES or not math.isfinite(centre):
        return Estimate(value)
    deviations = (defined - centre) * scale
    low, high = np.percentile(deviations, [2.5, 97.5])
    return Estimate(value, value + float(low), value + float(high), float(deviations.std()))
