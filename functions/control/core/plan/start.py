"""Start what was decided, and tell it: once, however many ticks decide it, and whatever fails.

What is to start and to be told is written down first, under the condition that no other tick wrote
since this one read: of two ticks at once, one wins. Then it is started, under the name that was
written; to start the same again starts nothing. What could not be started or told now stays written
down, for the next tick. What can never be started is given up: what asked for it asks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from core.plan.refusals import for_good, in_words
from core.plan.state import given_back
from core.plan.telling import could_not_start, facts_by_model
from core.report.fact import read_stored
from core.stage.event_bus import EventNotTakenError
from core.stage.plan_table import Planned
from core.words.formats import parsed, timestamp

if TYPE_CHECKING:
    from core.plan.gather import Gathered
    from core.stage.gateways import Stage

Start = Mapping[str, Any]
# What is only left for later is reported once it has been left for so long.
REPORTED_AFTER = timedelta(hours=1)


@dataclass
class Outcome:
    """What became of the starts, by their names; `lost` are the models that another tick wrote.

    `refused` are those that were given up; `told` the events that were put on the bus. `silent`:
    why the bus did not take one; then the others wait for the next tick as well. `unreadable`: the
    ids of facts that another version of Kanmon wrote, which are dropped. `at`: the tick's time.
    """

    at: str = ""
    started: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    silent: str | None = None
    unreadable: list[str] = field(default_factory=list)


def start_what_was_left(
    stage: Stage, planned: Mapping[str, Planned], now: datetime, outcome: Outcome
) -> dict[str, Planned]:
    """What earlier ticks wrote down and did not do, or did not note as done.

    Returns the models' items as they are then. One that another tick wrote keeps its revision as it
    was read, so that nothing of this tick is written over it.
    """
    found = dict(planned)
    for model, seen in planned.items():
        if seen.starting or seen.telling:
            found[model] = _act(stage, model, seen, seen.starting, now, outcome)
    return found


def carry_out(
    stage: Stage,
    gathered: Gathered,
    decision: Mapping[str, Any],
    now: datetime,
    outcome: Outcome,
) -> None:
    """Write every model's new state, and do what is to be done of those that could be written."""
    wanted: dict[str, list[Start]] = {}
    for start in decision["starts"]:
        wanted.setdefault(start["model"], []).append(start)
    told = facts_by_model(decision, gathered.document, stage.name, stage.short_name)
    # What starts comes first: it waits for nobody's bookkeeping.
    for model in sorted(gathered.definitions, key=lambda each: (each not in wanted, each)):
        seen = gathered.planned.get(model, Planned())
        starts = [_written(each, now) for each in wanted.get(model, [])]
        following = replace(
            seen,
            state=decision["state"][model],
            starting=(*seen.starting, *starts),
            telling=(*seen.telling, *(each.document() for each in told.get(model, []))),
            last={**seen.last, **_begun(starts, now)},
            definition=gathered.definitions[model],
            reviews=gathered.reviews.get(model, seen.reviews),
        )
        if following == seen:
            continue
        if not stage.plans.write(model, seen, following):
            outcome.lost.append(model)
        elif starts or model in told:
            written = replace(following, revision=seen.revision + 1)
            _act(stage, model, written, starts, now, outcome)


def _begun(starts: Iterable[Start], now: datetime) -> dict[str, dict[str, str]]:
    return {each["work"]: {"name": each["name"], "at": timestamp(now)} for each in starts}


def _written(start: Start, now: datetime) -> dict[str, Any]:
    names = ("model", "work", "name", "input", "takes")
    return {**{name: start[name] for name in names}, "since": timestamp(now)}


def _act(
    stage: Stage,
    model: str,
    written: Planned,
    starts: Sequence[Start],
    now: datetime,
    outcome: Outcome,
) -> Planned:
    """Start these of a model's item and tell what it has to tell; the item as it is then."""
    state = written.state
    telling = list(written.telling)
    kept: list[Start] = [each for each in written.starting if each not in starts]
    last = dict(written.last)
    for start in starts:
        error = _issue(stage, start, outcome)
        if error is None:
            continue
        words, told = in_words(error), bool(start.get("told"))
        if for_good(error):
            state = given_back(state, start, outcome.at, words)
            last.pop(start["work"], None)
        else:
            kept.append({**start, "told": True} if _is_long(start, now) else start)
        if not told and (for_good(error) or _is_long(start, now)):
            fact = could_not_start(stage.name, stage.short_name, start, words, now)
            telling.append(fact.document())
    untold = _tell(stage, telling, outcome)
    following = replace(written, state=state, starting=tuple(kept), telling=untold, last=last)
    if following == written:
        return written
    if not stage.plans.write(model, written, following):
        return written
    return replace(following, revision=written.revision + 1)


def _is_long(start: Start, now: datetime) -> bool:
    since = parsed(start.get("since"))
    return since is not None and now - since >= REPORTED_AFTER


def _issue(stage: Stage, start: Start, outcome: Outcome) -> Exception | None:
    """Start it; the error if it has not been started."""
    name = start["name"]
    try:
        stage.machine_of(start["work"]).start(name, start["input"])
    except (ClientError, BotoCoreError) as error:
        (outcome.refused if for_good(error) else outcome.left)[name] = in_words(error)
        return error
    outcome.started.append(name)
    return None


def _tell(
    stage: Stage, telling: Sequence[Mapping[str, Any]], outcome: Outcome
) -> tuple[Mapping[str, Any], ...]:
    """Put the facts on the bus; returns those that it has not taken."""
    for number, document in enumerate(telling):
        fact = read_stored(document)
        if fact is None:
            outcome.unreadable.append(str(document.get("id")))
            continue
        if outcome.silent is None:
            try:
                stage.events.put(fact)
            except (ClientError, BotoCoreError, EventNotTakenError) as error:
                outcome.silent = str(error)
        if outcome.silent is not None:
            return tuple(telling[number:])
        outcome.told.append(str(document["event"]))
    return ()
