"""The columns that are watched: each feature as the baseline describes it, and its rules. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from contract.encoding import Encoding
from contract.plan import Feature, Plan
from monitor.tally import CategoryTally, NumberTally, Tally

Kind = Literal["numeric", "categorical"]


@dataclass(frozen=True)
class Watched:
    """One feature, and what its baseline says: `baseline` is its entry in baseline.json.

    known: the categories that the release's encoding tells apart; any other value is unknown.
    captured: False for a private feature, of which requests are kept without it.
    """

    name: str
    kind: Kind
    baseline: Mapping[str, Any] | None
    known: frozenset[str] = frozenset()
    exact: bool = False
    captured: bool = True

    def tally(self, days: int) -> Tally:
        """A new tally of its values, for so many days."""
        if self.kind == "numeric":
            return NumberTally(days, edges_of(self.baseline), exact=self.exact)
        return CategoryTally(days, categories_of(self.baseline), self.known)

    @property
    def unknown_before(self) -> float | None:
        """The share of the training rows' values that the encoding does not tell apart."""
        if self.kind == "numeric" or self.baseline is None:
            return None
        shares = self.baseline["categories"]
        outside = sum(share for name, share in shares.items() if name not in self.known)
        return float(outside + self.baseline.get("other", 0.0)) * (1 - self.baseline["missing"])

    @property
    def varied(self) -> bool:
        """Did the training rows have more than one value?"""
        if self.baseline is None:
            return False
        if self.kind == "categorical":
            return len(self.baseline["categories"]) > 1 or bool(self.baseline.get("other"))
        numbers = self.baseline["numeric"]
        return bool(numbers["shares"]) and numbers["minimum"] != numbers["maximum"]


def watched_features(
    plan: Plan, encoding: Encoding, baseline: Mapping[str, Any]
) -> tuple[Watched, ...]:
    """The model's features in the order of model.yaml."""
    known = {
        one.name: frozenset(one.categories)
        for one in encoding.features
        if one.kind == "categorical"
    }
    entries = baseline["features"]
    return tuple(
        Watched(
            one.name,
            one.kind,
            _entry(entries.get(one.name), one.kind),
            known.get(one.name, frozenset()),
            exact=bool(one.offset),
            captured=not one.private,
        )
        for one in plan.features
    )


def watched_predictions(task: str, scores: Mapping[str, Any] | None) -> Watched:
    """The predictions; `scores` is what Evaluate found on the test rows, None in older releases."""
    kind: Kind = "categorical" if task == "multiclass" else "numeric"
    entry = None if scores is None else {"kind": kind, "missing": 0.0, **scores}
    if entry is not None and kind == "numeric" and "numeric" not in entry:
        entry = {**entry, "numeric": scores}
    categories = () if entry is None else entry.get("categories", ())
    return Watched("prediction", kind, entry, frozenset(categories))


def prediction_column(task: str) -> str:
    """The column of answered rows whose distribution is watched: of a binary model, the score."""
    return "probability" if task == "binary" else "prediction"


def edges_of(entry: Mapping[str, Any] | None) -> list[float]:
    """The edges of the baseline's bins; none where it has no values."""
    numeric = None if entry is None else entry.get("numeric")
    return list(numeric["edges"]) if numeric else []


def categories_of(entry: Mapping[str, Any] | None) -> list[str]:
    """The categories that the baseline names."""
    return [] if entry is None else list(entry.get("categories", ()))


def _entry(entry: Mapping[str, Any] | None, kind: str) -> Mapping[str, Any] | None:
    """A feature that was of another kind in training has no baseline."""
    return entry if entry is not None and entry["kind"] == kind else None


class Rules:
    """Which rows have a value that model.yaml calls impossible."""

    def __init__(self, plan: Plan) -> None:
        self.features = [one for one in plan.features if not one.private]

    def broken(self, frame: pl.DataFrame) -> int:
        """How many rows break a rule."""
        rules = [rule for one in self.features for rule in self._of(one, frame)]
        if not rules:
            return 0
        return int(frame.select(pl.any_horizontal(rules).fill_null(False).sum()).item())

    def _of(self, feature: Feature, frame: pl.DataFrame) -> list[pl.Expr]:
        if feature.name not in frame.columns:
            return []
        value, rules = pl.col(feature.name), []
        if not feature.nullable:
            rules.append(value.is_null())
        if feature.kind == "numeric" and frame.schema[feature.name].is_numeric():
            if feature.minimum is not None:
                rules.append(value < feature.minimum)
            if feature.maximum is not None:
                rules.append(value > feature.maximum)
        return rules
