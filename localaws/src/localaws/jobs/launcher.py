"""A small process of its own that starts, signals and outlives nothing: the parent of every job.

The stage is large and has many threads; forking from it is slow and unsafe. This program is small
and has one thread. It reads one JSON request per line from its input and writes one JSON event per
line to its output. When its input ends, the stage is gone: it kills what still runs and ends.

Requests   {"do": "start", "job": ID, "command": [...], "environment": {...}, "folder": PATH,
            "ml": PATH, "log": PATH, "program": NAME or null}
           {"do": "signal", "job": ID, "signal": NUMBER}
           {"do": "prepare", "program": NAME, "command": [...], "environment": {...},
            "folder": PATH}
Events     {"event": "ready", "isolation": "mount" | "user" | "folder"}
           {"event": "ended", "job": ID, "code": EXIT CODE, or minus the signal's number,
            "cpu_seconds": SECONDS, "memory_bytes": PEAK}

`prepare` begins a process ahead of its job (see ahead.py): it imports its libraries and waits. The
next start that names its program becomes that process's job; without one it ends after a while.

It is run as a script without the site packages, so it may import the standard library only.
"""

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
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
# A waiting process holds some 150 MB; one for the next job, and one for another model's run.
MOST_WAITING = 2
WAITING_SECONDS = 600.0


@dataclass(frozen=True)
class Waiting:
    """A process begun ahead of its job: `orders` is where its job is written to."""

    process: int
    orders: int
    folder: str
    since: float


@dataclass(frozen=True)
class Running:
    """A job's process; `folder` is what it had for itself while it waited, if it did."""

    process: int
    folder: str = ""


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
    mount("localaws", Path("/opt"), 0, "tmpfs")
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
    if isolation != "folder":
        make_private(isolation)
        mount_ml(ml)


def mount_ml(ml: str) -> None:
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


def begin() -> None:
    """What every forked process does first: a group of its own, which dies with its parent."""
    os.setsid()
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    die_with_parent()


def die_with_parent() -> None:
    if sys.platform.startswith("linux"):
        checked(libc().prctl(PR_SET_PDEATHSIG, signal.SIGKILL), "prctl")


def become(request: dict[str, Any], isolation: str) -> None:
    """Turn this forked process into the job's. Never returns."""
    try:
        begin()
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


def become_waiting(request: dict[str, Any], isolation: str, orders: int) -> None:
    """Turn this forked process into one that waits for its job. Never returns.

    Its program may not mount anything: those rights end where a program starts. So a child that has
    not started one, and lives in the same private view of the folders, waits for the order,
    mounts the job's folder, and only then hands the order on.
    """
    try:
        begin()
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        if isolation != "folder":
            make_private(isolation)
        mounted, hand_on = os.pipe()
        if os.fork() == 0:
            os.close(mounted)
            attend(orders, hand_on, isolation)
        os.close(orders)
        os.set_inheritable(mounted, True)
        os.chdir(request["folder"])
        command = [*request["command"], str(mounted)]
        os.execvpe(command[0], command, request["environment"])  # noqa: S606 - no shell wanted
    finally:
        os._exit(NOT_STARTED)


def attend(orders: int, hand_on: int, isolation: str) -> None:
    """Wait for the order, make its folder visible, hand it on. Never returns."""
    try:
        die_with_parent()
        with open(orders, "rb") as source:
            order = source.read()
        if order:
            request = json.loads(order)
            try:
                if isolation != "folder":
                    mount_ml(request["ml"])
            except OSError as error:
                with Path(request["log"]).open("a", encoding="utf-8") as log:
                    log.write(f"the job's folder could not be shown to it: {error}\n")
            else:
                with open(hand_on, "wb") as target:
                    target.write(order)
    finally:
        os._exit(0)


def prepare(waiting: dict[str, Waiting], request: dict[str, Any], isolation: str) -> None:
    """Begin a process for a job to come, unless one is waiting for the same program."""
    if request["program"] in waiting:
        return
    while len(waiting) >= MOST_WAITING:
        dismiss(waiting, min(waiting, key=lambda program: waiting[program].since))
    folder = tempfile.mkdtemp(prefix="localaws-")
    request["environment"].update(HOME=folder, TMPDIR=folder)
    source, orders = os.pipe()
    child = os.fork()
    if child == 0:
        # What the attendant kept open of the others would keep them from seeing their end.
        for number in (orders, *(one.orders for one in waiting.values())):
            os.close(number)
        become_waiting(request, isolation, source)
    os.close(source)
    waiting[request["program"]] = Waiting(child, orders, folder, time.monotonic())


