"""A step's process inside the function's limits of memory, disk and time.

Lambda itself ends the whole function at its limits, and says so under several names. Here the
process alone is ended, a little before, and the error says which limit it was.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

# How often memory is looked at, and after how many looks the disk, whose files must be counted.
LOOK_SECONDS = 0.02
LOOKS_OF_MEMORY = 5
LOOKS_OF_DISK = 50
MIB = 1 << 20
# What a step has printed is read as soon as it has ended; a process that it left may print on.
LOG_SECONDS = 2


class StepOutgrewError(Exception):
    """Memory, disk or time of the function were too little: a job can have more."""


@dataclass(frozen=True)
class Limits:
    """What the step's process may use: MiB, MiB, and until when of time.monotonic()."""

    memory_mb: float
    disk_mb: float
    until: float


@dataclass(frozen=True)
class Ended:
    """How the process ended: its exit code, or minus a signal's number, and its peak memory."""

    code: int
    peak_mb: int


class StepProcess:
    """The process of one step: begun early, given its work once, watched while it works."""

    def __init__(self, step: str, folder: Path, environment: Mapping[str, str]) -> None:
        self._step = step
        self._ended: Ended | None = None
        self._process = subprocess.Popen(
            [sys.executable, "-m", "on_lambda.waiting", step],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=dict(environment),
        )

    def work(self, environment: Mapping[str, str], limits: Limits, disk: Path, name: str) -> Ended:
        """Let the step work with this environment; `disk` is the folder that counts as its disk.

        What it prints goes to the function's log, behind the attempt's name. Raises
        StepOutgrewError where it reaches a limit.
        """
        assert self._process.stdin and self._process.stdout  # noqa: S101 - both are pipes
        log = threading.Thread(target=_pass_on, args=(self._process.stdout, name), daemon=True)
        log.start()
        with suppress(BrokenPipeError):  # it has ended already, as its status says
            self._process.stdin.write(json.dumps({"environment": dict(environment)}).encode())
            self._process.stdin.close()
        looks = 0
        while (ended := self._wait()) is None:
            looks += 1
            self._check(looks, limits, disk)
            # The log ends with the process, most often. It may also close its output and go on.
            if log.is_alive():
                log.join(LOOK_SECONDS)
            else:
                time.sleep(LOOK_SECONDS)
        log.join(LOG_SECONDS)
        if ended.peak_mb > limits.memory_mb or ended.code == -signal.SIGKILL:
            raise self._outgrew(f"{ended.peak_mb:,} MB of memory", limits.memory_mb)
        return ended

    def end(self) -> None:
        """Kill the process if it still runs."""
        if self._wait() is None:
            self._process.kill()
            _, status, used = os.wait4(self._process.pid, 0)
            self._ended = _ended(status, used)

    def _check(self, looks: int, limits: Limits, disk: Path) -> None:
        if time.monotonic() > limits.until:
            raise StepOutgrewError(f"{self._step} was not done within the function's time")
        if looks % LOOKS_OF_MEMORY == 0:
            memory = memory_mb(self._process.pid)
            if memory is not None and memory > limits.memory_mb:
                raise self._outgrew(f"{memory:,.0f} MB of memory", limits.memory_mb)
        if looks % LOOKS_OF_DISK == 0 and (used := disk_mb(disk)) > limits.disk_mb:
            raise self._outgrew(f"{used:,.0f} MB of disk", limits.disk_mb)

    def _outgrew(self, what: str, limit: float) -> StepOutgrewError:
        return StepOutgrewError(
            f"{self._step} used {what}, and the function leaves it {limit:,.0f} MB"
        )

    def _wait(self) -> Ended | None:
        """How the process has ended, if it has."""
        if self._ended is None:
            pid, status, used = os.wait4(self._process.pid, os.WNOHANG)
            if pid:
                self._ended = _ended(status, used)
                self._process.returncode = self._ended.code
        return self._ended


def _pass_on(printed: IO[bytes], name: str) -> None:
    for line in printed:
        print(f"{name} {line.decode(errors='replace').rstrip()}", flush=True)


def _ended(status: int, used: Any) -> Ended:
    return Ended(os.waitstatus_to_exitcode(status), round(peak_mb(used)))


def peak_mb(used: Any) -> float:
    """The peak memory of a process in MiB. Linux counts in KiB, macOS in bytes."""
    return float(used.ru_maxrss) / (MIB if sys.platform == "darwin" else 1 << 10)


def own_memory_mb() -> float:
    """The most memory that this process has used."""
    return peak_mb(resource.getrusage(resource.RUSAGE_SELF))


def memory_mb(pid: int) -> float | None:
    """What a process holds in memory now, in MiB; None where the system has no /proc."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError):
        return None
    return pages * resource.getpagesize() / MIB


def disk_mb(folder: Path) -> float:
    """The size of the files below a folder, in MiB. A file that goes meanwhile counts as gone."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(place) / name).stat().st_size
            except FileNotFoundError:
                continue
    return total / MIB
