"""What the rule remembers of a model from one tick to the next. Pure.

definition   the sha256 that was retrained with, or that the model was first seen with
changed_at   since when the current definition is another one
schedules    by work: the schedule, and up to when its times are dealt with
arrived      the data that no retraining has taken yet
alarm        the monitoring whose alarm a retraining answered
started      by work: the name and the time of the last start
held         by work that is asked for: since when it is held back on purpose, or until when it was
late         by work: the due time that was reported as late
budget       by its kind: the month and the limit whose reaching was reported
refused      by work: the start that was given up, with its time and error
reminded     by release that waits: the moment for which its approvers were reminded last
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from core.plan.calendar import last_due
from core.plan.facts import AHEAD, WORKS, Facts, Work, together
from core.plan.obstacles import KNOWN_OF
from core.plan.triggers import data_is_taken
from core.words.formats import parsed, timestamp


def after(
    facts: Facts,
    starts: Iterable[Mapping[str, Any]],
    waits: Iterable[Mapping[str, Any]],
    late: Iterable[Mapping[str, Any]],
    budget: Iterable[Mapping[str, Any]],
    reminders: Iterable[Mapping[str, Any]],
) -> dict[str, Any]:
    """The state after a decision. What is empty is left out."""
    mine = {each["work"]: each for each in starts if each["model"] == facts.model}
    state = {
        "definition": _definition(facts, mine),
        "changed_at": _changed_at(facts, mine),
        "schedules": _schedules(facts, mine),
        "arrived": _arrived(facts, mine),
        "alarm": _alarm(facts, mine),
        "started": {
            **(facts.state.get("started") or {}),
            **{
                work: {"name": each["name"], "at": timestamp(facts.at)}
                for work, each in mine.items()
            },
        },
        "held": _held(facts, waits),
        "late": {
            **(facts.state.get("late") or {}),
            **{each["work"]: each["due"] for each in late if each["model"] == facts.model},
        },
        "budget": {
            **(facts.state.get("budget") or {}),
            **{each["code"]: limit_of(each) for each in budget if each["model"] == facts.model},
        },
        "refused": _without(facts.state.get("refused"), mine),
        "reminded": _reminded(facts, reminders),
    }
    return {name: value for name, value in state.items() if value}


def held_until(facts: Facts, work: Work) -> datetime | None:
    """Until when it was held back on purpose, as far as earlier ticks know."""
    known = (facts.state.get("held") or {}).get(work) or {}
    begin, end = parsed(known.get("since")), parsed(known.get("until"))
    if any(each and each > facts.at + AHEAD for each in (begin, end)):
        return None
    return end or (facts.at if begin else None)


def late_reported(facts: Facts, work: Work) -> str | None:
    """The due time that was reported as late last."""
    return (facts.state.get("late") or {}).get(work)


def limit_of(reached: Mapping[str, Any]) -> dict[str, Any]:
    """What makes the reaching of a budget news: another month, or another limit."""
    return {name: reached[name] for name in ("month", "budget_usd")}


def taken(facts: Facts, work: Work) -> dict[str, Any]:
    """What a start of this work takes out of the state, to be given back if it is given up."""
    schedule = facts.schedule(work)
    handled = timestamp(facts.handled(work))
    found: dict[str, Any] = {"started": (facts.state.get("started") or {}).get(work)}
    if schedule is not None:
        found["schedule"] = {"schedule": dict(schedule), "handled": handled}
    if work != "retrain":
        return found
    if data_is_taken(facts):
        found["arrived"] = facts.arrived
    if facts.alarm is not None:
        found["alarm"] = facts.state.get("alarm")
    known, now = facts.state.get("definition"), facts.definition.get("sha256")
    if known is not None and known != now:
        changed_at = facts.state.get("changed_at") or timestamp(facts.at)
        found |= {"definition": known, "changed_at": changed_at}
    return found


def given_back(
    state: Mapping[str, Any], start: Mapping[str, Any], at: str, error: str
) -> dict[str, Any]:
    """The state once a start was given up: what asked for it asks again."""
    work, takes = start["work"], start.get("takes") or {}
    apart = ("schedule", "started")
    found = {**state, **{name: one for name, one in takes.items() if name not in apart}}
    started = {**(state.get("started") or {}), work: takes.get("started")}
    found["started"] = {name: one for name, one in started.items() if one}
    if "arrived" in takes:
        found["arrived"] = together(state.get("arrived"), takes["arrived"])
    known = (state.get("schedules") or {}).get(work)
    if known and known["schedule"] == (takes.get("schedule") or {}).get("schedule"):
        found["schedules"] = {**state["schedules"], work: takes["schedule"]}
    refused = {"name": start["name"], "at": at, "error": error}
    found["refused"] = {**(state.get("refused") or {}), work: refused}
    return {name: value for name, value in found.items() if value}


def _held(facts: Facts, waits: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    known = facts.state.get("held") or {}
    found: dict[str, Any] = {}
    for each in waits:
        work = each["work"]
        if each["model"] != facts.model or not each["reasons"]:
            continue
        if each["code"] in KNOWN_OF:
            goes_on = "since" in known.get(work, {})
            found[work] = known[work] if goes_on else {"since": timestamp(facts.at)}
        elif end := held_until(facts, work):
            found[work] = {"until": timestamp(end)}
    return found


def _without(known: Mapping[str, Any] | None, works: Mapping[str, Any]) -> dict[str, Any]:
    return {work: each for work, each in (known or {}).items() if work not in works}


def _reminded(facts: Facts, reminders: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    mine = [each for each in reminders if each["model"] == facts.model]
    now = {str(each["release"]): each["moment"] for each in mine}
    known = {**(facts.state.get("reminded") or {}), **now}
    waiting = {str(each["release"]) for each in facts.waiting}
    return {release: moment for release, moment in known.items() if release in waiting}


def _definition(facts: Facts, mine: Mapping[str, Any]) -> str | None:
    known, now = facts.state.get("definition"), facts.definition.get("sha256")
    return now if known is None or "retrain" in mine else known


def _changed_at(facts: Facts, mine: Mapping[str, Any]) -> str | None:
    known, now = facts.state.get("definition"), facts.definition.get("sha256")
    if known is None or known == now or "retrain" in mine:
        return None
    return facts.state.get("changed_at") or timestamp(facts.at)


def _schedules(facts: Facts, mine: Mapping[str, Any]) -> dict[str, Any]:
    """A start deals with all times that were due. While the model is paused, they pass."""
    if facts.problem is not None:
        return dict(facts.state.get("schedules") or {})
    found: dict[str, Any] = {}
    for work in WORKS:
        schedule = facts.schedule(work)
        if schedule is None:
            continue
        handled = facts.handled(work)
        if work in mine or facts.paused is not None:
            handled = last_due(schedule, handled, facts.at)[0] or handled
        found[work] = {"schedule": dict(schedule), "handled": timestamp(handled)}
    return found


def _arrived(facts: Facts, mine: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Data that still arrives when a retraining starts may be in it in part; it asks again."""
    return None if "retrain" in mine and data_is_taken(facts) else facts.arrived


def _alarm(facts: Facts, mine: Mapping[str, Any]) -> str | None:
    if "retrain" in mine and facts.alarm is not None:
        return facts.alarm.get("monitoring")
    return facts.state.get("alarm")
