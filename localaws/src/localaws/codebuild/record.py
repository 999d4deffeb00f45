"""What is kept and shown of a build: its phases, its events, its log.

A failure in INSTALL or PRE_BUILD ends the build. After BUILD, POST_BUILD runs in any case, and
artifacts are uploaded in any case after POST_BUILD. `on-failure` in the buildspec overrides that:
ABORT ends the build, CONTINUE goes on. A phase that failed makes the build FAILED in every case.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from localaws.codebuild.account import Names, Ports
from localaws.codebuild.buildspec import Phase
from localaws.emulator import Event
from localaws.jobs.logs import Tail

SUBMITTED, QUEUED, PROVISIONING = "SUBMITTED", "QUEUED", "PROVISIONING"
DOWNLOAD_SOURCE, UPLOAD_ARTIFACTS = "DOWNLOAD_SOURCE", "UPLOAD_ARTIFACTS"
INSTALL, PRE_BUILD, BUILD, POST_BUILD = "INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD"
FINALIZING, COMPLETED = "FINALIZING", "COMPLETED"
IN_PROGRESS, SUCCEEDED, FAILED = "IN_PROGRESS", "SUCCEEDED", "FAILED"
FAULT, STOPPED, TIMED_OUT = "FAULT", "STOPPED", "TIMED_OUT"

ORDER = (INSTALL, PRE_BUILD, BUILD, POST_BUILD, UPLOAD_ARTIFACTS)
GOES_ON_AFTER_FAILURE = (BUILD, POST_BUILD)


def following(phase: str, status: str, phases: Mapping[str, Phase]) -> str:
    """The phase after one of ORDER that ended so; FINALIZING when there is nothing left to do.

    >>> following("BUILD", "FAILED", {}), following("PRE_BUILD", "FAILED", {})
    ('POST_BUILD', 'FINALIZING')
    """
    after = (*ORDER, FINALIZING)[ORDER.index(phase) + 1]
    if status == SUCCEEDED:
        return after
    if status != FAILED:
        return FINALIZING  # it was stopped, or ran out of time
    wanted = phases.get(phase.lower(), Phase()).on_failure
    if wanted is None:
        wanted = "CONTINUE" if phase in GOES_ON_AFTER_FAILURE else "ABORT"
    return after if wanted == "CONTINUE" else FINALIZING


def outcome(statuses: Mapping[str, str]) -> str:
    """The build's status, from those of its phases."""
    for worst in (STOPPED, TIMED_OUT, FAULT, FAILED):
        if worst in statuses.values():
            return worst
    return SUCCEEDED


SOURCE = "aws.codebuild"
STATE_CHANGE = "CodeBuild Build State Change"
PHASE_CHANGE = "CodeBuild Build Phase Change"


def state_change(build: Mapping[str, Any]) -> Event:
    """A build has begun or ended."""
    detail = {
        "build-status": build["buildStatus"],
        **common(build),
        "current-phase": build["currentPhase"],
        "current-phase-context": "[]",
    }
    return Event(SOURCE, STATE_CHANGE, build["arn"], detail)


def phase_change(build: Mapping[str, Any], phase: Mapping[str, Any]) -> Event:
    """A phase of a build has ended."""
    detail = {
        "completed-phase": phase["phaseType"],
        **common(build),
        "completed-phase-context": f"[{', '.join(contexts(phase))}]",
        "completed-phase-status": phase["phaseStatus"],
        "completed-phase-duration-seconds": float(phase["durationInSeconds"]),
        "completed-phase-start": clock(phase["startTime"]),
        "completed-phase-end": clock(phase["endTime"]),
    }
    return Event(SOURCE, PHASE_CHANGE, build["arn"], detail)


def common(build: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "project-name": build["projectName"],
        "build-id": build["arn"],
        "additional-information": additional(build),
        "version": "1",
    }


def additional(build: Mapping[str, Any]) -> dict[str, Any]:
    environment, logs = build["environment"], build["logs"]
    artifact = build["artifacts"]
    return {
        "artifact": {
            key: artifact[key] for key in ("md5sum", "sha256sum", "location") if key in artifact
        },
        "cache": {"type": build["cache"]["type"]},
        "environment": {
            "image": environment["image"],
            "privileged-mode": environment.get("privilegedMode", False),
            "image-pull-credentials-type": environment.get("imagePullCredentialsType", "CODEBUILD"),
            "compute-type": environment["computeType"],
            "type": environment["type"],
            "environment-variables": environment.get("environmentVariables", []),
        },
        "timeout-in-minutes": float(build["timeoutInMinutes"]),
        "queued-timeout-in-minutes": float(build["queuedTimeoutInMinutes"]),
        "build-complete": build["buildComplete"],
        "build-number": float(build["buildNumber"]),
        "initiator": build["initiator"],
        "build-start-time": clock(build["startTime"]),
        "source": {
            key: build["source"][key] for key in ("location", "type") if key in build["source"]
        },
        "source-version": build.get("sourceVersion", ""),
        "logs": {
            written: logs[key]
            for key, written in (
                ("groupName", "group-name"),
                ("streamName", "stream-name"),
                ("deepLink", "deep-link"),
            )
            if key in logs
        },
        "phases": [phase_detail(phase) for phase in build["phases"]],
    }


