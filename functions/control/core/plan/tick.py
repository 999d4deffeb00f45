"""One tick: take what arrived, gather, decide, start, and record what was decided from what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from core.canonical import digest
from core.plan.facts import AHEAD
from core.plan.gather import Gathered, gather
from core.plan.rule import decide
from core.plan.start import Outcome, carry_out, start_what_was_left
from core.stage.plan_table import Recorded
from core.words.formats import timestamp

if TYPE_CHECKING:
    from core.plan.sources import Limits
    from core.stage.gateways import Stage


# The clocks of the schedule and of the function.
CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True)
class Tick:
    """What a tick did; `recorded` is where, None where nothing changed since the last record."""

    decision: Mapping[str, Any]
    outcome: Outcome
    recorded: str | None
    arrived: int = 0
    unknown: int = 0

    def document(self) -> dict[str, Any]:
        """For programs: the decision without what only the next tick needs, and what came of it."""
        said = {name: value for name, value in self.decision.items() if name != "state"}
        return {
            **said,
            "started": self.outcome.started,
            "left": self.outcome.left,
            "refused": self.outcome.refused,
            "lost": self.outcome.lost,
            "told": self.outcome.told,
            "arrived": self.arrived,
            "unknown": self.unknown,
            "recorded": self.recorded,
        }


class TickTimeError(Exception):
    """A tick that was asked for a time to come, where only the clock makes ticks."""


def time_of(at: datetime, now: datetime, stage: str) -> datetime:
    """The time that a tick decides about; `at` is the one that it was asked for.

    One of a later time starts what is due until then, too early; only a laptop may try it, where
    the state that it leaves does not count before that time. One that comes late is a tick of now:
    what later ones have dealt with would look undone to it. `kanmon tick` refuses such a time.
    """
    if stage == "local":
        return at
    if at < now - AHEAD:
        return now.replace(microsecond=0)
    if at > now + CLOCKS_DIFFER:
        raise TickTimeError(
            f"{timestamp(at)} is still to come; `kanmon plan --at {timestamp(at)}` shows what would"
            " start then, and starts nothing"
        )
    return at


def tick(stage: Stage, limits: Limits, at: datetime, now: datetime) -> Tick:
    """Plan for the time `at`; `now` is the clock's. Twice for one time, or at once, is safe."""
    arrivals = stage.arrivals.take()
    gathered = gather(stage, limits, at, now, arrivals)
    outcome = Outcome(timestamp(at))
    # What was given up in this asks again, so the decision is about the states after it.
    gathered = gathered.with_states(start_what_was_left(stage, gathered.planned, now, outcome))
    decision = decide(gathered.document)
    carry_out(stage, gathered, decision, now, outcome)
    stage.arrivals.remove(_settled(gathered, outcome))
    recorded = _record(stage, gathered, decision, outcome, timestamp(at))
    return Tick(decision, outcome, recorded, len(arrivals), len(gathered.unknown))


def _settled(gathered: Gathered, outcome: Outcome) -> list[str]:
    """The messages that no later tick needs: every model of theirs has been written.

    What is of no model is dropped: the data of a model that is gone, or of one that is still to
    come. Where a new model's data lies, the planner looks when it first sees the model.
    """
    waiting = {
        arrival.receipt for model in outcome.lost for arrival in gathered.arrived.get(model, ())
    }
    all_of_them = [
        *(arrival.receipt for some in gathered.arrived.values() for arrival in some),
        *(arrival.receipt for arrival in gathered.unknown),
    ]
    return [receipt for receipt in dict.fromkeys(all_of_them) if receipt not in waiting]


def _record(
    stage: Stage,
    gathered: Gathered,
    decision: Mapping[str, Any],
    outcome: Outcome,
    at: str,
) -> str | None:
    """Keep input and decision where they say something new; where they are then.

    Of two ticks at once, the one that came too late with everything leaves it to the other.
    """
    if outcome.lost and not outcome.started:
        return None
    waits = digest([[each["model"], each["work"], each["code"]] for each in decision["waits"]])
    known = digest({key: value for key, value in gathered.document.items() if key != "at"})
    told = any(decision.get(name) for name in ("starts", "late", "budget", "reminders"))
    if not told and (known, waits) == (gathered.recorded.input, gathered.recorded.waits):
        return None
    key = stage.store.plan_key(at)
    record = {"format": 1, "input": gathered.document, "decision": decision}
    stage.store.write_json(key, {**record, "lost": outcome.lost})
    stage.plans.write_recorded(Recorded(at, known, waits))
    return stage.store.uri(key)
