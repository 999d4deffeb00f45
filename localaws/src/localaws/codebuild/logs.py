"""A build's log: what its commands print and what CodeBuild says about them, in one stream."""

import os
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from localaws.codebuild.names import Names
from localaws.codebuild.ports import Ports
from localaws.jobs.logs import Tail

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
