"""What each step's job is given: its machines, its disk, its time. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.stage.images import RUN_STEPS

if TYPE_CHECKING:
    from core.definition.schema import ModelDefinition


def resources_of(
    definition: ModelDefinition, instances: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """By step, as the workflow reads it. `instances` are the machines that the run's request names,
    each in place of the definition's."""
    steps = definition.resources.model_dump(include=set(RUN_STEPS))
    train = definition.resources.train
    return {
        step: {
            "instance_count": definition.compute.hosts(step),
            **{name: value for name, value in settings.items() if name != "instance_types"},
            "instance_type": instances.get(step, settings["instance_type"]),
            "machines": machines(
                [instances[step]] if step in instances else settings.get("instance_types") or [],
                settings["instance_type"],
                definition.compute.hosts(step),
            ),
            "timeout_seconds": settings["timeout_minutes"] * 60,
            **({"wait_seconds": train.spot_wait_seconds} if step == "train" else {}),
        }
        for step, settings in steps.items()
    }


def machines(preferred: list[str], only: str, count: int) -> dict[str, Any]:
    """As SageMaker takes them: one type, or several in the order of preference.

    >>> machines([], "ml.m5.large", 2)
    {'InstanceType': 'ml.m5.large', 'InstanceCount': 2}
    >>> machines(["ml.m5.large", "ml.m6i.large"], "ml.m5.large", 1)["InstancePreferences"][1]
    {'InstanceType': 'ml.m6i.large', 'InstanceCount': 1}
    """
    each = [{"InstanceType": name, "InstanceCount": count} for name in preferred or [only]]
    return each[0] if len(each) == 1 else {"InstancePreferences": each}
