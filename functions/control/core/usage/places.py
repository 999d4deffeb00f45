"""Where each step of a run worked: on machines of SageMaker, or as a function of Lambda. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.reading import mapping
from core.usage.step_usage import FOLDERS

LAMBDA = "lambda"


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
