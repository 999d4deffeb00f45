"""What a step used of its machine: usage.json. Standard library only.

Facts about the machine and about time are in this file alone, so that all others of a step have the
same bytes wherever and whenever it runs.
"""

import json
import math
import os
import re
import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from contract.paths import Paths
from contract.reports import report_name

FORMAT = 1
SHORTEST_PAUSE = 0.1
# Looking at the disk may take one part in so many of the step's time.
SHARE = 50


class Meter:
    """Measures from where it is entered; the start of Python and its imports are not in it."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.disk = 0
        self._given = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="usage", daemon=True)

    def __enter__(self) -> "Meter":
        self._began, self._worked = time.monotonic(), cpu_seconds()
        # Nothing is added to the inputs.
        self._given = size_of(self.paths.root / "input")
        self._thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._ended.set()
        self._thread.join()

    def document(self) -> dict[str, Any]:
        """The content of usage.json, so far."""
        self._look()
        return {
            "format": FORMAT,
            "seconds": round(time.monotonic() - self._began, 3),
            "cpu_seconds": round(cpu_seconds() - self._worked, 3),
            "peak_memory_mb": math.ceil(peak_memory_bytes() / (1 << 20)),
            "disk_mb": math.ceil(self.disk / (1 << 20)),
            "processors": processors(),
        }

    def write(self, folder: Path) -> None:
        """Write usage.json beside the step's report."""
        text = json.dumps(self.document(), indent=1)
        (folder / usage_name(self.paths)).write_text(text + "\n", encoding="utf-8")

    def _watch(self) -> None:
        pause = 0.0
        while not self._ended.wait(pause):
            began = time.monotonic()
            self._look()
            pause = max(SHORTEST_PAUSE, SHARE * (time.monotonic() - began))

    def _look(self) -> None:
        root = self.paths.root
        inside = [each for each in root.glob("*") if each.name != "input"]
        apart = [each for each in self.paths.scratch if not each.is_relative_to(root)]
        self.disk = max(self.disk, self._given + sum(map(size_of, [*inside, *apart])))


def measured(main: Callable[[Paths], None], report: str) -> Callable[[Paths], None]:
    """A step's main that also leaves usage.json in the output that its report is in."""

    def run(paths: Paths) -> None:
        with Meter(paths) as meter:
            main(paths)
            meter.write(paths.output(report))

    return run


def usage_name(paths: Paths) -> str:
    """The file of this host."""
    return report_name("usage", paths.host()[0])


def size_of(folder: Path | str) -> int:
    """The bytes of all files in a folder. What vanishes meanwhile counts nothing."""
    total = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                total += size_of(entry.path) if entry.is_dir() else entry.stat().st_size
    except OSError:
        pass
    return total


def cpu_seconds() -> float:
    """The processor time of this process, and of its children that have ended."""
    return sum(os.times()[:4])


def peak_memory_bytes() -> int:
    """The most memory this process used at any time, or a child of it if that used more."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    unit = 1 if sys.platform == "darwin" else 1024
    return max(_own_peak(), used * unit)


def _own_peak() -> int:
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        # On Linux this would include what the parent used, if that was more.
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return used if sys.platform == "darwin" else used * 1024
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def processors() -> int:
    """How many processors this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1
