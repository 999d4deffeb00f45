"""What the planner reads of a stage: the gateways of a function, or of the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from core.stage.bucket import Store
    from core.stage.plan_table import PlanTable
    from core.stage.state_machine import Workflow


class Sources(Protocol):
    @property
    def store(self) -> Store: ...

    @property
    def plans(self) -> PlanTable: ...

    def machine_of(self, work: str) -> Workflow: ...


@dataclass(frozen=True)
class Limits:
    """What the stage's parameters say."""

    budget_usd: float | None = None
    most_at_once: int = 20
    # How long a release waits for its review.
    approval_minutes: int | None = None


def limits_of(budget: str | None, most: str | None, minutes: str | None = None) -> Limits:
    """From the parameters as they are written; an empty budget is none.

    >>> limits_of("99.50", "5", "1440")
    Limits(budget_usd=99.5, most_at_once=5, approval_minutes=1440)
    >>> limits_of("", None)
    Limits(budget_usd=None, most_at_once=20, approval_minutes=None)
    """
    return Limits(
        float(budget) if budget else None,
        int(most) if most else Limits.most_at_once,
        int(minutes) if minutes else None,
    )
