"""Why something that is to start cannot start yet, and until when. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from core.plan.calendar import next_month, quiet_until
from core.plan.facts import Facts, Work
from core.plan.triggers import Trigger
from core.words.catalogue import say
from core.words.formats import dollars, moment, timestamp

Code = Literal[
    "invalid definition",
    "paused",
    "nothing due",
    "data arrives",
    "no release",
    "running",
    "could not start",
    "cool-down",
    "quiet hours",
    "model budget",
    "stage budget",
    "queue",
]


TRY_AGAIN_AFTER = timedelta(days=1)
# What people decided, or are told of as such: work that it holds back is not late. An execution
# that still runs and a stage that is full are neither: nobody decided that, and it may hang.
KNOWN_OF: frozenset[Code] = frozenset(
    {"paused", "no release", "could not start", "quiet hours", "model budget", "stage budget"}
)


@dataclass(frozen=True)
class Obstacle:
    """`until`: when it ends, where that is known."""

    code: Code
    because: str
    until: datetime | None = None


@dataclass
class Room:
    """What the stage can still start in this tick; each start takes its part.

    `allowed`: the part of the budget that people allowed on top of it.
    """

    places: int
    budget: float | None
    spent: float
    allowed: float = 0.0

    def take(self, estimate: float) -> None:
        self.places -= 1
        self.spent += estimate


def obstacle(facts: Facts, work: Work, found: Sequence[Trigger], room: Room) -> Obstacle | None:
    """The first thing in the way of a start that `found` asks for."""
    return (
        _paused(facts)
        or _without_release(facts, work)
        or _running(facts, work)
        or _refused(facts, work, found)
        or _cooling_down(facts, work, found)
        or _quiet(facts)
        or _model_budget(facts, work)
        or _stage_budget(facts, work, room)
        or _queue(room)
    )


def _paused(facts: Facts) -> Obstacle | None:
    if facts.paused is None:
        return None
    since = moment(facts.paused.get("at"))
    reason = facts.paused.get("reason", "")
    return Obstacle("paused", say("plan.wait.paused", since=since, reason=reason))


def _without_release(facts: Facts, work: Work) -> Obstacle | None:
    if work == "retrain" or facts.live is not None:
        return None
    return Obstacle("no release", say("plan.wait.no_release"))


def _running(facts: Facts, work: Work) -> Obstacle | None:
    name = facts.running(work)
    return Obstacle("running", say("plan.wait.running", name=name)) if name else None


def _refused(facts: Facts, work: Work, found: Sequence[Trigger]) -> Obstacle | None:
    """A start that was given up is tried again a day later, or when a schedule asks anew."""
    since = facts.refused_at(work)
    if since is None or facts.at >= since + TRY_AGAIN_AFTER:
        return None
    if any(each.due is not None and each.due > since for each in found):
        return None
    until = since + TRY_AGAIN_AFTER
    error = facts.state["refused"][work]["error"]
    words = say("plan.wait.refused", error=error, until=moment(timestamp(until)))
    return Obstacle("could not start", words, until)


def _cooling_down(facts: Facts, work: Work, found: Sequence[Trigger]) -> Obstacle | None:
    """Only for data and alarms, which can come at any time."""
    hours = facts.retrain.get("cool_down_hours") or 0
    last = facts.last_start(work)
    if work != "retrain" or not hours or last is None:
        return None
    if any(each.kind in ("schedule", "definition") for each in found):
        return None
    until = last + timedelta(hours=hours)
    if facts.at >= until:
        return None
    words = say("plan.wait.cool_down", hours=f"{hours:g}", until=moment(timestamp(until)))
    return Obstacle("cool-down", words, until)


def _quiet(facts: Facts) -> Obstacle | None:
    hours = facts.definition.get("quiet_hours")
    until = quiet_until(hours, facts.at) if hours else None
    if until is None:
        return None
    words = say("plan.wait.quiet_hours", until=moment(timestamp(until)))
    return Obstacle("quiet hours", words, until)


def _model_budget(facts: Facts, work: Work) -> Obstacle | None:
    room = Room(0, facts.budget, facts.spent, facts.allowed)
    return _over("model budget", facts, work, room)


def _stage_budget(facts: Facts, work: Work, room: Room) -> Obstacle | None:
    return _over("stage budget", facts, work, room)


def _over(
    code: Literal["model budget", "stage budget"],
    facts: Facts,
    work: Work,
    room: Room,
) -> Obstacle | None:
    """With no earlier one to estimate from, it starts as long as anything is left."""
    estimate = facts.estimate(work)
    budget, spent = room.budget, room.spent
    if budget is None or (spent < budget and spent + estimate <= budget):
        return None
    limit = dollars(budget)
    if room.allowed:
        limit = say("plan.allowance.budget", budget=limit, allowed=dollars(room.allowed))
    words = say(
        f"plan.over.{code.replace(' ', '_')}",
        budget=limit,
        spent=dollars(spent),
        estimate=dollars(estimate),
    )
    return Obstacle(code, words, next_month(facts.at))


def _queue(room: Room) -> Obstacle | None:
    return Obstacle("queue", say("plan.wait.queue")) if room.places <= 0 else None
