"""What is compared: a baseline's counts of a feature, and the counts of later rows in its bins."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from contract.baseline_merge import SAMPLE_ROWS
from drift.psi import Floats, Integers

Kind = Literal["numeric", "categorical"]


@dataclass(frozen=True)
class FeatureCounts:
    """A feature in later rows.

    bins: of a numeric feature, the rows in each bin of the baseline; see Reference.inner.
    categories: of a categorical feature, the rows of each value, known to the baseline or not.
    other: rows of values that are not named.
    """

    rows: int
    missing: int
    bins: Integers | None = None
    categories: Mapping[str, int] = field(default_factory=dict)
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    other: int = 0

    @property
    def present(self) -> int:
        """The rows with a value."""
        return self.rows - self.missing

    @property
    def counted(self) -> int:
        """The rows in bins or categories: those with a value, or a sample of them."""
        if self.bins is not None:
            return int(self.bins.sum())
        return sum(self.categories.values()) + self.other

    @property
    def constant(self) -> bool:
        """Whether all rows that have a value have the same."""
        if self.bins is None:
            return sum(times > 0 for times in self.categories.values()) == 1
        return self.minimum is not None and self.minimum == self.maximum

    def __add__(self, other: FeatureCounts) -> FeatureCounts:
        """The counts of both batches together."""
        known = [each for each in (self, other) if each.minimum is not None]
        present = sum(each.present for each in known)
        return FeatureCounts(
            self.rows + other.rows,
            self.missing + other.missing,
            None if self.bins is None or other.bins is None else self.bins + other.bins,
            Counter(self.categories) + Counter(other.categories),
            min((each.minimum for each in known if each.minimum is not None), default=None),
            max((each.maximum for each in known if each.maximum is not None), default=None),
            math.fsum((each.mean or 0.0) * each.present for each in known) / present
            if present
            else None,
            self.other + other.other,
        )


@dataclass(frozen=True)
class Reference:
    """A feature in the baseline, as counts.

    edges: of a numeric feature, one more than bins; the first and last are the extremes.
    bins, categories: they come from a sample of the rows where there are many.
    other: the rows of values that a baseline of very many values does not name; None if it names
    them all.
    common: of a numeric feature, the values that many rows have, and their shares; see up_to of
    contract.baseline_merge.
    """

    kind: Kind
    rows: int
    missing: int
    edges: Floats
    bins: Integers
    categories: Mapping[str, int]
    other: int | None = None
    mean: float | None = None
    common: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, entry: Mapping[str, Any], rows: int) -> Reference:
        """Read a feature's entry in baseline.json, also one without `sampled`."""
        missing = round(entry["missing"] * rows)
        present = rows - missing
        if entry["kind"] == "numeric":
            numeric = entry.get("numeric") or {}
            sampled = int(numeric.get("sampled", min(present, SAMPLE_ROWS)))
            edges, shares = numeric.get("edges", ()), numeric.get("shares", ())
            edges = np.asarray(edges, dtype=np.float64)
            bins = np.rint(np.asarray(shares, dtype=np.float64) * sampled).astype(np.int64)
            if len(bins) == 1 and edges[0] == edges[1]:
                # A constant: what lies below and above it are bins of their own.
                edges = np.array([-math.inf, np.nextafter(edges[0], -math.inf), edges[0], math.inf])
                bins = np.array([0, bins[0], 0])
            mean, common = numeric.get("mean"), numeric.get("common", {})
            return cls("numeric", rows, missing, edges, bins, {}, None, mean, common)
        other = entry.get("other")
        counted = present if other is None else min(present, SAMPLE_ROWS)
        counted = int(entry.get("sampled", counted))
        return cls(
            "categorical",
            rows,
            missing,
            np.array([]),
            np.array([], dtype=np.int64),
            {name: round(share * counted) for name, share in entry["categories"].items()},
            None if other is None else round(other * counted),
        )

    @property
    def inner(self) -> Floats:
        """The edges between bins: a bin holds the values above its left edge, up to and including
        its right one. The first and the last bin are open."""
        return self.edges[1:-1]

    @property
    def present(self) -> int:
        """The counted rows with a value."""
        return int(self.bins.sum()) + sum(self.categories.values()) + (self.other or 0)

    @property
    def constant(self) -> bool:
        """Whether all rows that have a value have the same."""
        return int((self.bins > 0).sum()) + len(self.categories) + (self.other or 0) == 1

    def place(self, values: Floats) -> Integers:
        """Count values, which are not missing, in the bins."""
        found = np.searchsorted(self.inner, values, side="left")
        return np.bincount(found, minlength=len(self.bins)).astype(np.int64)


def references(baseline: Mapping[str, Any]) -> dict[str, Reference]:
    """Every feature of a baseline.json."""
    rows = int(baseline["rows"])
    return {name: Reference.of(entry, rows) for name, entry in baseline["features"].items()}
