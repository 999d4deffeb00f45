"""A check of a monitoring, and the alarms of all its checks together."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

# The probability that unchanged data raise any alarm at all, over all checks of a monitoring. It is
# half of the 0.1 % that is promised, so that some thousand simulated runs can show it.
ALPHA = 0.0005

Name = Literal["drift", "missing", "unknown", "invalid", "prediction", "quality"]
State = Literal[
    "compared", "too few rows", "no baseline", "not captured", "constant", "absent", "undefined"
]


@dataclass(frozen=True)
class Check:
    """One comparison.

    value: what is compared with the bar; for shares the rise, for quality the loss.
    bar: the larger of a practical effect and of what chance reaches. p: see sequential.py.
    before, now: means, shares or metrics. low, high: the 95 % interval of the value.
    distance: of a numeric feature, in its unit.
    """

    check: Name
    feature: str | None
    state: State
    value: float | None = None
    practical: float | None = None
    chance: float | None = None
    p: float | None = None
    alarm: bool = False
    before: float | None = None
    now: float | None = None
    low: float | None = None
    high: float | None = None
    distance: float | None = None

    @property
    def bar(self) -> float | None:
        """What the value must reach for an alarm."""
        known = [each for each in (self.practical, self.chance) if each is not None]
        return max(known) if known and self.p is not None else None

    def document(self) -> dict[str, Any]:
        """As in report.json."""
        return {**asdict(self), "bar": self.bar}


def alarms(checks: Sequence[Check], alpha: float = ALPHA) -> list[Check]:
    """Decide which checks alarm: beyond the practical effect, and not by chance.

    The family-wise error over all checks is at most alpha, however they depend on each other
    (S. Holm, A simple sequentially rejective multiple test procedure, 1979).
    """
    unlikely = holm([1.0 if check.p is None else check.p for check in checks], alpha)
    return [_decided(check, rejected) for check, rejected in zip(checks, unlikely, strict=True)]


def holm(p_values: Sequence[float], alpha: float) -> list[bool]:
    """Which hypotheses are rejected.

    >>> holm([0.01, 0.04, 0.03], 0.05)
    [True, False, False]
    """
    rejected = [False] * len(p_values)
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda each: p_values[each])):
        if p_values[place] > alpha / (len(p_values) - rank):
            break
        rejected[place] = True
    return rejected


def _decided(check: Check, unlikely: bool) -> Check:
    if check.p is None or check.value is None:
        return check
    large = check.practical is None or check.value >= check.practical
    chance = check.chance
    if chance is not None:
        # Later steps of Holm's procedure ask for less than the first, which the bar is for.
        chance = min(chance, check.value) if unlikely else chance
    return replace(check, alarm=unlikely and large, chance=chance)
