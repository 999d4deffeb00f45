"""Lines of the metrics table, as Judge Candidate writes them."""

from typing import Any


def line(
    run: str,
    value: float | None,
    *,
    champion: float | None = None,
    verdict: str = "promote",
    at: str = "2026-11-21T06:00:00Z",
    mae: float | None = 1.5,
) -> dict[str, Any]:
    """A run's line with its RMSE and MAE; one that is None is not known."""
    return {
        "model": "abalone",
        "run": run,
        "judged_at": at,
        "verdict": verdict,
        "metrics": [
            measured("rmse", value, champion),
            *([] if mae is None else [measured("mae", mae, None)]),
        ],
    }


def measured(name: str, value: float | None, champion: float | None) -> dict[str, Any]:
    return {
        "name": name,
        "value": value,
        "low": None if value is None else value - 0.2,
        "high": None if value is None else value + 0.2,
        "champion_value": champion,
        "champion_low": None,
        "champion_high": None,
    }
