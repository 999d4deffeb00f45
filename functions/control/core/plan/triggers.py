"""Why something is to start: a schedule, new data, a changed definition, an alarm. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from core.plan.calendar import last_due, next_due
from core.plan.facts import ALARMS, Facts, Work
from core.words.catalogue import say
from core.words.formats import counted, moment, parsed, timestamp


@dataclass(frozen=True)
class Trigger:
    """`since`: the moment from which it is wanted, which decides who is served first.

    `due`: of a schedule, the last of the times that ask; `since` is the first of them.
    """

    kind: Literal["schedule", "data", "definition", "alarm"]
    since: datetime
    reason: str
    due: datetime | None = None


def triggers(facts: Facts, work: Work) -> list[Trigger]:
    """All that ask for this work now."""
    found = [_scheduled(facts, work)]
    if work == "retrain":
        wanted = set(facts.retrain.get("on") or [])
        found += [
            _data(facts) if "data" in wanted else None,
            _definition(facts) if "definition" in wanted else None,
            _alarm(facts, wanted),
        ]
    return [each for each in found if each is not None]


def data_is_quiet_at(facts: Facts) -> datetime | None:
    """From when the data that arrived counts as complete; None if none arrived."""
    arrived = facts.arrived
    last = parsed(arrived["last_at"]) if arrived else None
    return last + timedelta(minutes=facts.retrain.get("quiet_minutes", 0)) if last else None


def data_is_taken(facts: Facts) -> bool:
    """Whether a retraining that starts now has all the data that arrived."""
    quiet_at = data_is_quiet_at(facts)
    return quiet_at is not None and facts.at >= quiet_at


def _scheduled(facts: Facts, work: Work) -> Trigger | None:
    schedule = facts.schedule(work)
    if schedule is None:
        return None
    handled = facts.handled(work)
    due, times = last_due(schedule, handled, facts.at)
    if due is None:
        return None
    first = next_due(schedule, handled) or due
    written = moment(timestamp(due), ZoneInfo(schedule["time_zone"]))
    reason = say("plan.reason.schedule", due=written)
    if times > 1:
        reason = say("plan.reason.missed", reason=reason, times=counted(times - 1, "time"))
    return Trigger("schedule", first, reason, due)


def _data(facts: Facts) -> Trigger | None:
    arrived, quiet_at = facts.arrived, data_is_quiet_at(facts)
    if arrived is None or quiet_at is None or facts.at < quiet_at:
        return None
    last = moment(arrived["last_at"])
    files = counted(arrived["objects"], "file")
    return Trigger("data", quiet_at, say("plan.reason.data", files=files, last=last))


def _definition(facts: Facts) -> Trigger | None:
    """The one that the model was first seen with is not a change."""
    known, now = facts.state.get("definition"), facts.definition.get("sha256")
    if known is None or known == now:
        return None
    since = parsed(facts.state.get("changed_at")) or facts.at
    return Trigger("definition", since, say("plan.reason.definition", sha256=str(now)[:12]))


def _alarm(facts: Facts, wanted: set[str]) -> Trigger | None:
    alarm = facts.alarm
    if alarm is None:
        return None
    checks = set(alarm.get("checks") or [])
    kinds = [kind for kind in ALARMS if kind in wanted and checks & ALARMS[kind]]
    if not kinds:
        return None
    names = say("list.and").join(say(f"plan.alarm.{kind}") for kind in kinds)
    reason = say("plan.reason.alarm", kinds=names, monitoring=alarm["monitoring"])
    return Trigger("alarm", parsed(alarm.get("at")) or facts.at, reason)
