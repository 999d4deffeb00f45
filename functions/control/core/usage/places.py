"""Where each step of a run worked: on machines of SageMaker, or as a function of Lambda. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.reading import finite, mapping
from core.usage.step_usage import FOLDERS

LAMBDA = "lambda"
SPOT = "spot"


def job_kind(place: Mapping[str, Any]) -> str:
    """The kind of job that the step was, each of which has prices of its own.

    >>> job_kind({"rung": "spot"}), job_kind({"rung": "processing"})
    ('training', 'processing')
    """
    return "training" if place.get("rung") in ("training", SPOT) else "processing"


def saved_share(place: Mapping[str, Any]) -> float | None:
    """The share of a spot machine's seconds that is not billed; None where it is not known.

    AWS, "Managed Spot Training": 1 - BillableTimeInSeconds / TrainingTimeInSeconds.

    >>> saved_share({"rung": "spot", "training_seconds": 500, "billable_seconds": 100})
    0.8
    """
    took, billed = finite(place.get("training_seconds")), finite(place.get("billable_seconds"))
    if place.get("rung") != SPOT or not took or billed is None:
        return None
    return max(0.0, 1 - billed / took)


def places(
    resources: Mapping[str, Any], ran: Mapping[str, Any] | None = None
) -> dict[str, dict[str, Any]]:
    """By step {rung, instance_type, instance_count, volume_gb} or {rung, memory_mb, seconds}.

    `ran` is what the workflow says. Executions of an earlier version say nothing: each step had the
    machine of the definition's `resources`.

    >>> m5 = {"instance_type": "ml.m5.large", "volume_gb": 30}
    >>> found = places({"train": m5}, {"train": {"rung": "lambda", "memory_mb": 3008}})
    >>> found["train"], found["evaluate"]
    ({'rung': 'lambda', 'memory_mb': 3008}, {'rung': 'processing'})
    """
    found = {}
    for step in FOLDERS:
        place, settings = mapping(mapping(ran).get(step)), mapping(resources.get(step))
        if place.get("rung") == LAMBDA:
            found[step] = dict(place)
        else:
            found[step] = {"rung": "processing", **settings, **place}
    return found
