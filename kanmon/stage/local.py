"""The local stage: the only module of the command line that imports localaws."""

import os

from kanmon.project import Project
from localaws import stage
from localaws.home import Home
from localaws.stage import (
    LEAST_FREE_BYTES,
    Stage,
    StageError,
    down,
    ended_unexpectedly,
    status,
)
from localaws.state_files import DamagedStateError

__all__ = [
    "LEAST_FREE_BYTES",
    "Stage",
    "StageError",
    "content_digest",
    "down",
    "ended_unexpectedly",
    "started",
    "status",
    "up",
]

# How many seconds of AWS pass in one second on the local stage.
TIME_SCALE = "KANMON_TIME_SCALE"


def started(project: Project) -> str | None:
    """What the running local stage says of itself: another one, or none, says another thing."""
    try:
        return Home(project.home).stage_file.read_text()
    except OSError:
        return None


def up(project: Project, *, docker: bool = False) -> Stage:
    """Start the project's local stage, or return the one that runs. Raises StageError."""
    from localaws import pace

    written = os.environ.get(TIME_SCALE)
    try:
        time_scale = pace.read(written, TIME_SCALE) if written else None
    except pace.PaceError as error:
        raise StageError(str(error)) from error
    steps = project.root / "containers"
    try:
        return stage.up(
            project.home,
            steps=steps if steps.is_dir() else None,
            # A model's folder may have a train/Dockerfile for an image of its own.
            variants=project.root / "models",
            docker=docker,
            time_scale=time_scale,
        )
    except DamagedStateError as error:
        fix = "`kanmon down --erase` begins with an empty stage"
        if error.before:
            fix = f"`mv {error.before} {error.file}` brings back what was before it; {fix}"
        raise StageError(f"{error}; {fix}") from error


def content_digest(project: Project, step: str) -> str:
    """The digest of all that the step's image is made of: its code, the lock, the Dockerfile. That
    of a model's own train image, `train-<model>`, is made of the model's train/ too.

    On the local stage this is the image's own digest.
    """
    from localaws import steps
    from localaws.jobs.images import digest

    folders = (project.root / "containers", project.root / "models")
    return f"sha256:{digest(step, steps.read(*folders))}"
