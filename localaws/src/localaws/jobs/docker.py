"""Docker mode: a job runs in its step's built image, under the same contract."""

import logging
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from localaws.jobs.engines import Launch
from localaws.jobs.images import Image, PullError, digest
from localaws.jobs.processes import Process, Processes
from localaws.jobs.work import ROOT
from localaws.steps import Steps

log = logging.getLogger(__name__)

LABEL = "localaws.digest"
TAIL_CHARACTERS = 600
OLD_CLIENTS = ("18", "19", "20", "22")


class DockerImages:
    """The steps' images, built where they are not here or of older code."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self.client = find_client()
        self._building = threading.Lock()

    def pull(self, image: Image) -> None:
        """Build the step's image unless the one that is there has the same digest; of a variant,
        both."""
        step, own = self._steps.parts_of(image.step)
        with self._building:
            self._renew(step, "--target", step, *self._step_code())
            if own is not None:
                base = ("--build-arg", f"BASE={self.tag(step)}")
                self._renew(image.step, *base, str(own))

    def _step_code(self) -> tuple[str, str, str]:
        return "--file", str(self._steps.folder / "Dockerfile"), str(self._steps.folder)

    def _renew(self, name: str, *words: str) -> None:
        wanted = digest(name, self._steps)
        if self._built(name) != wanted:
            self._build(name, wanted, words)

    def tag(self, step: str) -> str:
        return f"{self._steps.docker_image}:{step}"

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
        try:
            return subprocess.run(
                [self.client, *words], capture_output=True, text=True, env=environment, check=False
            )
        except FileNotFoundError as error:
            raise PullError(
                "ClientError: CannotPullContainerError: there is no docker client on PATH. Install"
                " Docker, or start the stage without --docker."
            ) from error

    def _built(self, step: str) -> str | None:
        form = f'{{{{index .Config.Labels "{LABEL}"}}}}'
        answer = self.run("image", "inspect", "--format", form, self.tag(step))
        return answer.stdout.strip() if answer.returncode == 0 else None

    def _build(self, name: str, wanted: str, words: tuple[str, ...]) -> None:
        log.info("building the image of %s", name)
        answer = self.run(
            *("build", "--tag", self.tag(name), "--label", f"{LABEL}={wanted}"),
            *words,
        )
        if answer.returncode != 0:
            told = (answer.stderr or answer.stdout).strip()[-TAIL_CHARACTERS:]
            raise PullError(
                f"ClientError: CannotPullContainerError: the image of {name} could not be built."
                f" Try `docker build {' '.join(words)}`. {told}"
            )


class DockerEngine:
    """Runs a job's programs with `docker run`, whose client is a process like any other."""

    def __init__(self, processes: Processes, steps: Steps) -> None:
        self._processes = processes
        self._images = DockerImages(steps)

    def expect(self, after: str | None = None) -> None:
        """A container brings its own process."""

    def pull(self, image: Image) -> None:
        """Build the step's image unless the one that is there has the same digest."""
        self._images.pull(image)

    def start(self, launch: Launch, ended: Callable[[], None]) -> Process:
        host = launch.host
        # The image's user is not this one: let it write into the job's folders, and only there.
        open_to_all(host.ml)
        command = [
            *(self._images.client, "run", "--rm", "--init", "--name", launch.name),
            *("--read-only", "--tmpfs", "/tmp", "--network", "host"),  # noqa: S108 - in the container
            *("--volume", f"{host.ml}:{ROOT}"),
            *identity(),
            # Values come from the client's environment, so that no process list shows them.
            *(word for name in launch.environment for word in ("--env", name)),
            *entry(launch, self._images.tag(launch.image.step)),
        ]
        process = self._processes.start(
            command,
            {"PATH": os.defpath, "HOME": str(host.scratch), **settings(), **launch.environment},
            folder=host.folder,
            ml=host.ml,
            log=host.log,
            ended=ended,
            isolation="folder",
        )
        process.measured = False
        return process

    def end(self, launch: Launch, process: Process, grace_seconds: float) -> None:
        # The client passes a SIGTERM on; it cannot pass a SIGKILL on, so the engine gets a stop.
        self._images.run("stop", "--time", str(max(int(grace_seconds), 1)), launch.name)
        self._processes.end(process, grace_seconds)
        self._images.run("rm", "--force", launch.name)


def find_client() -> str:
    """The first Docker client on PATH that can build with BuildKit, else just the first.

    Up to version 22 the client has BuildKit in it; later ones need the buildx component.
    """
    clients = [
        found
        for folder in os.environ.get("PATH", os.defpath).split(os.pathsep)
        if (found := shutil.which("docker", path=folder))
    ]
    for client in clients:
        version = output(client, "version", "--format", "{{.Client.Version}}")
        if version.partition(".")[0] in OLD_CLIENTS or output(client, "buildx", "version"):
            return client
    return clients[0] if clients else "docker"


def output(*command: str) -> str:
    """What a command prints; empty when it fails."""
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout.strip() if answer.returncode == 0 else ""


def settings() -> dict[str, str]:
    """Which engine the client talks to is the developer's choice."""
    return {name: value for name, value in os.environ.items() if name.startswith("DOCKER_")}


def identity() -> list[str]:
    """Run as this user, so that what the job leaves can be read and removed; never as root."""
    user = os.getuid()
    return ["--user", f"{user}:{os.getgid()}"] if user else []


def entry(launch: Launch, image: str) -> list[str]:
    if not launch.entrypoint:
        return [image, *launch.arguments]
    program, *words = launch.entrypoint
    return ["--entrypoint", program, image, *words, *launch.arguments]


def function_options(memory_mb: int, image_config: Mapping[str, Any]) -> list[str]:
    """How `docker run` starts a function's image: as in Lambda, it can write to /tmp alone."""
    return [
        *("--read-only", "--tmpfs", "/tmp:exec", "--memory", f"{memory_mb}m"),  # noqa: S108
        *("--workdir", image_config["WorkingDirectory"]),
        *("--entrypoint", image_config["EntryPoint"][0]),
        *identity(),
    ]


def open_to_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
