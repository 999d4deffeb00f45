"""Documents of the planner's rule, and a world without AWS in which it ticks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from core.plan.rule import decide

NIGHTLY = {"cron": "30 2 * * *", "time_zone": "Europe/Berlin"}
MONTHLY = {"cron": "0 6 1 * *", "time_zone": "Europe/Berlin"}
SHA = "a" * 64


def moment(text: str) -> datetime:
    """
    >>> moment("2026-11-30 03:00")
    datetime.datetime(2026, 11, 30, 3, 0, tzinfo=datetime.timezone.utc)
    """
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def written(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def definition(**keys: Any) -> dict[str, Any]:
    """`retrain` is merged into the defaults of model.yaml."""
    retrain = {"schedule": None, "on": [], "quiet_minutes": 30, "cool_down_hours": 24}
    return {
        "sha256": SHA,
        "batch_schedule": None,
        "monitor_schedule": None,
        "budget_usd": None,
        "quiet_hours": None,
        **keys,
        "retrain": {**retrain, **keys.get("retrain", {})},
    }


def model(**keys: Any) -> dict[str, Any]:
    """A model in service that nothing has happened to yet."""
    return {
        "definition": definition(),
        "paused": None,
        "arrived": None,
        "watch": None,
        "live": 1,
        "running": {},
        "spent_usd": 0.0,
        "estimate_usd": {},
        "state": {},
        **keys,
    }


def document(at: datetime, models: Mapping[str, Any], **stage: Any) -> dict[str, Any]:
    return {
        "format": 1,
        "at": written(at),
        "stage": {"budget_usd": None, "spent_usd": 0.0, "most_at_once": 20, **stage},
        "models": dict(models),
    }


class World:
    """Models over time. Work takes `minutes` and costs `usd`."""

    def __init__(self, begin: datetime, models: Mapping[str, Any], **stage: Any) -> None:
        self.at = begin
        self.models = {name: dict(each) for name, each in models.items()}
        self.stage = stage
        self.minutes = {"retrain": 20, "score": 10, "monitor": 5}
        self.usd = {"retrain": 1.0, "score": 0.5, "monitor": 0.1}
        self.started: list[tuple[str, str, str, tuple[str, ...]]] = []
        self.decisions: list[dict[str, Any]] = []
        self._ends: dict[tuple[str, str], datetime] = {}
        self._month = begin.month

    def tick(self) -> dict[str, Any]:
        """Decide now, and keep the state; what starts runs from now on."""
        self._pass_time()
        decided = decide(document(self.at, self.models, **self._spent()))
        self.decisions.append(decided)
        for name, state in decided["state"].items():
            self.models[name] |= {"state": state, "arrived": None}
        for start in decided["starts"]:
            name, work = start["model"], start["work"]
            self.started.append((written(self.at), name, work, tuple(start["kinds"])))
            self._ends[name, work] = self.at + timedelta(minutes=self.minutes[work])
            running = {**self.models[name]["running"], work: start["name"]}
            self.models[name]["running"] = running
        return decided

    def run_until(self, end: datetime, minutes: int = 5) -> None:
        """Tick every so many minutes; the last tick is at `end` or before."""
        while self.at + timedelta(minutes=minutes) <= end:
            self.at += timedelta(minutes=minutes)
            self.tick()

    def put(self, name: str, objects: int = 1) -> None:
        """Data arrives now."""
        known = self.models[name]["arrived"]
        now = written(self.at)
        self.models[name]["arrived"] = {
            "first_at": known["first_at"] if known else now,
            "last_at": now,
            "objects": objects + (known["objects"] if known else 0),
        }

    def _pass_time(self) -> None:
        if self.at.month != self._month:
            self._month = self.at.month
            for each in self.models.values():
                each["spent_usd"] = 0.0
        for (name, work), end in list(self._ends.items()):
            if end <= self.at:
                del self._ends[name, work]
                each = self.models[name]
                each["running"] = {key: one for key, one in each["running"].items() if key != work}
                each["spent_usd"] += self.usd[work]
                each["estimate_usd"] = {**each["estimate_usd"], work: self.usd[work]}

    def _spent(self) -> dict[str, Any]:
        spent = sum(each["spent_usd"] for each in self.models.values())
        return {**self.stage, "spent_usd": spent}
