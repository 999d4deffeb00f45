"""Keeps what the services hold on disk, so that it survives a restart and a killed process.

A service is saved about half a second after it changed, whole, into one file that is replaced at
once (see state_files); later where there is so much to save that it would take more than a tenth of
a processor. What a killed process loses is that time; S3 objects are written as they arrive, and
what must not be lost once it was promised (see `assembly.DURABLE`) is saved before the answer.
"""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from localaws import state_files

log = logging.getLogger(__name__)

DELAY_SECONDS = 0.4
LONGEST_DELAY_SECONDS = 5.0
# The pause after saving is so many times as long as the work it was.
PAUSE_FOR_WORK = 9
# Reading a service while it works may meet a dict that grows; the next try finds it at rest.
TRIES = 5

Take = Callable[[], dict[str, Any] | None]
Encode = Callable[[str, dict[str, Any]], str]


def delay(work_seconds: float) -> float:
    """Seconds from a change until it is saved, where the last time took the processor so long."""
    return min(max(DELAY_SECONDS, PAUSE_FOR_WORK * work_seconds), LONGEST_DELAY_SECONDS)


class Saver:
    """A background thread that saves the services marked as changed."""

    def __init__(self, folder: Path, encode: Encode) -> None:
        self._folder = folder
        self._encode = encode
        self._takers: dict[str, tuple[str, Take]] = {}
        self._saved: dict[str, int] = {}
        self._changed: set[str] = set()
        self._failing: set[str] = set()
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="saver", daemon=True)

    def start(self) -> None:
        """Begin to save."""
        self._thread.start()

    def keep(self, service: str, file: str, take: Take) -> None:
        """Save `service` into `file`; `take` returns its state, or None when it has none."""
        self._takers[service] = (file, take)

    def changed(self, *services: str) -> None:
        """Mark services as changed. Cheap; any thread may call it."""
        with self._lock:
            self._changed.update(services)
        self._wake.set()

    def changed_all(self) -> None:
        """Mark everything as changed."""
        self.changed(*self._takers)

    def save_now(self, service: str, *before: str) -> None:
        """Save a service before its caller is answered, and what changed in others `before` it."""
        with self._lock:
            changed = self._changed.intersection(before)
        for each in sorted(changed):
            self._save(each)
        self._save(service)

    def close(self) -> None:
        """Save everything a last time and stop."""
        self.changed_all()
        self._closing.set()
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        work_seconds = 0.0
        while not self._closing.is_set():
            self._wake.wait()
            self._closing.wait(delay(work_seconds))
            begun = time.thread_time()
            self._wake.clear()
            with self._lock:
                changed, self._changed = self._changed, set()
            # What was still changing is looked at again: some work goes on after its request.
            again = [service for service in sorted(changed) if self._tried(service)]
            if again:
                self.changed(*again)
            work_seconds = time.thread_time() - begun

    def _tried(self, service: str) -> bool:
        """Save; return whether to look again. A full disk must not end the thread for good."""
        try:
            saved = self._save(service)
        except OSError as error:
            if service not in self._failing:
                log.error("could not save %s: %s", service, error.strerror or error)
            self._failing.add(service)
            return True
        self._failing.discard(service)
        return saved

    def _save(self, service: str) -> bool:
        """Write the service's file if its content changed; return whether it did."""
        with self._writing:
            return self._write(service)

    def _write(self, service: str) -> bool:
        file, take = self._takers[service]
        text = self._read(service, take)
        if text is None:
            return False
        fingerprint = hash(text)
        if self._saved.get(service) == fingerprint:
            return False
        state_files.write(self._folder / f"{file}.json", text)
        self._saved[service] = fingerprint
        return True

    def _read(self, service: str, take: Take) -> str | None:
        for _ in range(TRIES):
            try:
                state = take()
                return None if state is None else self._encode(service, state)
            except RuntimeError:
                continue
        log.warning("could not save %s: it kept changing", service)
        self.changed(service)
        return None


_saver: Saver | None = None


def use(saver: Saver) -> None:
    """Make this the saver that `changed` notifies."""
    global _saver
    _saver = saver


def changed(*services: str) -> None:
    """Tell the stage that these services ("sagemaker", "lambda", ...) have something to save."""
    if _saver:
        _saver.changed(*services)


def changed_all() -> None:
    """Tell the stage that any service may have something to save."""
    if _saver:
        _saver.changed_all()


def save_now(service: str) -> None:
    """Save a service before going on. Not from under a lock that its `get_state` takes."""
    if _saver:
        _saver.save_now(service)
