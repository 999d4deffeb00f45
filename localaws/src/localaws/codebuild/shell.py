"""The one shell of a build, its variables, and the end of everything it started.

Commands run in it one after another, so `cd` and `export` last. A small script reads from a pipe
which command comes next, runs it, and writes its exit status to another pipe. A command that ends
the shell (`exit`, `exec`, a syntax error) has ended itself only: the next one gets a new shell,
with the folder and the exported variables of the one before.
"""

import contextlib
import os
import re
import select
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Any

from localaws.codebuild.account import Names
from localaws.credentials import Credentials
from localaws.jobs.processes import Process, Processes

PLAINTEXT, PARAMETER_STORE = "PLAINTEXT", "PARAMETER_STORE"


def search_path(interpreter: Path, inherited: str) -> str:
    """Where a build finds its programs: `python` is this stage's own."""
    return f"{interpreter.parent}{os.pathsep}{inherited}"


def of_machine(home: Path, scratch: Path, path: str) -> dict[str, str]:
    """What a fresh container would have."""
    return {"HOME": str(home), "LANG": "C.UTF-8", "PATH": path, "TMPDIR": str(scratch)}


def of_role(credentials: Credentials, endpoint: str, region: str) -> dict[str, str]:
    """What lets every AWS SDK act as the service role, on this stage and nowhere else."""
    return {
        **credentials.environment(),
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ENDPOINT_URL": endpoint,
        # Without these an SDK would look for the developer's own files and for EC2's service.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def of_build(build: Mapping[str, Any], names: Names, folder: Path) -> dict[str, str]:
    """The variables that every build has about itself; `folder` holds the source."""
    source = build["source"]
    location = source.get("location", "")
    return {
        "CODEBUILD_BUILD_ARN": build["arn"],
        "CODEBUILD_BUILD_ID": build["id"],
        "CODEBUILD_BUILD_IMAGE": build["environment"]["image"],
        "CODEBUILD_BUILD_NUMBER": str(build["buildNumber"]),
        "CODEBUILD_BUILD_SUCCEEDING": "1",
        "CODEBUILD_CI": "true",
        "CODEBUILD_INITIATOR": build["initiator"],
        "CODEBUILD_KMS_KEY_ID": build["encryptionKey"],
        "CODEBUILD_LOG_PATH": build["logs"].get("streamName", ""),
        "CODEBUILD_PROJECT_ARN": names.project(build["projectName"]),
        "CODEBUILD_RESOLVED_SOURCE_VERSION": build.get("resolvedSourceVersion", ""),
        "CODEBUILD_SOURCE_REPO_URL": f"s3://{location}" if source["type"] == "S3" else "",
        "CODEBUILD_SOURCE_VERSION": build.get("sourceVersion", ""),
        "CODEBUILD_SRC_DIR": str(folder),
        "CODEBUILD_START_TIME": str(int(build["startTime"] * 1000)),
    }


def merged(
    project: Sequence[Mapping[str, str]], override: Sequence[Mapping[str, str]]
) -> list[dict[str, str]]:
    """The variables of a build: those given at its start replace the project's of the same name.

    >>> merged([{"name": "A", "value": "1"}], [{"name": "A", "value": "2"}])
    [{'type': 'PLAINTEXT', 'name': 'A', 'value': '2'}]
    """
    found = {variable["name"]: variable for variable in (*project, *override)}
    return [{"type": PLAINTEXT, **variable} for variable in found.values()]


def wanted_parameters(
    declared: Mapping[str, str], given: Sequence[Mapping[str, str]]
) -> dict[str, str]:
    """Names in Parameter Store by variable; `declared` is the buildspec's, which comes second."""
    return {
        **declared,
        **{entry["name"]: entry["value"] for entry in given if entry["type"] == PARAMETER_STORE},
    }


def chosen(
    declared: Mapping[str, str],
    given: Sequence[Mapping[str, str]],
    fetched: Mapping[str, str],
) -> dict[str, str]:
    """The project's own variables: what the build was given wins over the buildspec's.

    `fetched` are the values of `wanted_parameters`, by variable.
    """
    plain = {entry["name"]: entry["value"] for entry in given if entry["type"] == PLAINTEXT}
    return {**declared, **fetched, **plain}


GRACE_SECONDS = 2.0
SIGNALLED = 128
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

# `set +eux`: what a command switches on is for itself, as if it had a shell of its own.
DRIVER = """\
keep() {{ pwd > {folder}/place; export -p > {folder}/exports; }}
if [ -e {folder}/exports ]; then
  . {folder}/exports
  IFS= read -r LOCALAWS_PLACE < {folder}/place && cd "$LOCALAWS_PLACE"
fi
trap '{{ set +eux; }} 2>/dev/null; keep' EXIT
while IFS= read -r LOCALAWS_COMMAND < {folder}/next; do
  . {folder}/"$LOCALAWS_COMMAND"
  {{ LOCALAWS_STATUS=$?; set +eux; }} 2>/dev/null
  keep
  echo "$LOCALAWS_STATUS" > {folder}/done
done
"""


class InterruptedBuildError(Exception):
    """The build was stopped, or ran out of time; the text is the status of the phase."""


class Control:
    """How a build is reached while it runs: a request to stop it, and whatever should wake it."""

    def __init__(self) -> None:
        self._woken, self._wakes = os.pipe()
        os.set_blocking(self._wakes, False)
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._closed = False
        self.deadline = float("inf")
        """On the monotonic clock."""

    def request_stop(self) -> None:
        self._stop.set()
        self.wake()

    def wake(self) -> None:
        with self._lock, contextlib.suppress(BlockingIOError):  # then it is awake anyway
            if not self._closed:
                os.write(self._wakes, b".")

    def check(self) -> None:
        """Raise InterruptedBuildError where the build may not go on."""
        if self._stop.is_set():
            raise InterruptedBuildError("STOPPED")
        if time.monotonic() >= self.deadline:
            raise InterruptedBuildError("TIMED_OUT")

    def wait_for(self, descriptor: int) -> bool:
        """Wait until there is something to read, or `wake` was called; return which."""
        self.check()
        left = min(self.deadline - time.monotonic(), 3600.0)
        ready, _, _ = select.select([descriptor, self._woken], [], [], max(left, 0.0))
        if self._woken in ready:
            os.read(self._woken, 4096)
        self.check()
        return descriptor in ready

    def close(self) -> None:
        with self._lock:
            self._closed = True
            os.close(self._woken)
            os.close(self._wakes)


class Shell:
    """Runs commands in `place`; all that they print goes to the log."""

    def __init__(
        self,
        processes: Processes,
        program: str,
        environment: Mapping[str, str],
        folder: Path,
        place: Path,
        log: Path,
        control: Control,
    ) -> None:
        """`folder` is for the shell's own files and empty."""
        self._processes = processes
        self._program = program
        self._environment = environment
        self._folder = folder
        self._place = place
        self._log = log
        self._control = control
        self._process: Process | None = None
        self._count = 0
        (folder / "driver").write_text(DRIVER.format(folder=quote(str(folder))))
        # Held open for reading and writing, so that neither side ever waits for the other to come.
        self._next, self._done = (self._pipe(name) for name in ("next", "done"))

    def run(self, command: str) -> int:
        """Run a command; return its exit status. Raises InterruptedBuildError."""
        self._count += 1
        name = f"command-{self._count}"
        (self._folder / name).write_text(f"{command}\n")
        process = self._started()
        os.write(self._next, f"{name}\n".encode())
        while not process.ended.is_set():
            if self._control.wait_for(self._done):
                return int(os.read(self._done, 64))
        self._process = None
        # What a shell did not read must not reach the next one.
        told, _ = taken(self._done), taken(self._next)
        if told:
            return int(told)
        code = process.code or 0
        return code if code >= 0 else SIGNALLED - code

    def answers(self, texts: Sequence[str]) -> list[str]:
        """What each text becomes between double quotes, with the variables as they are now."""
        if not texts:
            return []
        answer = self._folder / "answers"
        quoted = " ".join('"' + text.replace('"', '\\"') + '"' for text in texts)
        self.run(f"printf '%s\\0' {quoted} > {quote(str(answer))}")
        return answer.read_text(errors="replace").split("\0")[:-1]

    def values(self, names: Sequence[str]) -> dict[str, str]:
        """The variables of these names that are set."""
        sound = [name for name in names if IDENTIFIER.fullmatch(name)]
        marks = self.answers([f"${{{name}+set}}" for name in sound])
        held = [name for name, mark in zip(sound, marks, strict=False) if mark]
        return dict(zip(held, self.answers([f"${{{name}}}" for name in held]), strict=False))

    def close(self) -> None:
        """End the shell and everything it started."""
        if self._process:
            self._processes.end(self._process, GRACE_SECONDS)
        os.close(self._next)
        os.close(self._done)

    def _started(self) -> Process:
        if self._process is None:
            self._process = self._processes.start(
                [self._program, str(self._folder / "driver")],
                self._environment,
                folder=self._place,
                ml=self._place,
                log=self._log,
                ended=self._control.wake,
                isolation="folder",
            )
        return self._process

    def _pipe(self, name: str) -> int:
        os.mkfifo(self._folder / name)
        return os.open(self._folder / name, os.O_RDWR | os.O_NONBLOCK)


def taken(descriptor: int) -> bytes:
    """What is in a pipe now."""
    try:
        return os.read(descriptor, 4096)
    except BlockingIOError:
        return b""


PROCESSES = Path("/proc")


def end_leftovers(build_id: str) -> int:
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
