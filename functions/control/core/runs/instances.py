"""The machines that one run is given, in place of the definition's. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from core.definition import instance_types
from core.definition.messages import nearest, shown

STEPS = ("preprocess", "train", "evaluate")


def problem(step: str, name: str) -> str | None:
    """What is wrong with a machine for a step, and the fix; None if nothing is.

    >>> problem("tarin", "ml.m5.large"), problem("train", "ml.m5.lrage")
    ("'tarin' is no step of a run; did you mean train?", \
"'ml.m5.lrage' is no machine of SageMaker Processing; did you mean ml.m5.large?")
    """
    if step not in STEPS:
        return f"{shown(step)} is no step of a run; {nearest(step, list(STEPS))}"
    return instance_types.problem(name[:100])


def checked(instances: dict[str, str]) -> dict[str, str]:
    """The same, or ValueError with the first problem."""
    for step, name in instances.items():
        found = problem(step, name)
        if found:
            raise ValueError(found)
    return instances


def listed(instances: Mapping[str, str]) -> str:
    """
    >>> listed({"train": "ml.m5.large", "evaluate": "ml.t3.medium"})
    'train ml.m5.large, evaluate ml.t3.medium'
    """
    return ", ".join(f"{step} {instances[step]}" for step in STEPS if step in instances)
