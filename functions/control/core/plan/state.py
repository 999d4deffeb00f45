"""What the rule remembers of a model from one tick to the next. Pure.

definition   the sha256 that was retrained with, or that the model was first seen with
changed_at   since when the current definition is another one
schedules    by work: the schedule, and up to when its times are dealt with
arrived      the data that no retraining has taken yet
alarm        the monitoring whose alarm a retraining answered
started      by work: the name and the time of the last start
late         by work: the due time that was reported as late
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from core.plan.calendar import last_due
from core.plan.facts import WORKS, Facts, Work
from core.plan.triggers import data_is_quiet_at
from core.words.formats import timestamp


def after(
    facts: Facts,
    starts: Iterable[Mapping[str, Any]],
    late: Iterable[Mapping[str, Any]],
    budget: Iterable[Mapping[str, Any]],
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
        "late": {
            **(facts.state.get("late") or {}),
            **{each["work"]: each["due"] for each in late if each["model"] == facts.model},
        },
        "budget": {
            **(facts.state.get("budget") or {}),
            **{each["code"]: each["month"] for each in budget if each["model"] == facts.model},
        },
    }
    return {name: value for name, value in state.items() if value}


def late_reported(facts: Facts, work: Work) -> str | None:
    """The due time that was reported as late last."""
    return (facts.state.get("late") or {}).get(work)


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
    quiet_at = data_is_quiet_at(facts)
    taken = "retrain" in mine and quiet_at is not None and facts.at >= quiet_at
    return None if taken else facts.arrived


def _alarm(facts: Facts, mine: Mapping[str, Any]) -> str | None:
    if "retrain" in mine and facts.alarm is not None:
        return facts.alarm.get("monitoring")
    return facts.state.get("alarm")
