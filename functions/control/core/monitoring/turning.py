"""Whether a monitoring turns its model's state, so that it is reported once. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from core.stage.monitoring_table import Watch

Turn = Literal["drift found", "quality dropped", "monitoring recovered"]


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


def turns(before: Watch | None, now: Watch | None) -> tuple[Turn, ...]:
    """To alarm, of each kind that did not alarm before, or from alarm.

    Another release that alarms, too, is news.
    """
    if now is None:
        return ()
    if now.state != "alarm":
        return ("monitoring recovered",) if before is not None and before.state == "alarm" else ()
    same = before is not None and before.release == now.release
    known = _alarming(before) if same else frozenset()
    return tuple(sorted(_alarming(now) - known))


def _alarming(watch: Watch | None) -> frozenset[Turn]:
    if watch is None or watch.state != "alarm":
        return frozenset()
    kinds: set[Turn] = {
        "quality dropped" if one == "quality" else "drift found" for one in watch.checks
    }
    # Earlier versions did not write which checks alarm.
    return frozenset(kinds or ("drift found", "quality dropped"))
