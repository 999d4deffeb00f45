"""Whose turn it is to retrain a model: one run at a time, and one queued request behind it.

Pure decisions over the turn as it was read. The ledger writes the outcome under the condition that
the turn is still at that revision, and decides anew when it is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from core.names import following_run_name

# A run that was handed the turn has this long to open; then the turn is free to be taken over.
SECONDS_TO_OPEN = 15 * 60
MOST_REASONS = 20
LONGEST_REASON = 1000
# Of more waiting runs than this the newest are remembered: the turn is one item of 400 KB at most.
MOST_WAITING = 200


@dataclass(frozen=True)
class Queued:
    """Requests that came while another run had the turn, merged into one; `runs` made them."""

    reasons: tuple[str, ...]
    input: Mapping[str, Any]
    asked_at: int
    runs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Handed:
    """Who passed the turn to whom, kept so that a repeated hand-over starts the same run again.

    `runs` are those whose requests the started one stands for.
    """

    by: str
    to: str
    input: Mapping[str, Any]
    runs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Turn:
    """The turn of one model; `until` is in epoch seconds, `revision` counts its writes."""

    holder: str | None = None
    until: int = 0
    queued: Queued | None = None
    handed: Handed | None = None
    revision: int = 0


@dataclass(frozen=True)
class Asked:
    """What became of a run that asked for the turn.

    `replaced` says that another request waited already and asked for something else, which this
    one's settings now stand in for.
    """

    outcome: Literal["taken", "taken over", "queued"]
    turn: Turn
    behind: str | None = None
    replaced: bool = False


def ask(
    turn: Turn,
    run: str,
    now: int,
    seconds: int,
    request: Mapping[str, Any],
    has_ended: Callable[[str], bool],
) -> Asked:
    """Give `run` the turn for `seconds`, or merge its request into the queue.

    `has_ended` tells of the holder whether its execution is over. It is asked only when `run` would
    have to wait. A holder can be over: a run that is stopped while it opens takes the turn after
    its failure was reported, and a report can be lost.
    """
    taken = replace(turn, holder=run, until=now + seconds)
    if turn.holder is None or turn.holder == run:
        return Asked("taken", taken)
    if turn.until <= now or has_ended(turn.holder):
        return Asked("taken over", taken, behind=turn.holder)
    queued = merge(turn.queued, run, request, now)
    replaced = turn.queued is not None and _settings(turn.queued.input) != _settings(queued.input)
    return Asked("queued", replace(turn, queued=queued), turn.holder, replaced)


def merge(queued: Queued | None, run: str, request: Mapping[str, Any], now: int) -> Queued:
    """One request with every reason. The later request says what is run; `force` is kept."""
    reasons = [str(request.get("reason", "manual"))]
    if queued is None:
        return Queued(tuple(reasons), dict(request), now, (run,))
    every = list(dict.fromkeys([*queued.reasons, *reasons]))[:MOST_REASONS]
    force = bool(queued.input.get("force")) or bool(request.get("force"))
    merged = {**request, "force": force, "reason": ", ".join(every)[:LONGEST_REASON]}
    runs = tuple(dict.fromkeys([*queued.runs, run]))[-MOST_WAITING:]
    return Queued(tuple(every), merged, queued.asked_at, runs)


def _settings(request: Mapping[str, Any]) -> tuple[Any, Any]:
    return request.get("definition"), request.get("parameters") or {}


def hand_over(turn: Turn, run: str, model: str, now: int) -> tuple[Turn, Handed | None]:
    """End `run`'s turn. Answers with the turn as it is to be and the run to start, if any.

    A run that does not hold the turn changes nothing, but is told again whom it handed it to.
    """
    if turn.holder != run:
        return turn, turn.handed if turn.handed and turn.handed.by == run else None
    if turn.queued is None:
        return replace(turn, holder=None, until=0, handed=None), None
    following = following_run_name(model, run, turn.queued.asked_at)
    handed = Handed(run, following, turn.queued.input, turn.queued.runs)
    return (
        replace(turn, holder=following, until=now + SECONDS_TO_OPEN, queued=None, handed=handed),
        handed,
    )
