"""What the model's own metrics are on the answered rows that have a label. Pure.

By the day of the prediction, because that is when the model was right or wrong: labels come later,
and a day's quality is known better with each of them. Of fewer labelled rows than the floor no
metric is given.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from contract.artifact import Artifact
from contract.bootstrap import Estimates, compare
from contract.metrics import Scored
from contract.plan import Plan
from contract.segments import segments_of
from observed.labels import LABEL

TOO_FEW = "too few labels"


@dataclass(frozen=True)
class Labelled:
    """Answered rows with their labels, in both forms."""

    frame: pl.DataFrame
    scored: Scored

    @classmethod
    def of(cls, matched: pl.DataFrame, plan: Plan, artifact: Artifact) -> Labelled:
        """Take answered rows with `label`. A label that is no class of the release is left out: no
        metric is defined for it."""
        classes = artifact.encoding.classes
        if classes is None:
            labels = matched[LABEL].cast(pl.Float64).to_numpy().astype(np.float64)
            scores = matched["prediction"].cast(pl.Float64).to_numpy().astype(np.float64)
            return cls(matched, Scored(plan.task, labels, scores))
        matched = matched.filter(pl.col(LABEL).is_in(list(classes)))
        codes = {name: float(code) for code, name in enumerate(classes)}
        labels = matched[LABEL].replace_strict(codes, return_dtype=pl.Float64).to_numpy()
        labels = labels.astype(np.float64)
        if plan.task == "binary":
            scores = matched["probability"].cast(pl.Float64).to_numpy().astype(np.float64)
            threshold = 0.5 if artifact.threshold is None else artifact.threshold
            return cls(matched, Scored(plan.task, labels, scores, threshold, plan.costs))
        columns = [pl.col(f"probability_{name}").cast(pl.Float64) for name in classes]
        scores = matched.select(columns).to_numpy().astype(np.float64)
        return cls(matched, Scored(plan.task, labels, scores))

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.frame.height

    def of_rows(self, rows: pl.Series) -> Scored:
        """Only the rows for which this is true."""
        return self.scored.take(rows.arg_true().to_numpy().astype(np.int64))


def quality(
    labelled: Labelled,
    answered: Mapping[datetime.date, int],
    plan: Plan,
    tested: Mapping[str, Any],
    minimum: int,
) -> dict[str, Any]:
    """The key `quality` of report.json. `tested` are the metrics on the test rows."""
    metrics = measured(labelled.scored, plan.metrics, minimum)
    total = sum(answered.values())
    return {
        "primary": plan.primary,
        "labelled": labelled.rows,
        "metrics": {
            name: {
                **(metrics[name] if metrics else {"value": None, "low": None, "high": None}),
                "test": tested.get(name, {}).get("value"),
            }
            for name in plan.metrics
        },
        "state": "measured" if metrics else TOO_FEW,
        "by_day": by_day(labelled, answered, plan.metrics, minimum),
        "segments": by_segment(labelled, plan, minimum),
        "completeness": labelled.rows / total if total else None,
    }


def by_day(
    labelled: Labelled,
    answered: Mapping[datetime.date, int],
    metrics: Sequence[str],
    minimum: int,
) -> list[dict[str, Any]]:
    """Every day that rows were answered on, with how many of them have a label."""
    days = labelled.frame["day"]
    return [
        {
            "day": day.isoformat(),
            "answered": answered[day],
            "labelled": int((days == day).sum()),
            "metrics": measured(labelled.of_rows(days == day), metrics, minimum),
        }
        for day in sorted(answered)
    ]


def by_segment(labelled: Labelled, plan: Plan, minimum: int) -> list[dict[str, Any]]:
    """The metrics by the values of each segment column that was captured."""
    return [
        {
            "column": column,
            "value": segment.value,
            "labelled": len(segment.rows),
            "metrics": measured(labelled.scored.take(segment.rows), plan.metrics, minimum),
        }
        for column in plan.segments
        if column in labelled.frame.columns and labelled.rows
        for segment in segments_of(labelled.frame, column)
    ]


def measured(rows: Scored, metrics: Sequence[str], minimum: int) -> dict[str, Any] | None:
    """The metrics with their intervals; None below the floor."""
    if len(rows.labels) < max(minimum, 1):
        return None
    return written(compare(rows, None, metrics).candidate)


def written(estimates: Estimates) -> dict[str, Any]:
    """Estimates as report.json has them."""
    return {
        name: {"value": one.value, "low": one.low, "high": one.high}
        for name, one in estimates.items()
    }
