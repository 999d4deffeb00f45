"""Starting and ending a job's processes, through the launcher."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from typing import IO

LAUNCHER = Path(__file__).parent / "launcher.py"
AHEAD = Path(__file__).parent / "ahead.py"


class LauncherGoneError(RuntimeError):
    """The process that starts the jobs has ended; nothing can be started or waited for."""


@dataclass(frozen=True)
class Prepared:
    """What a process begun ahead has to be for, and the words the job adds."""

    program: str
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ahead:
    """What a process begun ahead is for: its step, and what it imports or must not import."""

    step: str
    modules: Sequence[str] = ()
    hidden: Sequence[str] = ()


@dataclass
class Process:
    """One started program. `code` is its exit code, or minus the signal's number it died of.

    What it used of the machine is known when it has ended. It is not `measured` where the program
    only stands for one that runs elsewhere, as Docker's client does.
    """

    id: str
    code: int | None = None
    cpu_seconds: float = 0.0
    memory_bytes: int = 0
    measured: bool = True
    ended: threading.Event = field(default_factory=threading.Event)
    notify: Callable[[], None] | None = None


class Processes:
    """The jobs' processes. Safe to use from many threads.

    `isolation` says how a job sees its own /opt/ml: by a mount of its own ("mount", "user"), or
    not at all ("folder"), and then it needs the path of its folder.
    """

    def __init__(self, isolation: str | None = None) -> None:
        self._wanted = isolation
        self._ids = count(1)
        self._running: dict[str, Process] = {}
        self._lock = threading.Lock()
        self._gone = False
        self._ready = threading.Event()
        self._isolation = "folder"
        self._launcher = subprocess.Popen(
            [sys.executable, "-I", "-S", str(LAUNCHER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            # Nothing of the stage's own environment, its credentials least of all, may get through.
            env={"PATH": os.defpath},
        )
        assert self._launcher.stdin and self._launcher.stdout  # noqa: S101 - both are pipes
        self._requests = self._launcher.stdin
        reader = threading.Thread(
            target=self._read, args=(self._launcher.stdout,), name="jobs-launcher", daemon=True
        )
        reader.start()

    @property
    def isolation(self) -> str:
        self._ready.wait()
        return self._wanted or self._isolation

    def start(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        ml: Path,
        log: Path,
        ended: Callable[[], None] | None = None,
        isolation: str | None = None,
        prepared: "Prepared | None" = None,
    ) -> Process:
        """Start a program in `folder`, with `ml` as its /opt/ml and all it prints in `log`.

        `ended` is called from another thread as soon as the program has ended. Where a process
        waits that is `prepared` for this program, it goes on as the job.
        """
        process = Process(str(next(self._ids)), notify=ended)
        with self._lock:
            self._running[process.id] = process
        request = {"command": list(command), "environment": dict(environment)}
        paths = {"folder": str(folder), "ml": str(ml), "log": str(log)}
        self._send(
            {
                "do": "start",
                "job": process.id,
                "isolation": isolation or self._wanted,
                "program": prepared.program if prepared else None,
                "arguments": prepared.arguments if prepared else (),
                **request,
                **paths,
            }
        )
        return process

    def prepare(
        self,
        program: str,
        ahead: Ahead,
        interpreter: str,
        environment: Mapping[str, str],
        folder: Path,
    ) -> None:
        """Begin a process for the step of a job to come; only a start of `program` takes it."""
        self._send(
            {
                "do": "prepare",
                "isolation": self._wanted,
                "program": program,
                "command": [interpreter, str(AHEAD), json.dumps(asdict(ahead))],
                "environment": dict(environment),
                "folder": str(folder),
            }
        )

    def end(self, process: Process, grace_seconds: float) -> None:
        """Ask the whole process group to end; kill what is left after the grace period."""
        for number, patience in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, None)):
            if not process.ended.is_set():
                with contextlib.suppress(LauncherGoneError):
                    self._send({"do": "signal", "job": process.id, "signal": int(number)})
                process.ended.wait(patience)

    def close(self) -> None:
        """Kill everything that runs and end the launcher."""
        with contextlib.suppress(OSError):
            self._requests.close()
        self._launcher.wait()

    def _send(self, request: Mapping[str, object]) -> None:
        try:
            with self._lock:
                if self._gone:
                    raise BrokenPipeError
                self._requests.write(json.dumps(request).encode() + b"\n")
                self._requests.flush()
        except (OSError, ValueError) as error:
            raise LauncherGoneError("the process that starts the jobs has ended") from error

    def _read(self, events: IO[bytes]) -> None:
        for line in events:
            event = json.loads(line)
            if event["event"] == "ready":
                self._isolation = event["isolation"]
                self._ready.set()
            else:
                self._ended(
                    event["job"], event["code"], event["cpu_seconds"], event["memory_bytes"]
                )
        with self._lock:
            self._gone = True
        self._ready.set()
        for job in list(self._running):
            self._ended(job, -signal.SIGKILL)

    def _ended(self, job: str, code: int, cpu_seconds: float = 0.0, memory_bytes: int = 0) -> None:
        with self._lock:
            process = self._running.pop(job, None)
        if process:
            process.cpu_seconds, process.memory_bytes = cpu_seconds, memory_bytes
            process.code = code
            process.ended.set()
            if process.notify:
                process.notify()
