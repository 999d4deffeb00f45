"""A small process of its own that starts, signals and outlives nothing: the parent of every job.

The stage is large and has many threads; forking from it is slow and unsafe. This program is small
and has one thread. It reads one JSON request per line from its input and writes one JSON event per
line to its output. When its input ends, the stage is gone: it kills what still runs and ends.

Requests   {"do": "start", "job": ID, "command": [...], "environment": {...}, "folder": PATH,
            "ml": PATH, "log": PATH}
           {"do": "signal", "job": ID, "signal": NUMBER}
Events     {"event": "ready", "isolation": "mount" | "user" | "folder"}
           {"event": "ended", "job": ID, "code": EXIT CODE, or minus the signal's number,
            "cpu_seconds": SECONDS, "memory_bytes": PEAK}

It is run as a script without the site packages, so it may import the standard library only.
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# From the kernel's headers; Python 3.12 has some of them, 3.11 has none.
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
PR_SET_PDEATHSIG = 1
MNT_DETACH = 2
HOME = Path("/opt/ml")
NOT_STARTED = 126
MEMORY_UNIT = 1 if sys.platform == "darwin" else 1024
FAREWELL_SECONDS = 1.0


def libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def checked(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def mount(source: str, target: Path, flags: int, kind: str | None = None) -> None:
    encoded = (source.encode(), str(target).encode(), kind.encode() if kind else None)
    checked(libc().mount(*encoded, flags, None), f"mount {source} on {target}")


def make_private(isolation: str) -> None:
    """Give this process its own view of the mounted folders."""
    user, group = os.getuid(), os.getgid()
    flags = CLONE_NEWNS | (CLONE_NEWUSER if isolation == "user" else 0)
    checked(libc().unshare(flags), "unshare")
    if isolation == "user":
        # The same identity inside as outside. Mounting is allowed until the step's program starts.
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    mount("none", Path("/"), MS_REC | MS_PRIVATE)


def cover_opt() -> None:
    """Make a place for /opt/ml without touching the machine: a new /opt that shows the old one."""
    # Removed with rmdir alone: while the mount is there, anything stronger would empty /opt.
    before = Path(tempfile.mkdtemp())
    mount("/opt", before, MS_BIND | MS_REC)
    mount("kanmon", Path("/opt"), 0, "tmpfs")
    for entry in before.iterdir():
        here = Path("/opt") / entry.name
        if entry.is_symlink():
            here.symlink_to(entry.readlink())
        elif entry.is_dir():
            here.mkdir()
            mount(str(entry), here, MS_BIND | MS_REC)
        else:
            here.touch()
            mount(str(entry), here, MS_BIND)
    checked(libc().umount2(str(before).encode(), MNT_DETACH), "umount")
    before.rmdir()
    HOME.mkdir()


def show_ml(ml: str, isolation: str) -> None:
    """Let this process, and no other, see the job's own folder as /opt/ml."""
    if isolation == "folder":
        return
    make_private(isolation)
    if not HOME.is_dir():
        cover_opt()
    mount(ml, HOME, MS_BIND | MS_REC)


def possible_isolation() -> str:
    """Find out once, in a process that may fail, which isolation this machine allows."""
    if not sys.platform.startswith("linux"):
        return "folder"
    for isolation in ("mount", "user"):
        with tempfile.TemporaryDirectory() as folder:
            child = os.fork()
            if child == 0:
                with contextlib.suppress(OSError):
                    show_ml(folder, isolation)
                    os._exit(0 if HOME.is_dir() else 1)
                os._exit(1)
            if os.waitpid(child, 0)[1] == 0:
                return isolation
    return "folder"


def become(request: dict[str, Any], isolation: str) -> None:
    """Turn this forked process into the job's. Never returns."""
    try:
        os.setsid()
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        if sys.platform.startswith("linux"):
            checked(libc().prctl(PR_SET_PDEATHSIG, signal.SIGKILL), "prctl")
        log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        show_ml(request["ml"], isolation)
        os.chdir(request["folder"])
        command = request["command"]
        os.execvpe(command[0], command, request["environment"])  # noqa: S606 - no shell wanted
    except BaseException as error:
        os.write(2, f"the job's program could not be started: {error}\n".encode())
    finally:
        os._exit(NOT_STARTED)


def tell(event: dict[str, Any]) -> None:
    os.write(1, json.dumps(event).encode() + b"\n")


def signal_group(process: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process, number)


def requests(wakeup: int) -> Iterator[dict[str, Any] | None]:
    """Yield requests as they come; None whenever a child may have ended. Ends with the input."""
    pending = b""
    while True:
        ready, _, _ = select.select([0, wakeup], [], [])
        if wakeup in ready:
            os.read(wakeup, 4096)
            yield None
        if 0 in ready:
            chunk = os.read(0, 65536)
            if not chunk:
                return
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                yield json.loads(line)


def reap(running: dict[str, int]) -> None:
    for job, process in list(running.items()):
        ended, status, use = os.wait4(process, os.WNOHANG)
        if ended:
            # What the program left running in its group ends with it, as a container would.
            signal_group(process, signal.SIGKILL)
            del running[job]
            tell(
                {
                    "event": "ended",
                    "job": job,
                    "code": os.waitstatus_to_exitcode(status),
                    "cpu_seconds": use.ru_utime + use.ru_stime,
                    "memory_bytes": use.ru_maxrss * MEMORY_UNIT,
                }
            )


def end_all(running: dict[str, int]) -> None:
    """The stage is gone: end what it started. A moment's grace lets `docker run` pass it on."""
    for process in running.values():
        signal_group(process, signal.SIGTERM)
    deadline = time.monotonic() + FAREWELL_SECONDS
    while running and time.monotonic() < deadline:
        for job, process in list(running.items()):
            if os.waitpid(process, os.WNOHANG)[0]:
                signal_group(process, signal.SIGKILL)
                del running[job]
        time.sleep(0.02)
    for process in running.values():
        signal_group(process, signal.SIGKILL)


def serve() -> None:
    running: dict[str, int] = {}
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.set_wakeup_fd(wakes)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    # Ctrl-C in the terminal reaches the whole group; the stage decides when we end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    isolation = possible_isolation()
    tell({"event": "ready", "isolation": isolation})
    for request in requests(woken):
        if request is None:
            reap(running)
        elif request["do"] == "start":
            child = os.fork()
            if child == 0:
                become(request, request.get("isolation") or isolation)
            running[request["job"]] = child
        elif request["job"] in running:
            signal_group(running[request["job"]], request["signal"])
    end_all(running)


if __name__ == "__main__":
    serve()
