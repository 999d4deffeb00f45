"""Where the local stage records its runs in MLflow: a server on this machine, another one, or none.

The choice is kept in the stage's home, with the server's database and artifacts. The server is a
program of its own, from .venv-mlflow or from PATH, that listens on the loopback address only.
"""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from kanmon.errors import BadInputError, StageError
from kanmon.project import Project

FOLDER = "mlflow"
HERE, NONE = "here", "none"
# A first start makes the database, and a busy machine takes half a minute for it.
START_SECONDS, STOP_SECONDS = 180.0, 10.0
_INSTALL = "`make .venv-mlflow/ready` installs it."


@dataclass(frozen=True)
class Choice:
    """`uri` is where records go; of a server on this machine also its port and process."""

    uri: str | None = None
    port: int | None = None
    pid: int | None = None


def choice(home: Path) -> Choice:
    """What was chosen last; nothing at first, or if the file cannot be read."""
    try:
        found = json.loads((home / FOLDER / "choice.json").read_text(encoding="utf-8"))
        return Choice(found["uri"], found["port"], found["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return Choice()


def choose(project: Project, wanted: str) -> Choice:
    """Record on this machine (`here`), on the server of a URI, or nowhere (`none`)."""
    home = project.home
    if wanted == HERE:
        return start(project)
    from core.experiments.target import TargetError, target_of

    if wanted != NONE:
        try:
            if target_of(wanted).app_arn:
                raise TargetError("a laptop has no role that an MLflow App would let in")
        except TargetError as error:
            raise BadInputError(
                f"--mlflow {wanted}: {error}", "Give the URI of a server, `none`, or nothing."
            ) from error
    stop(home)
    before = choice(home)
    return _keep(home, Choice(None if wanted == NONE else wanted, before.port))


def start(project: Project) -> Choice:
    """Start the server on this machine, or return the one that runs. Raises StageError."""
    home, before = project.home, choice(project.home)
    if _runs(home, before.pid) and before.uri:
        return before
    program = _program(project)
    place = home / FOLDER
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    port = before.port if before.port and _is_free(before.port) else _free_port()
    log = place / "server.log"
    with log.open("wb") as written:
        server = subprocess.Popen(
            _words(program, place, port),
            cwd=place,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    found = _keep(home, Choice(f"http://127.0.0.1:{port}", port, server.pid))
    deadline = time.monotonic() + START_SECONDS
    while not _is_healthy(port):
        if server.poll() is not None or time.monotonic() > deadline:
            stop(home)
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
            reason = next((line.strip() for line in reversed(lines) if line.strip()), "no reason")
            raise StageError(f"MLflow did not start: {reason[:300]}", f"Its log is {log}.")
        time.sleep(0.1)
    return found


def start_again(project: Project) -> Choice:
    """What was chosen before, with its server running if it is one on this machine."""
    found = choice(project.home)
    return start(project) if found.pid is not None else found


def stop(home: Path) -> bool:
    """Stop the server on this machine; its records stay. False when none ran."""
    pid = choice(home).pid
    if pid is None or not _runs(home, pid):
        return False
    for sign, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, STOP_SECONDS)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, sign)
        deadline = time.monotonic() + seconds
        while _runs(home, pid):
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)  # where this process started it
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        else:
            return True
    return True


def parameters(home: Path) -> dict[str, str]:
    """The stack's parameter, which the deployment sets; empty ends the records."""
    return {"MlflowTracking": choice(home).uri or ""}


def _keep(home: Path, found: Choice) -> Choice:
    place = home / FOLDER
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = {"uri": found.uri, "port": found.port, "pid": found.pid}
    new = place / "choice.json.new"
    new.write_text(json.dumps(kept), encoding="utf-8")
    new.replace(place / "choice.json")
    return found


def _program(project: Project) -> str:
    own = project.root / ".venv-mlflow/bin/mlflow"
    found = str(own) if own.is_file() else shutil.which("mlflow")
    if not found:
        raise BadInputError("MLflow is not installed", _INSTALL)
    return found


def _words(program: str, place: Path, port: int) -> list[str]:
    names = ",".join(f"{host}:{port}" for host in ("127.0.0.1", "localhost"))
    return [
        *(program, "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", _database(place)),
        *("--artifacts-destination", str(place.resolve() / "artifacts")),
        # No page of another site may ask it.
        *("--allowed-hosts", names, "--cors-allowed-origins", f"http://127.0.0.1:{port}"),
    ]


def _database(place: Path) -> str:
    return f"sqlite:///{place.resolve() / 'mlflow.db'}"


def _environment() -> dict[str, str]:
    """No credentials of anybody; nothing that the server would send or run besides."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **kept,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }


def _runs(home: Path, pid: int | None) -> bool:
    """Is the process there, and this home's server? Numbers of processes are given again."""
    if pid is None:
        return False
    asked = ["ps", "-ww", "-o", "stat=,args=", "-p", str(pid)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    said = done.stdout.strip()
    return _database(home / FOLDER) in said and not said.startswith("Z")


def _is_healthy(port: int) -> bool:
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        asked.request("GET", "/health")
        return asked.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])