def phase_detail(phase: Mapping[str, Any]) -> dict[str, Any]:
    detail = {"start-time": clock(phase["startTime"]), "phase-type": phase["phaseType"]}
    if "endTime" not in phase:
        return detail
    return {
        "phase-context": contexts(phase),
        **detail,
        "end-time": clock(phase["endTime"]),
        "duration-in-seconds": float(phase["durationInSeconds"]),
        "phase-status": phase["phaseStatus"],
    }


def contexts(phase: Mapping[str, Any]) -> list[str]:
    return [f"{entry['statusCode']}: {entry['message']}" for entry in phase["contexts"]]


def clock(seconds: float) -> str:
    """
    >>> clock(1504282349.2)
    'Sep 1, 2017 4:12:29 PM'
    """
    when = datetime.fromtimestamp(seconds, UTC)
    return f"{when:%b} {when.day}, {when.year} {when.hour % 12 or 12}:{when:%M:%S %p}"


class PhaseFailedError(Exception):
    """The phase ends here. `status` is the phase's; `code` and the text are its context."""

    def __init__(self, code: str, message: str, status: str = FAILED) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class Record:
    """Changes one build's record, under the service's lock, and emits an event for each change."""

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
        """Record that the build was accepted and waits."""
        self._begin(SUBMITTED)
        self._emit(state_change(self.build))
        self._end(SUCCEEDED)
        self._begin(QUEUED)

    def update(self, **values: Any) -> None:
        with self._lock:
            self.build.update(values)
        self._changed()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Be in a phase, beginning it unless it is the current one.

        PhaseFailedError ends it with its status and goes on to the caller.
        """
        if self.build["currentPhase"] != name:
            self._begin(name)
        try:
            yield
        except PhaseFailedError as error:
            self._end(error.status, error.code, str(error))
            raise
        except BaseException as error:
            self._end(FAULT, "INTERNAL_ERROR", str(error))
            raise
        self._end(SUCCEEDED)

    def status_of(self, name: str) -> str:
        """How the named phase ended; SUCCEEDED where the build never came to it."""
        ended = [phase for phase in self.build["phases"] if phase["phaseType"] == name]
        return str(ended[0].get("phaseStatus", "")) if ended else SUCCEEDED

    def complete(self) -> None:
        """Close the record with the status that its phases add up to."""
        statuses = {
            phase["phaseType"]: phase.get("phaseStatus", "") for phase in self.build["phases"]
        }
        self._begin(COMPLETED)
        with self._lock:
            self.build.update(
                buildStatus=outcome(statuses), buildComplete=True, endTime=time.time()
            )
        self._changed()
        self._emit(state_change(self.build))

    def interrupt(self, message: str) -> None:
        """Close the record of a build that cannot be running any more."""
        if self.build["currentPhase"] != COMPLETED:
            self._end(FAULT, "INTERNAL_ERROR", message)
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


LOOK_SECONDS = 0.25


class BuildLog:
    """A file that the build's shell and this process append to, carried to CloudWatch Logs."""

    def __init__(self, ports: Ports, file: Path, group: str | None, stream: str) -> None:
        """Without a group, nothing is carried."""
        self._ports = ports
        self._group = group
        self._stream = stream
        self._tail = Tail(file, stream)
        self._file = file.open("a+", encoding="utf-8", buffering=1)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="build-log", daemon=True)
        if group:
            self._thread.start()

    def say(self, line: str) -> None:
        """Add a line of CodeBuild's own."""
        now = datetime.now(UTC).strftime("%Y/%m/%d %H:%M:%S.%f")
        # A command need not end its last line.
        ending = "" if self._at_line_start() else "\n"
        self._file.write(f"{ending}[Container] {now} {line}\n")

    def close(self) -> None:
        """Carry what is left; the build's programs have ended."""
        self._done.set()
        self._file.close()
        if self._group:
            self._thread.join()
            self._carry(ended=True)

    def _at_line_start(self) -> bool:
        size = os.fstat(self._file.fileno()).st_size
        return size == 0 or os.pread(self._file.fileno(), 1, size - 1) == b"\n"

    def _follow(self) -> None:
        while not self._done.wait(LOOK_SECONDS):
            self._carry(ended=False)

    def _carry(self, *, ended: bool) -> None:
        now = int(time.time() * 1000)
        lines = self._tail.lines(ended=ended)
        if lines and self._group:
            self._ports.write_log(self._group, self._stream, [(now, line) for line in lines])


def missing_permission(
    ports: Ports, names: Names, role: str, group: str, stream: str
) -> tuple[str, str] | None:
    """The first (action, resource) the role lacks to write this log; None when it has all."""
    target = names.log_group(group)
    needed = [
        ("logs:CreateLogStream", f"{target}:log-stream:{stream}"),
        ("logs:PutLogEvents", f"{target}:log-stream:{stream}"),
    ]
    if not ports.log_group_exists(group):
        needed.insert(0, ("logs:CreateLogGroup", target))
    return next(
        ((action, on) for action, on in needed if not ports.allowed(role, action, on)), None
    )
