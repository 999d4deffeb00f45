"""How traffic moves to the new version: pure rules about deployment configurations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localaws.codedeploy.names import PREDEFINED

ALL = 100


@dataclass(frozen=True)
class Step:
    """The share of the new version, in percent, and how long it stays so, in AWS's minutes."""

    percent: int
    minutes: int


def canary(percent: int, minutes: int) -> dict[str, Any]:
    shift = {"canaryPercentage": percent, "canaryInterval": minutes}
    return {"type": "TimeBasedCanary", "timeBasedCanary": shift}


def linear(percent: int, minutes: int) -> dict[str, Any]:
    shift = {"linearPercentage": percent, "linearInterval": minutes}
    return {"type": "TimeBasedLinear", "timeBasedLinear": shift}


CONFIGS: dict[str, dict[str, Any]] = {
    f"{PREDEFINED}LambdaAllAtOnce": {"type": "AllAtOnce"},
    **{
        f"{PREDEFINED}LambdaCanary10Percent{minutes}Minutes": canary(10, minutes)
        for minutes in (5, 10, 15, 30)
    },
    f"{PREDEFINED}LambdaLinear10PercentEvery1Minute": linear(10, 1),
    **{
        f"{PREDEFINED}LambdaLinear10PercentEvery{minutes}Minutes": linear(10, minutes)
        for minutes in (2, 3, 10)
    },
}


def steps(routing: Mapping[str, Any]) -> list[Step]:
    """The steps up to, and without, the moment at which the new version has all of the traffic.

    >>> steps(canary(10, 5))
    [Step(percent=10, minutes=5)]
    >>> [step.percent for step in steps(linear(40, 1))], steps({"type": "AllAtOnce"})
    ([40, 80], [])
    """
    if routing["type"] == "TimeBasedCanary":
        shift = routing["timeBasedCanary"]
        return [Step(shift["canaryPercentage"], shift["canaryInterval"])]
    if routing["type"] == "TimeBasedLinear":
        shift = routing["timeBasedLinear"]
        percent, minutes = shift["linearPercentage"], shift["linearInterval"]
        return [Step(share, minutes) for share in range(percent, ALL, percent)]
    return []
