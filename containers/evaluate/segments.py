"""The comparison by segment, and the gap of a metric between groups."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from contract.bootstrap import Comparison, compare
from contract.metrics import Scored, measure
from contract.plan import Fairness
from contract.segments import Segment, segments_of


def segment_entry(
    segment: Segment, candidate: Scored, champion: Scored | None, metrics: Sequence[str]
) -> dict[str, Any]:
    """One entry of evaluation.json's `segments`; intervals only with a champion."""
    candidate = candidate.take(segment.rows)
    entry: dict[str, Any] = {
        "column": segment.column,
        "value": segment.value,
        "rows": len(segment.rows),
    }
    if champion is None:
        values = {name: _finite(measure(name, candidate)) for name in metrics}
        return {**entry, "candidate": values, "champion": None, "difference": None}
    comparison = compare(candidate, champion.take(segment.rows), metrics)
    return {
        **entry,
        "candidate": _values(comparison, "candidate"),
        "champion": _values(comparison, "champion"),
        "difference": {
            name: {"value": estimate.value, "low": estimate.low, "high": estimate.high}
            for name, estimate in (comparison.difference or {}).items()
        },
    }


def fairness_entry(
    rule: Fairness, frame: pl.DataFrame, candidate: Scored, minimum_rows: int
) -> dict[str, Any]:
    """One entry of `fairness`: the metric by group, and the largest gap between two groups.

    Groups below minimum_rows are shown but not counted. With a single group the gap is 0. It is
    None if fewer than two groups are counted, or if a counted group's score is undefined.
    """
    groups = [
        {
            "value": group.value,
            "rows": len(group.rows),
            "score": _finite(measure(rule.metric, candidate.take(group.rows))),
        }
        for group in segments_of(frame, rule.column)
    ]
    counted = [group["score"] for group in groups if group["rows"] >= minimum_rows]  # type: ignore[operator]
    gap: float | None = None
    if len(groups) == 1:
        gap = 0.0
    elif len(counted) > 1 and None not in counted:
        gap = max(counted) - min(counted)  # type: ignore[type-var,operator]
    return {"column": rule.column, "metric": rule.metric, "gap": gap, "groups": groups}


def _values(comparison: Comparison, whose: str) -> dict[str, float | None]:
    estimates = getattr(comparison, whose)
    return {name: estimate.value for name, estimate in estimates.items()}


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
