"""Calls at a moment, on one thread, however many wait and however long."""

import heapq
import itertools
import logging
import threading
from collections.abc import Callable

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
