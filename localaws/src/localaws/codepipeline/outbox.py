"""Events that have just gone out are kept for a while, and go out again after a crash.

On AWS an event arrives at least once, and whoever follows a pipeline relies on it. Here it is
delivered within the process: one that dies with it would leave a release waiting for ever.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from localaws.codepipeline.deadlines import Deadlines
from localaws.codepipeline.ports import Ports
from localaws.emulator import Event

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
