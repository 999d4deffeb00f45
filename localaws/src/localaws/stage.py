"""Start, find and stop a local stage. Standard library only: every command imports this."""

import contextlib
import fcntl
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from localaws.home import Home

START_SECONDS = 30.0
STOP_SECONDS = 10.0
# With less room on its disk the stage could not keep what it is given.
LEAST_FREE_BYTES = 50_000_000
# A line of the server's log that says what went wrong: a level, or the end of a traceback.
ERROR_LINE = re.compile(r"\b(ERROR|CRITICAL|Fatal)\b|^[\w.]+(Error|Exception)\b")


class StageError(Exception):
    """The local stage could not be started or stopped; the message says why and shows its log."""


@dataclass(frozen=True)
class Stage:
    """A running local stage: where it answers and the root credentials of its account."""

    endpoint: str
    pid: int
    region: str
    account: str
    access_key: str
    secret_key: str
    started_at: str
    docker: bool = False  # jobs run in the built images
    log_begins: int = 0  # its part of server.log begins at this byte


def status(home: Path) -> Stage | None:
    """Return the running stage of this home, or None. PermissionError where it is another's."""
    try:
        stage = Stage(**json.loads(Home(home).stage_file.read_text()))
    except PermissionError:
        raise  # there may be one that runs: "not running" would be a guess
    except (OSError, ValueError, TypeError):
        return None
    return stage if _answers(stage) else None


def ended_unexpectedly(home: Path) -> str | None:
    """Why the stage of this home is gone though nobody stopped it, in words; None if it is not."""
    place = Home(home)
    try:
        stage = Stage(**json.loads(place.stage_file.read_text()))
        with (place.logs / "server.log").open("rb") as log:
            log.seek(stage.log_begins)
            lines = log.read().decode(errors="replace").splitlines()
    except (OSError, ValueError, TypeError):
        return None
    if _answers(stage):
        return None
    errors = [line.strip() for line in lines if ERROR_LINE.search(line)]
    return errors[-1] if errors else "it was killed, or this machine was restarted"


def up(home: Path, *, docker: bool = False) -> Stage:
    """Start the stage in the background, or return the one that runs. Raises StageError."""
    place = Home(home.resolve())
    place.make()
    free = shutil.disk_usage(place.root).free
    if free < LEAST_FREE_BYTES:
        raise StageError(
            f"the disk of {place.root} has {free // 1_000_000} MB free, and the local stage needs "
            f"{LEAST_FREE_BYTES // 1_000_000} MB to keep its state. Free some space, or name "
            "another place in KANMON_HOME"
        )
    with _alone(place):
        running = status(place.root)
        return running or _start(place, docker=docker)


def down(home: Path) -> bool:
    """Stop the stage, letting it save what it holds. False when none ran."""
    place = Home(home.resolve())
    if not place.root.is_dir():
        return False
    with _alone(place):
        stage = status(place.root)
        if stage is None:
            place.stage_file.unlink(missing_ok=True)
            return False
        os.kill(stage.pid, signal.SIGTERM)
        if not _gone(stage.pid, STOP_SECONDS):
            os.kill(stage.pid, signal.SIGKILL)
            _gone(stage.pid, STOP_SECONDS)
        place.stage_file.unlink(missing_ok=True)
        return True


def _start(place: Home, *, docker: bool) -> Stage:
    place.stage_file.unlink(missing_ok=True)
    log = place.logs / "server.log"
    command = [sys.executable, "-m", "localaws.server", "--home", str(place.root)]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*command, "--docker"] if docker else command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=place.root,
            start_new_session=True,  # it outlives the command that started it
        )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if place.stage_file.exists() and (stage := status(place.root)):
            return stage
        if process.poll() is not None:
            break
        time.sleep(0.01)
    if process.poll() is None:
        process.kill()
    raise StageError(f"the local stage did not start; its log, {log}, ends with:\n{_tail(log)}")


@contextmanager
def _alone(place: Home) -> Iterator[None]:
    """Hold the home's lock, so that two commands never start two servers over one state."""
    with (place.root / "stage.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _answers(stage: Stage) -> bool:
    """Ask for its health: a process id alone may by now be another program's."""
    try:
        os.kill(stage.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's process has the number now
        return False
    host, _, port = stage.endpoint.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=5)
    try:
        connection.request("GET", "/_kanmon/pid")
        return connection.getresponse().read() == str(stage.pid).encode()
    except TimeoutError:
        return True  # its process is there and it accepts connections: it is only very busy
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _gone(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(ChildProcessError):
            # Collects the process where it is our own child; a zombie would count as alive.
            os.waitpid(pid, os.WNOHANG)
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) or "(it is empty)"
