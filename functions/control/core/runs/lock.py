"""The retrain lock: one run of a model at a time, and one queued request behind it.

`ask`, `merge` and `hand_over` are pure decisions over the lock as it was read. The outcome is
written under the condition that the lock is still at that revision, and decided anew when it is
not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from core.names import following_run_name
from core.stage.run_table import Handover, QueuedRequest, RetrainLock, RunTable
from core.words.catalogue import say

if TYPE_CHECKING:
    from core.stage.gateways import Stage

# A run that was handed the lock has this long to open; then the lock may be taken over.
SECONDS_TO_OPEN = 15 * 60
MOST_REASONS = 20
LONGEST_REASON = 1000
# Of more waiting runs than this the newest are remembered: the lock is one item of 400 KB at most.
MOST_WAITING = 200
# Each lost race means that another run's write won, so this many runs would have to ask at once.
_MOST_RACES = 100


class LockContestedError(Exception):
    """Too many runs of one model asked for its lock at the same moment; ask again."""


@dataclass(frozen=True)
class Asked:
    """What became of a run that asked for the lock.

    `replaced`: another request was queued already with other settings, which this one's replace.
    """

    outcome: Literal["taken", "taken over", "queued"]
    lock: RetrainLock
    behind: str | None = None
    replaced: bool = False


def take_lock(
    table: RunTable,
    model: str,
    run: str,
    now: int,
    seconds: int,
    request: Mapping[str, Any],
    has_ended: Callable[[str], bool],
) -> Asked:
    """Take the model's lock for `seconds`, or leave the request in its queue."""
    has_ended = cache(has_ended)  # asked about a holder once, however many races are lost
    for _ in range(_MOST_RACES):
        seen = table.lock(model)
        asked = ask(seen, run, now, seconds, request, has_ended)
        if table.write_lock(model, seen, asked.lock):
            return asked
    raise LockContestedError(say("refused.contested", model=model))


def pass_lock_on(stage: Stage, model: str, run: str, now: datetime) -> str | None:
    """Release the lock if `run` holds it; the queued run that is started in its place, if any.

    The lock first, then the start: a crash between the two is made good by the repeat.
    """
    handed = release_lock(stage.runs, model, run, int(now.timestamp()))
    if handed is None:
        return None
    stage.workflow.start(handed.to, handed.input)
    for queued in handed.runs:
        stage.runs.write_run(model, queued, {"taken_over_by": handed.to})
    return handed.to


def release_lock(table: RunTable, model: str, run: str, now: int) -> Handover | None:
    """Release the lock if `run` holds it; to whom it goes next, if anyone waits."""
    for _ in range(_MOST_RACES):
        seen = table.lock(model)
        left, handed = hand_over(seen, run, model, now)
        if left == seen or table.write_lock(model, seen, left):
            return handed
    raise LockContestedError(say("refused.contested", model=model))


def ask(
    lock: RetrainLock,
    run: str,
    now: int,
    seconds: int,
    request: Mapping[str, Any],
    has_ended: Callable[[str], bool],
) -> Asked:
    """Give `run` the lock for `seconds`, or merge its request into the queue.

    `has_ended` answers whether the holder's execution has ended. It is asked only when `run` would
    have to wait. A holder can have ended: a run that is stopped while it opens takes the lock after
    its failure was reported, and a report can be lost.
    """
    taken = replace(lock, holder=run, until=now + seconds)
    if lock.holder is None or lock.holder == run:
        return Asked("taken", taken)
    if lock.until <= now or has_ended(lock.holder):
        return Asked("taken over", taken, behind=lock.holder)
    queued = merge(lock.queued, run, request, now)
    replaced = lock.queued is not None and _settings(lock.queued.input) != _settings(queued.input)
    return Asked("queued", replace(lock, queued=queued), lock.holder, replaced)


def merge(
    queued: QueuedRequest | None, run: str, request: Mapping[str, Any], now: int
) -> QueuedRequest:
    """One request with every reason. The later request decides what is run; `force` is kept."""
    reasons = [str(request.get("reason", "manual"))]
    if queued is None:
        return QueuedRequest(tuple(reasons), dict(request), now, (run,))
    every = list(dict.fromkeys([*queued.reasons, *reasons]))[:MOST_REASONS]
    force = bool(queued.input.get("force")) or bool(request.get("force"))
    merged = {**request, "force": force, "reason": ", ".join(every)[:LONGEST_REASON]}
    runs = tuple(dict.fromkeys([*queued.runs, run]))[-MOST_WAITING:]
    return QueuedRequest(tuple(every), merged, queued.asked_at, runs)


def _settings(request: Mapping[str, Any]) -> tuple[Any, Any]:
    return request.get("definition"), request.get("parameters") or {}


def hand_over(
    lock: RetrainLock, run: str, model: str, now: int
) -> tuple[RetrainLock, Handover | None]:
    """The lock after `run` has released it, and the run that holds it next, if any.

    A run that does not hold the lock changes nothing, but gets the run it handed it to once more.
    """
    if lock.holder != run:
        return lock, lock.handed if lock.handed and lock.handed.by == run else None
    if lock.queued is None:
        return replace(lock, holder=None, until=0, handed=None), None
    following = following_run_name(model, run, lock.queued.asked_at)
    handed = Handover(run, following, lock.queued.input, lock.queued.runs)
    return (
        replace(lock, holder=following, until=now + SECONDS_TO_OPEN, queued=None, handed=handed),
        handed,
    )
