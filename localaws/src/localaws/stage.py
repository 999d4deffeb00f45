"""Start, find and stop a stage: what other programs import. Standard library only."""

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

from localaws import state_files
from localaws.entrance import PID_PATH
from localaws.home import Home
from localaws.pace import SETTING

START_SECONDS = 30.0
STOP_SECONDS = 10.0
# With less room on its disk the stage could not keep what it is given.
LEAST_FREE_BYTES = 50_000_000
# A line of the server's log that shows what went wrong: a level, or the end of a traceback.
ERROR_LINE = re.compile(r"\b(ERROR|CRITICAL|Fatal)\b|^[\w.]+(Error|Exception)\b")


class StageError(Exception):
    """The stage could not be started; the message has the reason and the fix, or its log."""


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

    def environment(self) -> dict[str, str]:
        """The variables that make an AWS SDK or command line talk to this stage."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
        }


def status(home: Path) -> Stage | None:
    """Return the running stage of this home, or None. PermissionError where it is another's."""
    stage = _recorded(Home(home))
    return stage if stage and _answers(stage) else None


def ended_unexpectedly(home: Path) -> str | None:
    """Why the stage of this home has ended without `down`; None otherwise."""
    place = Home(home)
    try:
        stage = _recorded(place)
        if stage is None or _answers(stage):
            return None
        with (place.logs / "server.log").open("rb") as log:
            log.seek(stage.log_begins)
            lines = log.read().decode(errors="replace").splitlines()
    except OSError:
        return None
    errors = [line.strip() for line in lines if ERROR_LINE.search(line)]
    return errors[-1] if errors else "it was killed, or this machine was restarted"


def up(
    home: Path,
    *,
    steps: Path | None = None,
    variants: Path | None = None,
    docker: bool = False,
    time_scale: float | None = None,
) -> Stage:
    """Start the stage in the background, or return the one that runs. Raises StageError.

    `steps` is the folder of the step images' code and `variants` that of their variants (see
    steps.py); `docker` runs jobs in their built images. `time_scale` is how many seconds of AWS
    pass in one second; without it, the variable LOCALAWS_TIME_SCALE sets it. Raises
    DamagedStateError where a file of its state is damaged.
    """
    options = _options(steps, variants, docker=docker)
    place = Home(home.resolve())
    place.make()
    free = shutil.disk_usage(place.root).free
    if free < LEAST_FREE_BYTES:
        raise StageError(
            f"the disk of {place.root} has {free // 1_000_000} MB free, and the local stage needs "
            f"{LEAST_FREE_BYTES // 1_000_000} MB to keep its state. Free some space, or give it a "
            "home on another disk"
        )
    with _alone(place):
        running = status(place.root)
        if running is None:
            _refuse_beside_another(place)
            state_files.check(place.state)
        return running or _start(place, options, time_scale)


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


def _options(folder: Path | None, variants: Path | None, *, docker: bool) -> list[str]:
    """The server's words for what it is started with; StageError where they cannot be used."""
    if folder is None:
        if docker:
            raise StageError("jobs in Docker need the folder of steps that images are built from")
        return []
    from localaws import steps

    try:
        steps.read(folder)
    except steps.StepsError as error:
        raise StageError(str(error)) from error
    given = ["--steps", str(folder.resolve())]
    if variants is not None:
        given += ["--variants", str(variants.resolve())]
    return [*given, *(["--docker"] if docker else [])]


def _refuse_beside_another(place: Home) -> None:
    """Two servers over one state would damage it: one of another version does not answer us."""
    stage = _recorded(place)
    if stage and _is_alive(stage.pid) and _connects(stage):
        raise StageError(
            f"process {stage.pid} still serves this home at {stage.endpoint}, but is of another "
            f"version. Stop it with `kill {stage.pid}`, and start again; the state stays"
        )


def _start(place: Home, options: list[str], time_scale: float | None) -> Stage:
    place.stage_file.unlink(missing_ok=True)
    log = place.logs / "server.log"
    command = [sys.executable, "-m", "localaws.server", "--home", str(place.root)]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*command, *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=place.root,
            env=os.environ if time_scale is None else {**os.environ, SETTING: f"{time_scale:g}"},
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


def _recorded(place: Home) -> Stage | None:
    """What the home's last server wrote about itself, if it did not remove it as it stopped."""
    try:
        return Stage(**json.loads(place.stage_file.read_text()))
    except PermissionError:
        raise  # there may be one that runs: "not running" would be a guess
    except (OSError, ValueError, TypeError):
        return None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's process has the number now
        return False
    return True


def _connects(stage: Stage) -> bool:
    connection = _connection(stage)
    try:
        connection.connect()
    except OSError:
        return False
    finally:
        connection.close()
    return True


def _connection(stage: Stage) -> http.client.HTTPConnection:
    host, _, port = stage.endpoint.removeprefix("http://").partition(":")
    return http.client.HTTPConnection(host, int(port), timeout=5)


def _answers(stage: Stage) -> bool:
    """Ask for its health: a process id alone may by now be another program's."""
    if not _is_alive(stage.pid):
        return False
    connection = _connection(stage)
    try:
        connection.request("GET", PID_PATH)
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
