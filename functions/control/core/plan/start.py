"""Start what was decided: once, however many ticks decide it, and whatever fails in between.

What is to start is written down first, under the condition that no other tick wrote since this one
read: of two ticks at once, one wins. Then it is started, under the name that was written; to start
the same again starts nothing. What could not be started stays written down, for the next tick.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from core.stage.plan_table import Planned
from core.words.formats import timestamp

if TYPE_CHECKING:
    from core.plan.gather import Gathered
    from core.plan.sources import Sources

Start = Mapping[str, Any]


@dataclass
class Outcome:
    """What became of the starts, by their names; `lost` are the models that another tick wrote."""

    started: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)


def start_what_was_left(
    sources: Sources, planned: Mapping[str, Planned], outcome: Outcome
) -> dict[str, Planned]:
    """What earlier ticks wrote down and did not start, or did not note as started.

    Returns the models' items as they are then. One that another tick wrote keeps its revision as it
    was read, so that nothing of this tick is written over it.
    """
    found = dict(planned)
    for model, seen in planned.items():
        if not seen.starting:
            continue
        left = _issue(sources, seen.starting, outcome)
        if len(left) == len(seen.starting):
            continue
        if sources.plans.keep_starting(model, seen.revision, left):
            found[model] = replace(seen, starting=left, revision=seen.revision + 1)
    return found


def carry_out(
    sources: Sources,
    gathered: Gathered,
    planned: Mapping[str, Planned],
    decision: Mapping[str, Any],
    now: datetime,
    outcome: Outcome,
) -> None:
    """Write every model's new state, and start what is to start of those that could be written."""
    wanted: dict[str, list[Start]] = {}
    for start in decision["starts"]:
        wanted.setdefault(start["model"], []).append(start)
    # What starts comes first: it waits for nobody's bookkeeping.
    for model in sorted(gathered.definitions, key=lambda each: (each not in wanted, each)):
        seen, starts = planned.get(model, Planned()), wanted.get(model, [])
        following = _following(seen, starts, decision["state"][model], gathered, model, now)
        if following == seen:
            continue
        if not sources.plans.write(model, seen, following):
            outcome.lost.append(model)
        elif starts:
            left = _issue(sources, [_written(each) for each in starts], outcome)
            still = (*seen.starting, *left)
            sources.plans.keep_starting(model, seen.revision + 1, still)


def _following(
    seen: Planned,
    starts: Iterable[Start],
    state: Mapping[str, Any],
    gathered: Gathered,
    model: str,
    now: datetime,
) -> Planned:
    """The model's item after the decision."""
    begun = {each["work"]: {"name": each["name"], "at": timestamp(now)} for each in starts}
    return replace(
        seen,
        state=state,
        starting=(*seen.starting, *(_written(each) for each in starts)),
        last={**seen.last, **begun},
        definition=gathered.definitions[model],
    )


def _written(start: Start) -> dict[str, Any]:
    return {name: start[name] for name in ("model", "work", "name", "input")}


def _issue(sources: Sources, starts: Sequence[Start], outcome: Outcome) -> tuple[Start, ...]:
    """Start each of them; returns those that could not be started now."""
    left = []
    for start in starts:
        try:
            sources.machine_of(start["work"]).start(start["name"], start["input"])
        except (ClientError, BotoCoreError) as error:
            outcome.left[start["name"]] = str(error)
            left.append(start)
        else:
            outcome.started.append(start["name"])
    return tuple(left)
