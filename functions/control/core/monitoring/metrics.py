"""A monitoring as numbers: the model's CloudWatch metrics, and its line in the table for Athena.

Pure. At most five metrics a model, and none per feature: each is paid for by the hour it is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.monitoring.words import (
    alarms_of,
    drifted,
    primary_quality,
    rows_watched,
    state_of,
    summary,
)
from core.reading import Document, finite, mapping, mappings

METRICS = ("MonitorAlarms", "DriftedFeatures", "RowsWatched", "LabelledShare", "Quality")
_JUDGED = ("alarm", "healthy")


def metrics_of(report: Document) -> dict[str, float]:
    """The metrics to send. Without a judgement there is no number of alarms, so that the alarm on
    it keeps its state."""
    found: dict[str, float] = {"RowsWatched": float(rows_watched(report))}
    if state_of(report) in _JUDGED:
        found["MonitorAlarms"] = float(len(alarms_of(report)))
        found["DriftedFeatures"] = float(len(drifted(report)))
    share = finite(mapping(report.get("quality")).get("completeness"))
    if share is not None:
        found["LabelledShare"] = share
    quality = primary_quality(report)
    if quality is not None:
        found["Quality"] = quality[1].value
    return found


def history_line(
    plan: Mapping[str, Any],
    report: Document,
    sizing: Document,
    closed_at: str,
    cost_usd: float | None,
) -> dict[str, Any]:
    """One line per monitoring: the same columns for all; a number that is not known is null."""
    rows = mapping(report.get("rows"))
    quality = primary_quality(report)
    metric, value = quality if quality is not None else (None, None)
    return {
        "model": plan["model"],
        "monitoring": plan["monitoring"],
        "closed_at": closed_at,
        "state": state_of(report),
        "summary": summary(report, plan["settings"]),
        "reason": plan["reason"],
        "release": plan["release"]["number"],
        "run": plan["release"]["run"],
        "window_from": plan["window"]["from"],
        "window_to": plan["window"]["to"],
        "rows_captured": finite(rows.get("captured")),
        "rows_batch": finite(rows.get("batch")),
        "rows_invalid": finite(rows.get("invalid")),
        "rows_labelled": finite(rows.get("labelled")),
        "alarms": len(alarms_of(report)),
        "drifted": len(drifted(report)),
        "primary_metric": metric,
        "quality": value.value if value else None,
        "quality_low": value.low if value else None,
        "quality_high": value.high if value else None,
        "labelled_share": finite(mapping(report.get("quality")).get("completeness")),
        "checks": [_check(each) for each in mappings(report.get("checks"))],
        "seconds": finite(sizing.get("seconds")),
        "cost_usd": cost_usd,
    }


def _check(check: Document) -> dict[str, Any]:
    named = {name: check.get(name) for name in ("check", "feature", "state")}
    numbers = {name: finite(check.get(name)) for name in ("value", "bar", "p", "before", "now")}
    texts = {name: str(value) if value is not None else None for name, value in named.items()}
    return {**texts, **numbers, "alarm": check.get("alarm") is True}
