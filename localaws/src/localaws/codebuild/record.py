"""A build as the API shows it, from SUBMITTED to COMPLETED, and the events on its way."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from localaws.codebuild import progress
from localaws.codebuild.events import phase_change, state_change
from localaws.emulator import Event


class PhaseFailedError(Exception):
    """The phase ends here. `status` is the phase's; `code` and the text are its context."""

    def __init__(self, code: str, message: str, status: str = progress.FAILED) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class Record:
    """Changes one build's record, under the service's lock, and tells of every change."""

    def __init__(
        self,
        build: dict[str, Any],
        lock: AbstractContextManager[Any],
        emit: Callable[[Event], None],
        changed: Callable[[], None],
    ) -> None:
        self.build = build
        self._lock = lock
        self._emit = emit
        self._changed = changed

    def submitted(self) -> None:
        """Note that the build was accepted and waits."""
        self._begin(progress.SUBMITTED)
        self._emit(state_change(self.build))
        self._end(progress.SUCCEEDED)
        self._begin(progress.QUEUED)

    def update(self, **values: Any) -> None:
        with self._lock:
            self.build.update(values)
        self._changed()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Be in a phase, beginning it unless it is the current one.

        PhaseFailedError ends it as it says and goes on to the caller.
        """
        if self.build["currentPhase"] != name:
            self._begin(name)
        try:
            yield
        except PhaseFailedError as error:
            self._end(error.status, error.code, str(error))
            raise
        except BaseException as error:
            self._end(progress.FAULT, "INTERNAL_ERROR", str(error))
            raise
        self._end(progress.SUCCEEDED)

    def status_of(self, name: str) -> str:
        """How the named phase ended; SUCCEEDED where the build never came to it."""
        ended = [phase for phase in self.build["phases"] if phase["phaseType"] == name]
        return str(ended[0].get("phaseStatus", "")) if ended else progress.SUCCEEDED

    def complete(self) -> None:
        """Close the record with the status that its phases add up to."""
        statuses = {
            phase["phaseType"]: phase.get("phaseStatus", "") for phase in self.build["phases"]
        }
        self._begin(progress.COMPLETED)
        with self._lock:
            self.build.update(
                buildStatus=progress.outcome(statuses), buildComplete=True, endTime=time.time()
            )
        self._changed()
        self._emit(state_change(self.build))

    def interrupt(self, message: str) -> None:
        """Close the record of a build that cannot be running any more."""
        if self.build["currentPhase"] != progress.COMPLETED:
            self._end(progress.FAULT, "INTERNAL_ERROR", message)
        self.complete()

    def _begin(self, name: str) -> None:
        with self._lock:
            self.build["currentPhase"] = name
            self.build["phases"].append({"phaseType": name, "startTime": time.time()})
        self._changed()

    def _end(self, status: str, code: str = "", message: str = "") -> None:
        with self._lock:
            phase = self.build["phases"][-1]
            now = time.time()
            phase.update(
                phaseStatus=status,
                endTime=now,
                durationInSeconds=int(now - phase["startTime"]),
                contexts=[{"statusCode": code, "message": message}],
            )
        self._changed()
        self._emit(phase_change(self.build, phase))
