"""What the planner's rule knows of a model: its part of the recorded input. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from core.reading import finite, mappings, one_or_more
from core.words.formats import parsed

Work = Literal["retrain", "score", "monitor"]
WORKS: tuple[Work, ...] = get_args(Work)
# Which of a monitoring's checks ask for which kind of retraining. Values that are missing, unknown
# or invalid are faults of the data that comes in, which no retraining cures.
ALARMS = {"drift": {"drift", "prediction"}, "quality": {"quality"}}
# Two ticks may come in the wrong order. What the state has from further ahead is of a tick that was
# asked for a time to come (`kanmon tick --at`), and does not count before that time.
AHEAD = timedelta(hours=1)


@dataclass(frozen=True)
class Facts:
    """A model as it is at one tick; `state` is what the rule itself left there before."""

    model: str
    at: datetime
    content: Mapping[str, Any]

    @property
    def state(self) -> Mapping[str, Any]:
        return self.content.get("state") or {}

    @property
    def definition(self) -> Mapping[str, Any]:
        return self.content.get("definition") or {}

    @property
    def retrain(self) -> Mapping[str, Any]:
        return self.definition.get("retrain") or {}

    @property
    def problem(self) -> str | None:
        """What is wrong with its model.yaml, if anything."""
        return self.definition.get("problem")

    def schedule(self, work: Work) -> Mapping[str, Any] | None:
        if work == "retrain":
            return self.retrain.get("schedule")
        return self.definition.get("batch_schedule" if work == "score" else "monitor_schedule")

    def handled(self, work: Work) -> datetime:
        """Up to when the schedule's times are dealt with; a new schedule begins now."""
        known = (self.state.get("schedules") or {}).get(work)
        if known is None or known["schedule"] != self.schedule(work):
            return self.at
        handled = parsed(known["handled"])
        return self.at if handled is None or handled > self.at + AHEAD else handled

    @property
    def arrived(self) -> Mapping[str, Any] | None:
        """All data that arrived since the last retraining: {first_at, last_at, objects}."""
        return together(self.state.get("arrived"), self.content.get("arrived"))

    @property
    def alarm(self) -> Mapping[str, Any] | None:
        """The monitor's alarm, unless a retraining answered it already."""
        watch = self.content.get("watch")
        if not watch or watch.get("state") != "alarm":
            return None
        return None if watch.get("monitoring") == self.state.get("alarm") else watch

    @property
    def paused(self) -> Mapping[str, Any] | None:
        return self.content.get("paused")

    @property
    def live(self) -> int | None:
        return self.content.get("live")

    def running(self, work: Work) -> str | None:
        return (self.content.get("running") or {}).get(work)

    def estimate(self, work: Work) -> float:
        """US dollars; 0 where no earlier one tells."""
        return finite((self.content.get("estimate_usd") or {}).get(work)) or 0.0

    @property
    def spent(self) -> float:
        """US dollars this month, with what runs now."""
        spent = finite(self.content.get("spent_usd")) or 0.0
        return spent + sum(self.estimate(work) for work in WORKS if self.running(work))

    @property
    def allowed(self) -> float:
        """US dollars that people allowed on top of this month's budget."""
        return allowed_usd(self.content)

    @property
    def budget(self) -> float | None:
        """US dollars of this month, with what people allowed on top."""
        budget = finite(self.definition.get("budget_usd"))
        return None if budget is None else budget + self.allowed

    @property
    def waiting(self) -> list[Mapping[str, Any]]:
        """The releases that wait for their review, each {release, since, until}.

        Older records name one alone.
        """
        return one_or_more(self.content.get("waiting"))

    def last_start(self, work: Work) -> datetime | None:
        return self._time_of("started", work)

    def refused_at(self, work: Work) -> datetime | None:
        """When its last start was given up, unless it has been started since."""
        return self._time_of("refused", work)

    def _time_of(self, kind: str, work: Work) -> datetime | None:
        known = (self.state.get(kind) or {}).get(work)
        at = parsed(known["at"]) if known else None
        return None if at is None or at > self.at + AHEAD else at


def together(*arrived: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What arrived at several times, as one."""
    known = [each for each in arrived if each]
    if not known:
        return None
    return {
        "first_at": min(each["first_at"] for each in known),
        "last_at": max(each["last_at"] for each in known),
        "objects": sum(each["objects"] for each in known),
    }


def allowed_usd(content: Mapping[str, Any]) -> float:
    """Of a model's part of the input, or the stage's: what people allowed on top of the budget."""
    return sum(finite(each.get("usd")) or 0.0 for each in mappings(content.get("allowed")))
