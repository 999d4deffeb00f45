"""One line per judged run for the metrics table, which Athena reads as JSON lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.reading import finite

_ENDS = ("value", "low", "high")


def history_line(
    plan: Mapping[str, Any],
    evaluation: Mapping[str, Any],
    verdict: Mapping[str, Any],
    judged_at: str,
    cost: Mapping[str, Any],
) -> dict[str, Any]:
    """The same columns for every run and model; a number that is missing or none is null."""
    rows = _mapping(evaluation.get("rows"))
    data = _mapping(evaluation.get("data"))
    champion = plan["champion"] or {}
    return {
        "model": plan["model"],
        "run": plan["run"],
        "judged_at": judged_at,
        "task": plan["definition"]["content"].get("task"),
        "verdict": verdict["verdict"],
        "summary": verdict["summary"],
        "reason": plan["reason"],
        "primary_metric": evaluation.get("primary"),
        "metrics": _metrics(evaluation),
        "champion_release": champion.get("release"),
        "champion_run": champion.get("run"),
        "rows_train": finite(rows.get("train")),
        "rows_test": finite(rows.get("test")),
        "rejected_share": finite(data.get("rejected_share")),
        "snapshot": plan["snapshot"]["id"],
        "definition": plan["definition"]["sha256"],
        "fingerprint": plan["fingerprint"],
        "commit": plan.get("commit"),
        "seconds": sum(cost["seconds"].values()),
        "usd": cost["usd"],
    }


def _metrics(evaluation: Mapping[str, Any]) -> list[dict[str, Any]]:
    names = evaluation.get("metrics")
    sides = {
        "": _mapping(_mapping(evaluation.get("candidate")).get("metrics")),
        "champion_": _mapping(_mapping(evaluation.get("champion")).get("metrics")),
        "difference_": _mapping(evaluation.get("difference")),
    }
    return [
        {
            "name": name,
            **{
                f"{side}{end}": finite(_mapping(metrics.get(name)).get(end))
                for side, metrics in sides.items()
                for end in _ENDS
            },
        }
        for name in (names if isinstance(names, list) else [])
    ]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
