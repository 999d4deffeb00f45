"""Two ways to run a step's program: as a process of this machine, or in its built image."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from kanmon.local.jobs.images import Image
from kanmon.local.jobs.layout import PROCESSING, ROOT, Host
from kanmon.local.jobs.processes import Process, Processes


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

    def pull(self, image: Image) -> None:
        """Make the image ready to start; raises PullError."""

    def start(self, launch: Launch, ended: Callable[[], None]) -> Process:
        """Start the program; `ended` is called, from any thread, when it is over."""

    def end(self, launch: Launch, process: Process, grace_seconds: float) -> None:
        """Ask the program to end, and kill it after the grace period."""


class ProcessEngine:
    """Runs the step's code with this interpreter, seeing its own /opt/ml where that is possible."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes

    def pull(self, image: Image) -> None:
        """The code is here already."""

    def start(self, launch: Launch, ended: Callable[[], None]) -> Process:
        host, image = launch.host, launch.image
        command = [*(launch.entrypoint or image.command), *launch.arguments]
        # What a fresh container would have, and nothing of the stage's or the developer's own.
        environment = {
            "HOME": str(host.scratch),
            "LANG": "C.UTF-8",
            "PATH": f"{Path(image.command[0]).parent}{os.pathsep}{os.defpath}",
            "TMPDIR": str(host.scratch),
            **image.environment,
            **launch.environment,
        }
        if self._processes.isolation == "folder":
            environment["PROCESSING_ROOT"] = str(host.here(PROCESSING))
            command = [moved(word, host) for word in command]
        return self._processes.start(
            command, environment, folder=image.folder, ml=host.ml, log=host.log, ended=ended
        )

    def end(self, launch: Launch, process: Process, grace_seconds: float) -> None:
        self._processes.end(process, grace_seconds)


def moved(word: str, host: Host) -> str:
    """Point an argument that names a path of the container to where that path is here."""
    return str(host.here(word)) if word == ROOT or word.startswith(f"{ROOT}/") else word
