"""Whether a monitoring turns its model's state, so that subscribers hear of it once. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from core.stage.monitoring_table import Watch

Turn = Literal["alarm", "recovered"]


def next_watch(
    state: str,
    monitoring: str,
    release: int,
    until: str,
    before: Watch | None,
    checks: Iterable[str] = (),
) -> Watch | None:
    """What is known from now on; None where this monitoring does not change what is known.

    `checks` are the kinds that alarm.

    No data and too few rows say nothing about the model: an alarm stays one. So does an earlier
    window, watched again, beside a later one.
    """
    if state not in ("alarm", "healthy"):
        return None
    if before is not None and until < before.until:
        return None
    return Watch(state, monitoring, release, until, tuple(sorted(set(checks))))


def turn(before: Watch | None, now: Watch | None) -> Turn | None:
    """To or from alarm; another release that alarms, too, is news."""
    if now is None:
        return None
    alarmed = before is not None and before.state == "alarm"
    if now.state == "alarm":
        same = before is not None and before.release == now.release
        return None if alarmed and same else "alarm"
    return "recovered" if alarmed else None
