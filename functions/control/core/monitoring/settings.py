"""What a monitoring compares by: the current definition's thresholds, with the open ones resolved.

Pure. The thresholds are the current definition's, so that one can be changed without a new release;
everything about the rows is the release's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.definition.schema import ModelDefinition
from core.metrics import DIRECTION, error
from core.reading import estimate, part

# Where nobody set a margin: how much of the primary metric's error on the test rows may be added.
# For an AUC of 0.85 that is a fifth of 0.15, for an RMSE of 2.5 a fifth of that.
DEFAULT_QUALITY_SHARE = 0.2


def settings_of(
    current: ModelDefinition, released: Mapping[str, Any], evaluation: Mapping[str, Any]
) -> dict[str, Any]:
    """The settings of the plan. `released` is the release's definition as its run has it."""
    metric = str(part(released, "metrics").get("primary") or current.metrics.primary)
    return {
        **current.monitor.model_dump(mode="json", exclude={"schedule", "quality"}),
        "metric": metric,
        "quality": quality_margin(current, metric, evaluation),
        "capture_share": part(released, "serving").get(
            "capture_share", current.serving.capture_share
        ),
    }


def quality_margin(
    definition: ModelDefinition, metric: str, evaluation: Mapping[str, Any]
) -> float | None:
    """How much worse the metric may be than on the test rows: monitor.quality, else the gate's
    margin for it, else a share of its error there; None where that is not known."""
    if definition.monitor.quality is not None:
        return definition.monitor.quality
    if margin := definition.gate.margins.get(metric):
        return margin
    tested = estimate(part(evaluation, "candidate", "metrics").get(metric))
    if tested is None or metric not in DIRECTION:
        return None
    return DEFAULT_QUALITY_SHARE * error(metric, tested.value) or None
