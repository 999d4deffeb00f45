"""Processes that a step leaves behind. They must not meet the next call, which may be of another
model: the function's own process stays, and so would they."""

import ctypes
import os
import signal
import sys
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
PATIENCE_SECONDS = 5.0


def adopt_orphans() -> None:
    """Let Linux make every process below this one, whose parent ends, a child of this one."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def end_children() -> None:
    """Kill every process below this one. If that does not work, end this one too.

    A process that forks all the time may be faster; without this process the platform takes a new
    environment.
    """
    until = time.monotonic() + PATIENCE_SECONDS
    while found := children():
        for pid in found:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        if time.monotonic() > until:
            os._exit(1)


def children() -> list[int]:
    """The processes whose parent is this one; none where the system has no /proc."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            # The name, in parentheses, may itself have spaces and parentheses.
            parent = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[1]
        except OSError:  # it has ended
            continue
        if int(parent) == os.getpid():
            found.append(int(entry.name))
    return found
