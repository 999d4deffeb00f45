"""Processes that a build left behind: a container's end would have ended them all."""

import contextlib
import os
import signal
from pathlib import Path

PROCESSES = Path("/proc")


def end(build_id: str) -> int:
    """Kill every process that carries this build's id in its environment; return how many.

    The build's own process group has ended before. This finds what left the group (`setsid`,
    `nohup ... &` in a session of its own). Without /proc, as on macOS, it finds nothing.
    """
    mark = f"CODEBUILD_BUILD_ID={build_id}".encode()
    found = 0
    for entry in PROCESSES.glob("[0-9]*") if PROCESSES.is_dir() else ():
        # Other users' processes cannot be read, and any may end while we look at it.
        with contextlib.suppress(OSError):
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                os.kill(int(entry.name), signal.SIGKILL)
                found += 1
    return found
