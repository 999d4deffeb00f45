"""What is watched: each feature and the predictions, in the bins of the baseline. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from contract.plan import Feature, Plan
from drift.comparison import in_bins
from drift.counts import FeatureCounts, Reference, references
from drift.psi import Integers, psi
from monitor.tally import Tally
from observed.form import column_of


@dataclass(frozen=True)
class Watched:
    """One feature, or the predictions, and what its baseline says.

    column: of observed rows. private: requests are kept without it, so only batches have it, and
    a report quotes none of their values. key: its values say whose a row is, so a report has not
    even its bins. exact: an offset needs all digits of its numbers.
    """

    name: str
    column: str
    reference: Reference
    private: bool = False
    key: bool = False
    exact: bool = False


def watched_features(plan: Plan, baseline: Mapping[str, Any]) -> tuple[Watched, ...]:
    """The features of the baseline, in the order of model.yaml."""
    known = references(baseline)
    return tuple(
        Watched(
            one.name,
            column_of(one.name),
            known[one.name],
            private=is_private(plan, one),
            key=one.name in plan.key,
            # An input of features.py is kept exact too, but what that computes is not.
            exact=bool(one.offset) or bool(plan.inputs and one.name not in plan.computed),
        )
        for one in plan.features
        if one.name in known
    )


def is_private(plan: Plan, feature: Feature) -> bool:
    """Is the feature private, or computed from what is?"""
    column = feature.derive.column if feature.derive else feature.name
    return column in plan.private


def watched_predictions(task: str, scores: Mapping[str, Any] | None) -> Watched:
    """The predictions, of a binary model the probabilities. `scores` is how they were distributed
    on the test rows, which older releases do not say."""
    kind = "categorical" if task == "multiclass" else "numeric"
    entry = {"kind": kind, "missing": 0.0, "categories": {}} if scores is None else scores
    column = "probability" if task == "binary" else "prediction"
    rows = 0 if scores is None else int(scores["rows"])
    return Watched("prediction", column, Reference.of(entry, rows))


class Rules:
    """Which rows have a value that model.yaml calls impossible. One that is missing is none, also
    where it must not be: the check of missing values reports it."""

    def __init__(self, plan: Plan) -> None:
        self.features = plan.features

    def broken(self, frame: pl.DataFrame) -> int:
        """How many rows break a rule."""
        rules = [rule for one in self.features for rule in self._of(one, frame)]
        if not rules:
            return 0
        return int(frame.select(pl.any_horizontal(rules).fill_null(False).sum()).item())

    def _of(self, feature: Feature, frame: pl.DataFrame) -> list[pl.Expr]:
        column = column_of(feature.name)
        if column not in frame.columns:
            return []
        value, rules = pl.col(column), []
        if frame.schema[column].is_numeric():
            if feature.minimum is not None:
                rules.append(value < feature.minimum)
            if feature.maximum is not None:
                rules.append(value > feature.maximum)
        return rules


def described(
    watched: Watched, tally: Tally, days: Sequence[str], distance: float | None, minimum: int
) -> dict[str, Any]:
    """The entry of report.json's `features`: the distribution before and now, and by day."""
    reference, counts = watched.reference, tally.total()
    entry: dict[str, Any] = {
        "feature": watched.name,
        "kind": reference.kind,
        "edges": None,
        "categories": None,
        "before": [],
        "now": [],
        "unit_distance": distance,
        "by_day": _by_day(watched, tally, days, minimum),
    }
    if watched.key:
        return entry
    entry["before"], entry["now"] = _shares(_before(reference)), _shares(tally.counts.sum(axis=0))
    if reference.kind == "categorical":
        new = [] if watched.private else tally.most_new()
        return {**entry, "categories": tally.names, "new": new}
    ends = (None, None) if watched.private else (counts.minimum, counts.maximum)
    return {**entry, "edges": _edges(reference, *ends)}


def _by_day(
    watched: Watched, tally: Tally, days: Sequence[str], minimum: int
) -> list[dict[str, Any]]:
    means, unknown = list(tally.means), tally.unknown
    if watched.private or watched.key:
        # The mean of one value is that value.
        enough = (tally.rows - tally.missing >= minimum).tolist()
        means = [mean if there else None for mean, there in zip(means, enough, strict=True)]
    return [
        {
            "day": day,
            "rows": int(tally.rows[place]),
            "missing": int(tally.missing[place]),
            "unknown": unknown[place],
            "mean": means[place],
            "psi": _psi(tally.reference, tally.of_day(place), minimum),
        }
        for place, day in enumerate(days)
    ]


def _psi(reference: Reference, now: FeatureCounts, minimum: int) -> float | None:
    """A day's, in the bins of the check of drift. With fewer values than the floor it says
    nothing and is None."""
    if not reference.present or not now.present or now.present < minimum:
        return None
    before_bins, now_bins = in_bins(reference, now)
    return float(psi(before_bins, now_bins)) if now_bins.any() else None


def _before(reference: Reference) -> Integers:
    if reference.kind == "numeric":
        return reference.bins
    return np.array([*reference.categories.values(), reference.other or 0], dtype=np.int64)


def _shares(counts: Integers) -> list[float]:
    total = int(counts.sum())
    return [int(count) / total for count in counts] if total else []


def _edges(reference: Reference, minimum: float | None, maximum: float | None) -> list[float]:
    """The bins' edges; the outer bins are open, so they reach to the extremes of both."""
    inner = reference.inner.tolist()
    outer = [*inner, *(each for each in reference.edges.tolist() if np.isfinite(each))]
    outer += [each for each in (minimum, maximum) if each is not None]
    return [min(outer), *inner, max(outer)] if outer else []
