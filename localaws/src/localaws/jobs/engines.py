"""Two ways to run a step's program: as a process of this machine, or in its built image."""

import contextlib
import os
import sysconfig
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from localaws.jobs.images import Image, Images
from localaws.jobs.layout import Host
from localaws.jobs.processes import Ahead, LauncherGoneError, Prepared, Process, Processes
from localaws.jobs.work import PROCESSING, ROOT


@dataclass(frozen=True)
class Launch:
    """One program to start for one host of a job."""

    name: str
    image: Image
    host: Host
    environment: Mapping[str, str]
    entrypoint: tuple[str, ...] = ()
    """Replaces the image's own entry point where it is not empty."""
    arguments: tuple[str, ...] = field(default=())


class Engine(Protocol):
    """Starts and ends the programs of jobs."""

    def expect(self, after: str | None = None) -> None:
        """Get ready for the step that follows `after`, or for a run's first, where that helps."""

    def pull(self, image: Image) -> None:
        """Make the image ready to start; raises PullError."""

    def start(self, launch: Launch, ended: Callable[[], None]) -> Process:
        """Start the program; `ended` is called, from any thread, when it has ended."""

    def end(self, launch: Launch, process: Process, grace_seconds: float) -> None:
        """Ask the program to end, and kill it after the grace period."""


class ProcessEngine:
    """Runs the step's code with this interpreter, seeing its own /opt/ml where that is possible."""

    def __init__(self, processes: Processes, images: Images | None = None) -> None:
        """With `images`, the next step's process is begun while a job runs, and waits for it."""
        self._processes = processes
        self._images = images

    def expect(self, after: str | None = None) -> None:
        """Begin the process of the step that follows `after`, or of a run's first."""
        if self._images is None:
            return
        # It only saves time: whatever is wrong shows when the job itself is started.
        with contextlib.suppress(OSError, LauncherGoneError):
            image = self._images.after(after)
            environment = {"LANG": "C.UTF-8", "PATH": path(image), **image.environment}
            steps = self._images.steps
            self._processes.prepare(
                program(image),
                Ahead(image.step, steps.preload.get(image.step, ()), steps.hidden),
                image.command[0],
                environment,
                image.folder,
            )

    def pull(self, image: Image) -> None:
        """The code is here already."""

    def start(self, launch: Launch, ended: Callable[[], None]) -> Process:
        host, image = launch.host, launch.image
        command = [*(launch.entrypoint or image.command), *launch.arguments]
        # What a fresh container would have, and nothing of the stage's or the developer's own.
        environment = {
            "HOME": str(host.scratch),
            "LANG": "C.UTF-8",
            "PATH": path(image),
            "TMPDIR": str(host.scratch),
            **image.environment,
            **launch.environment,
        }
        if self._processes.isolation == "folder":
            environment["PROCESSING_ROOT"] = str(host.here(PROCESSING))
            command = [moved(word, host) for word in command]
        process = self._processes.start(
            command,
            environment,
            folder=image.folder,
            ml=host.ml,
            log=host.log,
            ended=ended,
            prepared=self._prepared(launch, command),
        )
        if host.index == 0:
            self.expect(image.step)
        return process

    def _prepared(self, launch: Launch, command: list[str]) -> Prepared | None:
        """The process this job may go on in: of its own code, and nothing asks to be otherwise."""
        if self._images is None or launch.entrypoint:
            return None
        # Libraries read their settings when they are imported, which has happened already.
        late = ("AWS_", *self._images.steps.late_variables)
        if not all(name.startswith(late) for name in launch.environment):
            return None
        return Prepared(program(launch.image), tuple(command[len(launch.image.command) :]))

    def end(self, launch: Launch, process: Process, grace_seconds: float) -> None:
        self._processes.end(process, grace_seconds)


def path(image: Image) -> str:
    """Where a job's own programs are looked for."""
    return f"{Path(image.command[0]).parent}{os.pathsep}{os.defpath}"


def program(image: Image) -> str:
    """What a process is that was begun ahead: the step, its code, and the libraries installed."""
    installed = Path(sysconfig.get_path("purelib")).stat().st_mtime_ns
    return f"{image.step} {image.digest} {installed}"


def moved(word: str, host: Host) -> str:
    """Point an argument that names a path of the container to where that path is here."""
    return str(host.here(word)) if word == ROOT or word.startswith(f"{ROOT}/") else word
