"""What a decision of the planner reports, as facts of the stage's bus. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.reading import mapping, one_or_more
from core.report.fact import Fact
from core.words.catalogue import say
from core.words.formats import moment, sentence, timestamp

# What a fact calls the execution of each work.
_NAMED = {"retrain": "run", "score": "batch", "monitor": "monitoring"}


def facts_by_model(
    decision: Mapping[str, Any], document: Mapping[str, Any], stack: str, stage: str
) -> dict[str, list[Fact]]:
    """The facts, by the model whose item remembers that they were told."""
    of: dict[str, Any] = {"stack": stack, "stage": stage, "at": str(decision["at"])}
    found: dict[str, list[Fact]] = {}
    for each in decision["late"]:
        found.setdefault(each["model"], []).append(_late(each, of))
    for each in decision["budget"]:
        found.setdefault(each["model"], []).append(_budget(each, of))
    for each in decision["reminders"]:
        waiting = one_or_more(document["models"][each["model"]].get("waiting"))
        [release] = [one for one in waiting if one["release"] == each["release"]]
        found.setdefault(each["model"], []).append(_reminder(each, release, of))
    return found


def could_not_start(
    stack: str, stage: str, start: Mapping[str, Any], error: str, now: datetime
) -> Fact:
    """A piece of work that Step Functions refused to start, for good or for long."""
    work, name = str(start["work"]), str(start["name"])
    executions: dict[str, Any] = {_NAMED[work]: name}
    return Fact(
        event="job could not start",
        key=name,
        stack=stack,
        stage=stage,
        at=timestamp(now),
        model=str(start["model"]),
        summary=say("plan.told.could_not_start", work=say(f"plan.work.{work}"), error=error),
        reason=str(mapping(start.get("input")).get("reason") or "") or None,
        error=error.split(":")[0],
        **executions,
    )


def _late(late: Mapping[str, Any], of: Mapping[str, Any]) -> Fact:
    work = say(f"plan.work.{late['work']}")
    return Fact(
        event="late",
        key=f"{late['model']}/{late['work']}/{late['due']}",
        model=late["model"],
        summary=sentence(say("plan.told.late", work=work, because=late["because"])),
        **of,
    )


def _budget(reached: Mapping[str, Any], of: Mapping[str, Any]) -> Fact:
    """Of the stage's budget, no model is named but in words: it is of all of them."""
    whole = reached["code"] == "stage budget"
    about = "-" if whole else reached["model"]
    work = say(f"plan.work.{reached['work']}")
    return Fact(
        event="budget reached",
        key=f"{about}/{reached['month']}/{reached['budget_usd']:g}",
        model=None if whole else reached["model"],
        summary=sentence(
            say("plan.told.budget", model=reached["model"], work=work, because=reached["because"])
        ),
        **of,
    )


def _reminder(due: Mapping[str, Any], waiting: Mapping[str, Any], of: Mapping[str, Any]) -> Fact:
    return Fact(
        event="release reminder",
        key=f"{due['model']}/{due['release']}/{due['moment']}",
        model=due["model"],
        release=int(due["release"]),
        approval="manual",
        until=due["until"],
        summary=say(
            "plan.told.reminder",
            name=f"{due['model']}/{due['release']}",
            since=moment(due["since"]),
            until=moment(due["until"]),
        ),
        run=waiting.get("run"),
        package_arn=waiting.get("package_arn"),
        review_uri=waiting.get("review_uri"),
        execution=waiting.get("execution"),
        **of,
    )
