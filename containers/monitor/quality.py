"""What the model's own metrics are on the answered rows that have a label. Pure.

By the day of the prediction, because that is when the model was right or wrong: labels come later,
and a day's quality is known better with each of them. Of fewer labelled rows than the floor no
metric is given. Judged are the last days whose labels have come: what lies further back is over,
and the labels that come first are often of one kind, such as the customers who left at once.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import polars as pl

from contract.artifact import Artifact
from contract.bootstrap import ROWS, Estimates, compare
from contract.metrics import Floats, Scored
from contract.plan import Plan
from contract.segments import segments_of
from observed.form import column_of
from observed.label_files import LABEL

TOO_FEW = "too few labels"
# A window has many days and segments, so the interval of each comes from at most so many rows.
ROWS_OF_PART = 1_000


@dataclass(frozen=True)
class Labelled:
    """Answered rows with their labels, in both forms."""

    frame: pl.DataFrame
    scored: Scored

    @classmethod
    def of(cls, matched: pl.DataFrame, plan: Plan, artifact: Artifact) -> Labelled:
        """Take answered rows with `label`. Left out are rows without scores, and those whose label
        is no class of the release, for which no metric is defined."""
        classes = artifact.encoding.classes
        columns = score_columns(plan.task, classes or ())
        absent = [name for name in columns if name not in matched.columns]
        matched = matched.with_columns(pl.lit(None, pl.Float64).alias(name) for name in absent)
        matched = matched.drop_nulls(columns)
        if classes is None:
            labels = matched[LABEL].cast(pl.Float64).to_numpy()
        else:
            matched = matched.filter(pl.col(LABEL).is_in(list(classes)))
            codes = {name: float(code) for code, name in enumerate(classes)}
            labels = matched[LABEL].replace_strict(codes, return_dtype=pl.Float64).to_numpy()
        scores = matched.select(pl.col(columns).cast(pl.Float64)).to_numpy().astype(np.float64)
        return cls(matched, scored(plan, artifact, labels.astype(np.float64), scores))

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.frame.height

    def of_rows(self, rows: pl.Series) -> Scored:
        """Only the rows for which this is true."""
        return self.scored.take(rows.arg_true().to_numpy().astype(np.int64))

    def by_day(self) -> dict[datetime.date, int]:
        """How many rows there are of each day of prediction."""
        return dict(self.frame["day"].value_counts().iter_rows())

    def of_days(self, days: Sequence[datetime.date]) -> Labelled:
        """Only the rows that were answered on these days."""
        rows = self.frame["day"].is_in(list(days))
        return Labelled(self.frame.filter(rows), self.of_rows(rows))


def judged_days(
    labelled: Mapping[datetime.date, int],
    answered: Mapping[datetime.date, int],
    asked: int,
    minimum: int,
) -> list[datetime.date]:
    """The days of prediction that quality is judged on, in order: the `asked` days up to the last
    one whose labels have come, and days before them until there are `minimum` rows.

    The labels of a day have come once the share of its rows that have one is at least half of what
    is usual, which is the median of all days that have any.

    >>> first = datetime.date(2026, 11, 1)
    >>> days = [first + datetime.timedelta(days=each) for each in range(4)]
    >>> labelled = dict(zip(days, (90, 80, 100, 10), strict=True))
    >>> [day.day for day in judged_days(labelled, dict.fromkeys(days, 100), 2, 50)]
    [2, 3]
    """
    shares = {day: rows / max(rows, answered.get(day, 0)) for day, rows in labelled.items() if rows}
    if not shares:
        return []
    usual = median(shares.values())
    come = sorted((day for day, share in shares.items() if share >= usual / 2), reverse=True)
    before = come[0] - datetime.timedelta(days=asked)
    found: list[datetime.date] = []
    for day in come:
        if day <= before and sum(labelled[each] for each in found) >= minimum:
            break
        found.append(day)
    return sorted(found)


def score_columns(task: str, classes: Sequence[str]) -> list[str]:
    """The columns of answered rows with the scores that the metrics are of."""
    if task == "multiclass":
        return [f"probability_{name}" for name in classes]
    return ["probability" if task == "binary" else "prediction"]


def scored(plan: Plan, artifact: Artifact, labels: Floats, scores: Floats) -> Scored:
    """Rows with their scores of shape [rows, outputs], as the release decides them."""
    if plan.task == "multiclass":
        return Scored(plan.task, labels, scores)
    threshold = 0.5 if artifact.threshold is None else artifact.threshold
    return Scored(plan.task, labels, scores[:, 0], threshold, plan.costs)


def quality(
    labelled: Labelled,
    judged: Labelled,
    answered: Mapping[datetime.date, int],
    plan: Plan,
    tested: Mapping[str, Any],
    minimum: int,
) -> dict[str, Any]:
    """The key `quality` of report.json: metrics and segments of the judged rows, all days, and how
    complete the labels of all rows are. `tested` are the metrics on the test rows."""
    metrics = measured(judged.scored, plan.metrics, minimum)
    total = sum(answered.values())
    days = sorted(judged.by_day())
    return {
        "primary": plan.primary,
        "labelled": judged.rows,
        "days": [day.isoformat() for day in (days[0], days[-1])] if days else None,
        "metrics": {
            name: {
                **(metrics[name] if metrics else {"value": None, "low": None, "high": None}),
                "test": tested.get(name, {}).get("value"),
            }
            for name in plan.metrics
        },
        "state": "measured" if metrics else TOO_FEW,
        "by_day": by_day(labelled, answered, plan.metrics, minimum),
        "segments": by_segment(judged, plan, minimum),
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
            "metrics": measured(labelled.of_rows(days == day), metrics, minimum, ROWS_OF_PART),
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
            "metrics": measured(
                labelled.scored.take(segment.rows), plan.metrics, minimum, ROWS_OF_PART
            ),
        }
        for column in plan.segments
        if column_of(column) in labelled.frame.columns and labelled.rows
        for segment in segments_of(labelled.frame, column_of(column))
    ]


def measured(
    rows: Scored, metrics: Sequence[str], minimum: int, most: int = ROWS
) -> dict[str, Any] | None:
    """The metrics with their intervals; None below the floor."""
    if len(rows.labels) < max(minimum, 1):
        return None
    return written(compare(rows, None, metrics, most).candidate)


def written(estimates: Estimates) -> dict[str, Any]:
    """Estimates as report.json has them."""
    return {
        name: {"value": one.value, "low": one.low, "high": one.high}
        for name, one in estimates.items()
    }
