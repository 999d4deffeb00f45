"""The planner's rule: from all that is known at one moment, what starts, and why the rest does not.

Pure: the same document gives the same decision, today or in a year. docs/planning.md describes the
document; a tick records it (core.plan.tick), and `kanmon plan --explain --at` decides on it again.

Everything that was due while nothing could start is caught up once. What waits goes by how long it
has waited, then by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.names import new_run_name
from core.plan.calendar import month_of, next_due
from core.plan.facts import WORKS, Facts, Work, allowed_usd
from core.plan.obstacles import KNOWN_OF, Obstacle, Room, obstacle
from core.plan.reminders import reminders
from core.plan.state import after, held_until, late_reported, limit_of, taken
from core.plan.triggers import Trigger, data_is_quiet_at, triggers
from core.reading import finite
from core.words.catalogue import say
from core.words.formats import counted, moment, parsed, timestamp
from core.words.language import speaking, speech_of
from core.words.lists import clauses

FORMAT = 1
LONGEST_REASON = 1000
# A schedule's start that is later than this is reported, once. What was held back on purpose has
# so long from when nothing held it back any more.
LATE_AFTER = timedelta(minutes=60)


@dataclass(frozen=True)
class Wanted:
    """A piece of work that something asks for."""

    facts: Facts
    work: Work
    triggers: tuple[Trigger, ...]

    @property
    def since(self) -> datetime:
        return min(each.since for each in self.triggers)

    @property
    def reasons(self) -> list[str]:
        return [each.reason for each in self.triggers]


def decide(document: Mapping[str, Any]) -> dict[str, Any]:
    """The decision about a recorded input; both are described in docs/planning.md.

    Its words are in the language and the time zone of the input, whatever the stage speaks now.
    """
    stage = document["stage"]
    with speaking(speech_of(stage.get("language"), stage.get("time_zone"))):
        return _decided(document)


def _decided(document: Mapping[str, Any]) -> dict[str, Any]:
    at = _moment(document["at"])
    models = [Facts(name, at, each) for name, each in sorted(document["models"].items())]
    room = _room(document["stage"], models)
    coming = {each.model: _next(each) for each in models}
    wanted, waits = _asked(models, coming)
    starts: list[dict[str, Any]] = []
    blocked: list[tuple[Wanted, Obstacle]] = []
    for one in sorted(wanted, key=lambda each: (each.since, each.facts.model, each.work)):
        found = obstacle(one.facts, one.work, one.triggers, room)
        if found is not None:
            blocked.append((one, found))
            continue
        room.take(one.facts.estimate(one.work))
        starts.append(_start(one))
    waits += [_wait(one.facts, one.work, found, one.reasons) for one, found in blocked]
    late = [each for one, found in blocked for each in _late(one, found)]
    budget = _over_budget(at, models, room, blocked)
    reminded = reminders(models)
    said = (starts, waits, late, budget, reminded)
    return {
        "format": FORMAT,
        "at": timestamp(at),
        "starts": starts,
        "waits": sorted(waits, key=lambda each: (each["model"], WORKS.index(each["work"]))),
        "late": late,
        "budget": budget,
        "reminders": reminded,
        "next": coming,
        "state": {each.model: after(each, *said) for each in models},
    }


def _moment(text: str) -> datetime:
    at = parsed(text)
    if at is None:
        raise ValueError(f"{text!r} is not a time")
    return at


def _room(stage: Mapping[str, Any], models: list[Facts]) -> Room:
    running = sum(1 for each in models for work in WORKS if each.running(work))
    spent = finite(stage.get("spent_usd")) or 0.0
    spent += sum(each.estimate(work) for each in models for work in WORKS if each.running(work))
    budget, allowed = finite(stage.get("budget_usd")), allowed_usd(stage)
    limit = None if budget is None else budget + allowed
    return Room(int(stage["most_at_once"]) - running, limit, spent, allowed)


def _asked(
    models: list[Facts], coming: Mapping[str, Mapping[Work, str | None]]
) -> tuple[list[Wanted], list[dict[str, Any]]]:
    """What is asked for; and of the rest, why nothing asks for it."""
    wanted, waits = [], []
    for facts in models:
        for work in WORKS:
            if facts.problem is not None:
                words = say("plan.wait.invalid_definition", problem=facts.problem)
                waits.append(_wait(facts, work, Obstacle("invalid definition", words), []))
                continue
            found = triggers(facts, work)
            if found:
                wanted.append(Wanted(facts, work, tuple(found)))
            else:
                waits.append(
                    _wait(facts, work, _nothing(facts, work, coming[facts.model][work]), [])
                )
    return wanted, waits


def _nothing(facts: Facts, work: Work, due: str | None) -> Obstacle:
    """Why nothing asks for it; `due`: when its schedule does so next."""
    if facts.paused is not None:
        since, reason = moment(facts.paused.get("at")), facts.paused.get("reason", "")
        return Obstacle("paused", say("plan.wait.paused", since=since, reason=reason))
    arrived, quiet_at = facts.arrived, data_is_quiet_at(facts)
    if work == "retrain" and "data" in (facts.retrain.get("on") or []) and arrived and quiet_at:
        words = say(
            "plan.wait.data_arrives",
            files=counted(arrived["objects"], "file"),
            minutes=facts.retrain.get("quiet_minutes", 0),
            until=moment(timestamp(quiet_at)),
        )
        return Obstacle("data arrives", words, quiet_at)
    if due is None:
        return Obstacle("nothing due", say("plan.wait.nothing_scheduled"))
    return Obstacle("nothing due", say("plan.wait.not_due", next=moment(due)), _moment(due))


def _next(facts: Facts) -> dict[Work, str | None]:
    """When each kind of work is due next."""
    found: dict[Work, str | None] = {}
    for work in WORKS:
        schedule = facts.schedule(work)
        due = next_due(schedule, facts.at) if schedule and facts.problem is None else None
        found[work] = timestamp(due) if due else None
    return found


def _start(wanted: Wanted) -> dict[str, Any]:
    """The execution to start. Its name follows from the input alone."""
    facts, work = wanted.facts, wanted.work
    reason = clauses(wanted.reasons)[:LONGEST_REASON]
    seed = f"{work}|{timestamp(facts.at)}|{reason}".encode()
    return {
        "model": facts.model,
        "work": work,
        "name": new_run_name(facts.model, facts.at, seed),
        "kinds": [each.kind for each in wanted.triggers],
        "reasons": wanted.reasons,
        "input": {"model": facts.model, "reason": reason},
        "takes": taken(facts, work),
    }


def _wait(facts: Facts, work: Work, found: Obstacle, reasons: list[str]) -> dict[str, Any]:
    return {
        "model": facts.model,
        "work": work,
        "code": found.code,
        "because": found.because,
        "until": timestamp(found.until) if found.until else None,
        "reasons": reasons,
    }


def _late(wanted: Wanted, found: Obstacle) -> Iterator[dict[str, Any]]:
    """A schedule's start that is overdue, unless it was reported or people know of it anyhow."""
    facts, work = wanted.facts, wanted.work
    if found.code in KNOWN_OF:
        return
    for each in wanted.triggers:
        free_since = max(each.since, held_until(facts, work) or each.since)
        if each.kind != "schedule" or facts.at < free_since + LATE_AFTER:
            continue
        due = timestamp(each.since)
        if late_reported(facts, work) != due:
            words = say("plan.wait.late", due=moment(due), because=found.because)
            yield {"model": facts.model, "work": work, "due": due, "because": words}


def _over_budget(
    at: datetime, models: list[Facts], room: Room, blocked: list[tuple[Wanted, Obstacle]]
) -> list[dict[str, Any]]:
    """What is to be said about budgets: once for each month and limit of a model, or the stage."""
    found: list[dict[str, Any]] = []
    for one, stop in blocked:
        if stop.code not in ("model budget", "stage budget"):
            continue
        whole = stop.code == "stage budget"
        reached = {
            "model": one.facts.model,
            "work": one.work,
            "code": stop.code,
            "because": stop.because,
            "month": month_of(at),
            "budget_usd": room.budget if whole else one.facts.budget,
        }
        told = [each for each in found if each["code"] == stop.code]
        known = [
            (each.state.get("budget") or {}).get(stop.code)
            for each in (models if whole else [one.facts])
        ]
        if limit_of(reached) not in known and not any(
            whole or each["model"] == one.facts.model for each in told
        ):
            found.append(reached)
    return found
