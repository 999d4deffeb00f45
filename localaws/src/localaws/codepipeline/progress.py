"""What comes next in a stage: pure rules on the statuses of its actions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Next(Enum):
    """What an execution in a stage does now."""

    WAIT = "wait"
    START = "start"
    SUCCEED = "succeed"
    FAIL = "fail"


@dataclass(frozen=True)
class Step:
    """The next step; `actions` are those to start."""

    next: Next
    actions: tuple[Mapping[str, Any], ...] = ()


def step(actions: Sequence[Mapping[str, Any]], statuses: Mapping[str, str]) -> Step:
    """Decide by the declared actions and the statuses of those that have run (by name).

    Actions of one runOrder start together; the next runOrder begins when all of them have
    succeeded, and a failure is told when none of them runs any more.
    """
    for order in sorted({action["runOrder"] for action in actions}):
        group = [action for action in actions if action["runOrder"] == order]
        found = [statuses.get(action["name"]) for action in group]
        if "InProgress" in found:
            return Step(Next.WAIT)
        if any(status in ("Failed", "Abandoned") for status in found):
            return Step(Next.FAIL)
        missing = tuple(action for action in group if action["name"] not in statuses)
        if missing:
            return Step(Next.START, missing)
    return Step(Next.SUCCEED)


def to_repeat(statuses: Mapping[str, str], mode: str) -> list[str]:
    """The actions (by name) that a retry of the stage forgets, so that they run again.

    >>> to_repeat({"a": "Succeeded", "b": "Failed"}, "FAILED_ACTIONS")
    ['b']
    """
    return [
        name for name, status in statuses.items() if mode == "ALL_ACTIONS" or status != "Succeeded"
    ]


def may_enter(mode: str, execution: int, inside: Sequence[int], waiting: Sequence[int]) -> bool:
    """Whether an execution may enter a stage, by the numbers of the others in and before it."""
    if mode == "PARALLEL":
        return True
    if inside:
        return False
    # SUPERSEDED has ended the older ones by now; QUEUED lets the oldest go first.
    return mode == "SUPERSEDED" or all(execution < other for other in waiting)
