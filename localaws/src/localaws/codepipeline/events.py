"""CodePipeline's events, their way to the event bus, and what is due at a time."""

import heapq
import itertools
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from localaws.codepipeline.account import Ports
from localaws.emulator import Event

log = logging.getLogger(__name__)

# The wait's own clock stands still while the machine sleeps; the wall clock is read this often.
LONGEST_WAIT_SECONDS = 30.0


class Deadlines:
    """A thread that begins with the first deadline."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._changed = threading.Condition()
        self._order = itertools.count()
        self._started = False
        self._closed = False

    def at(self, moment: float, call: Callable[[], None]) -> None:
        """Have `call` called once, soon after the moment (seconds since the epoch)."""
        with self._changed:
            heapq.heappush(self._heap, (moment, next(self._order), call))
            if not self._started:
                self._started = True
                threading.Thread(target=self._run, name="deadlines", daemon=True).start()
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _run(self) -> None:
        while (call := self._due()) is not None:
            try:
                call()
            except Exception:
                log.exception("a deadline could not be kept")

    def _due(self) -> Callable[[], None] | None:
        with self._changed:
            while not self._closed:
                if not self._heap:
                    self._changed.wait()
                    continue
                left = self._heap[0][0] - self._now()
                if left <= 0:
                    return heapq.heappop(self._heap)[2]
                self._changed.wait(min(left, LONGEST_WAIT_SECONDS))
        return None


SOURCE = "aws.codepipeline"
EXECUTION = "CodePipeline Pipeline Execution State Change"


def iso(at: float) -> str:
    """
    >>> iso(0.25)
    '1970-01-01T00:00:00.250Z'
    """
    moment = datetime.fromtimestamp(at, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def pipeline_event(arn: str, execution: Mapping[str, Any], state: str) -> Event:
    detail = {**_of_execution(execution), "start-time": iso(execution["started"]), "state": state}
    if state == "STARTED":
        trigger = execution["trigger"]
        detail["execution-trigger"] = {
            "trigger-type": trigger["triggerType"],
            "trigger-detail": trigger["triggerDetail"],
        }
    reason = (execution.get("stopping") or {}).get("reason")
    if state in ("STOPPING", "STOPPED") and reason:
        detail["stop-execution-comments"] = reason
    return Event(SOURCE, EXECUTION, arn, detail)


def stage_event(arn: str, execution: Mapping[str, Any], name: str, state: str) -> Event:
    stage = execution["stages"][name]
    detail = {**_of_execution(execution), "stage": name, "state": state}
    if stage["started"] is not None:
        detail["start-time"] = iso(stage["started"])
    if stage.get("retried"):
        detail["stage-last-retry-attempt-time"] = iso(stage["retried"])
    return Event(SOURCE, "CodePipeline Stage Execution State Change", arn, detail)


def action_event(
    arn: str, execution: Mapping[str, Any], record: Mapping[str, Any], state: str
) -> Event:
    type_id = record["input"]["actionTypeId"]
    detail = {
        **_of_execution(execution),
        "start-time": iso(record["started"]),
        "stage": record["stage"],
        "action-execution-id": record["id"],
        "action": record["action"],
        "state": state,
        "region": record["input"]["region"],
        "type": {key: type_id[key] for key in ("owner", "provider", "category", "version")},
    }
    ended = state != "STARTED"
    result = _of_result(record["result"]) if ended else {}
    outputs = record["outputs"] if state == "SUCCEEDED" else []
    for key, value in (
        ("execution-result", result),
        ("input-artifacts", [] if ended else record["input"]["inputArtifacts"]),
        ("output-artifacts", outputs),
    ):
        if value:
            detail[key] = value
    return Event(SOURCE, "CodePipeline Action Execution State Change", arn, detail)


def _of_execution(execution: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "pipeline": execution["pipeline"],
        "execution-id": execution["id"],
        "version": float(execution["version"]),
        "pipeline-execution-attempt": float(execution["attempt"]),
    }


def _of_result(result: Mapping[str, Any]) -> dict[str, str]:
    named = {
        "external-execution-url": result.get("externalExecutionUrl"),
        "external-execution-summary": result.get("externalExecutionSummary"),
        "external-execution-id": result.get("externalExecutionId"),
        "error-code": result.get("errorDetails", {}).get("code"),
    }
    return {key: value for key, value in named.items() if value}


# Within this time the functions that an event calls have done their work.
KEPT_SECONDS = 5.0


class Outbox:
    """The last seconds' events, oldest first. Callers hold the service's lock."""

    def __init__(self, ports: Ports, deadlines: Deadlines, lock: threading.RLock) -> None:
        self._now: Callable[[], float] = ports.now
        self._send = ports.emit
        self._changed = ports.changed
        self._deadlines = deadlines
        self._lock = lock
        self._scheduled = False
        self.state: list[dict[str, Any]] = []

    def emit(self, event: Event) -> None:
        self.state.append({"at": self._now(), "event": asdict(event)})
        self._schedule()
        self._send(event)

    def load(self, kept: Iterable[Mapping[str, Any]]) -> None:
        """Send again what an earlier process may not have delivered."""
        for entry in kept:
            self.emit(Event(**entry["event"]))

    def _schedule(self) -> None:
        if self.state and not self._scheduled:
            self._scheduled = True
            self._deadlines.at(self.state[0]["at"] + KEPT_SECONDS, self._forget)

    def _forget(self) -> None:
        with self._lock:
            oldest = self._now() - KEPT_SECONDS
            self.state = [entry for entry in self.state if entry["at"] > oldest]
            self._scheduled = False
            self._schedule()
            self._changed()