def dismiss(waiting: dict[str, Waiting], program: str) -> None:
    """End a process that got no job."""
    one = waiting.pop(program)
    os.close(one.orders)
    signal_group(one.process, signal.SIGKILL)
    os.waitpid(one.process, 0)
    shutil.rmtree(one.folder, ignore_errors=True)


def look_after(waiting: dict[str, Waiting]) -> None:
    """Let those go that have ended or have waited for too long."""
    for program, one in list(waiting.items()):
        ended = os.waitid(os.P_PID, one.process, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended or time.monotonic() - one.since > WAITING_SECONDS:
            dismiss(waiting, program)


def start(request: dict[str, Any], waiting: dict[str, Waiting], isolation: str) -> Running:
    """Start a job in the process that waits for its program, else in a new one."""
    look_after(waiting)
    one = waiting.get(request["program"])
    if one:
        try:
            with open(one.orders, "wb", closefd=False) as orders:
                orders.write(json.dumps(request).encode())
        except BrokenPipeError:
            dismiss(waiting, request["program"])
        else:
            os.close(one.orders)
            del waiting[request["program"]]
            return Running(one.process, one.folder)
    child = os.fork()
    if child == 0:
        become(request, isolation)
    return Running(child)


def tell(event: dict[str, Any]) -> None:
    os.write(1, json.dumps(event).encode() + b"\n")


def signal_group(process: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process, number)


def requests(wakeup: int) -> Iterator[dict[str, Any] | None]:
    """Yield requests as they come; None when a child may have ended, and now and then besides.

    Ends with the input.
    """
    pending = b""
    while True:
        ready, _, _ = select.select([0, wakeup], [], [], WAITING_SECONDS)
        if wakeup in ready:
            os.read(wakeup, 4096)
        if 0 not in ready or wakeup in ready:
            yield None
        if 0 in ready:
            chunk = os.read(0, 65536)
            if not chunk:
                return
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                yield json.loads(line)


def reap(running: dict[str, Running]) -> None:
    for job, one in list(running.items()):
        ended, status, use = os.wait4(one.process, os.WNOHANG)
        if ended:
            # What the program left running in its group ends with it, as a container would.
            signal_group(one.process, signal.SIGKILL)
            forget(running, job)
            tell(
                {
                    "event": "ended",
                    "job": job,
                    "code": os.waitstatus_to_exitcode(status),
                    "cpu_seconds": use.ru_utime + use.ru_stime,
                    "memory_bytes": use.ru_maxrss * MEMORY_UNIT,
                }
            )


def forget(running: dict[str, Running], job: str) -> None:
    folder = running.pop(job).folder
    if folder:
        shutil.rmtree(folder, ignore_errors=True)


def end_all(running: dict[str, Running]) -> None:
    """The stage is gone: end what it started. A moment's grace lets `docker run` pass it on."""
    for one in running.values():
        signal_group(one.process, signal.SIGTERM)
    deadline = time.monotonic() + FAREWELL_SECONDS
    while running and time.monotonic() < deadline:
        for job, one in list(running.items()):
            if os.waitpid(one.process, os.WNOHANG)[0]:
                signal_group(one.process, signal.SIGKILL)
                forget(running, job)
        time.sleep(0.02)
    for job, one in list(running.items()):
        signal_group(one.process, signal.SIGKILL)
        forget(running, job)


def serve() -> None:
    running: dict[str, Running] = {}
    waiting: dict[str, Waiting] = {}
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
            look_after(waiting)
        elif request["do"] == "start":
            chosen = request.get("isolation") or isolation
            running[request["job"]] = start(request, waiting, chosen)
        elif request["do"] == "prepare":
            prepare(waiting, request, request.get("isolation") or isolation)
        elif request["job"] in running:
            signal_group(running[request["job"]].process, request["signal"])
    for program in list(waiting):
        dismiss(waiting, program)
    end_all(running)


if __name__ == "__main__":
    serve()
