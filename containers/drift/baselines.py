"""How far this run's training data has moved from the champion's: two baselines compared.

Numeric bins are the champion's; this run's shares of them are interpolated from its own bins, as if
values that are not common were evenly spread within each. Rows that both runs were trained on make
the data more alike than chance would, never less.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from contract.baseline_merge import up_to
from drift.checks import Check, alarms
from drift.comparison import compare_drift, compare_missing
from drift.counts import FeatureCounts, Reference
from drift.psi import Floats, Integers

# From these on a shift is worth a look: the customary reading of the PSI, and a share of rows.
PRACTICAL = {"drift": 0.1, "missing": 0.05, "minimum_rows": 1}


def drift(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Compare two baselines, strongest drift first. The alarms are those of all rows together.

    A feature that is new or has changed its kind comes last, with psi None.
    """
    family = 2 * len(now["features"])
    checks: list[Check] = []
    for name, entry in now["features"].items():
        was = before["features"].get(name)
        checks += _checks(name, was, entry, (_rows(before), _rows(now)), family)
    decided = alarms(checks)
    found = [
        {
            "feature": name,
            "kind": entry["kind"],
            "psi": moved.value,
            "bar": moved.bar,
            "chance": moved.chance,
            "alarm": moved.alarm,
            "distance": moved.distance,
            "missing_before": missing.before,
            "missing_now": entry["missing"],
            "missing_alarm": missing.alarm,
        }
        for (name, entry), moved, missing in zip(
            now["features"].items(), decided[::2], decided[1::2], strict=True
        )
    ]
    return sorted(
        found, key=lambda entry: -math.inf if entry["psi"] is None else entry["psi"], reverse=True
    )


def _rows(baseline: Mapping[str, Any]) -> int:
    return int(baseline.get("rows", 0))


def _checks(
    name: str,
    before: Mapping[str, Any] | None,
    now: Mapping[str, Any],
    rows: tuple[int, int],
    family: int,
) -> tuple[Check, Check]:
    """The checks of a feature's drift and of its missing values."""
    if before is None or not rows[0] or not rows[1]:
        was = None if before is None else before["missing"]
        return Check("drift", name, "no baseline"), Check(
            "missing", name, "no baseline", before=was
        )
    reference, later = Reference.of(before, rows[0]), Reference.of(now, rows[1])
    counts = as_counts(reference, later)
    missing = compare_missing(name, reference, counts, PRACTICAL, family)
    if reference.kind != later.kind:
        return Check("drift", name, "no baseline"), missing
    if not later.present:
        return Check("drift", name, "absent"), missing
    return compare_drift("drift", name, reference, counts, PRACTICAL, family, new=True), missing


def as_counts(reference: Reference, later: Reference) -> FeatureCounts:
    """A later baseline's feature as counts in the bins of an earlier one."""
    bins = None
    if reference.kind == later.kind == "numeric" and len(reference.bins) and len(later.bins):
        bins = _moved(reference, later)
    low, high = (float(later.edges[place]) for place in (0, -1)) if len(later.edges) else (0, 1)
    return FeatureCounts(
        rows=later.rows,
        missing=later.missing,
        bins=bins,
        categories=later.categories,
        other=later.other or 0,
        minimum=None if later.constant else low,
        maximum=None if later.constant else high,
        mean=later.mean,
    )


def _moved(reference: Reference, later: Reference) -> Integers:
    if later.constant:
        return reference.place(later.edges[2:3]) * later.present
    if reference.constant:
        # Where between the edges of a bin its values lie is unknown: all are where the constant is.
        at = int(np.searchsorted(later.inner, reference.edges[2], side="left"))
        parts = (later.bins[:at], later.bins[at : at + 1], later.bins[at + 1 :])
        return np.array([part.sum() for part in parts])
    shares = (later.bins / later.present).tolist()
    part = {"edges": later.edges.tolist(), "shares": shares, "common": later.common}
    inside: Floats = np.array([up_to(part, edge) for edge in reference.inner.tolist()])
    moved = np.diff(np.rint(inside * later.present), prepend=0, append=later.present)
    return moved.astype(np.int64)
