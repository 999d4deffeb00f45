"""The steps' images as the local stage knows them: code in the working tree, and its digest."""

import hashlib
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

STEPS = ("preprocess", "train", "evaluate")
BUILT_WITH = ("requirements.txt", "Dockerfile", "slim.py")
CONTAINERS = Path(__file__).resolve().parents[4] / "containers"
REFERENCE = re.compile(
    r"(?P<registry>[^/]+)/(?P<repository>[^@:]+)(?:@sha256:(?P<digest>[0-9a-f]{64})|:(?P<tag>.+))?"
)

_known: dict[tuple[Path, str], tuple[tuple[object, ...], str]] = {}


class PullError(Exception):
    """The image cannot be had; the text says what a job's FailureReason says."""


@dataclass(frozen=True)
class Image:
    """What a job starts: the image's own entry point, and the folder and variables it has."""

    step: str
    command: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""


def digest(step: str, containers: Path = CONTAINERS) -> str:
    """The 64 hex digits that name the step's code: its files, the shared ones, the lock.

    It changes whenever a build of the image could come out different.
    """
    files = sorted(sources(step, containers))
    stamps = tuple((file, (found := file.stat()).st_mtime_ns, found.st_size) for file in files)
    known = _known.get((containers, step))
    if known and known[0] == stamps:
        return known[1]
    summary = hashlib.sha256(step.encode())
    for file in files:
        name = file.relative_to(containers).as_posix()
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        summary.update(f"\n{name} {content}".encode())
    _known[containers, step] = (stamps, summary.hexdigest())
    return summary.hexdigest()


def sources(step: str, containers: Path = CONTAINERS) -> Iterator[Path]:
    """Every file that the step's image is made of."""
    for folder in (containers / "contract", containers / step):
        for file in folder.rglob("*"):
            # Neither Python's bytecode, which comes and goes, nor what an editor keeps beside.
            hidden = any(
                part == "__pycache__" or part.startswith(".")
                for part in file.relative_to(folder).parts
            )
            if not hidden and file.is_file():
                yield file
    for name in BUILT_WITH:
        if (containers / name).is_file():
            yield containers / name


@dataclass(frozen=True)
class Images:
    """Finds the step behind an image URI. There is one repository, `<stack>-steps`."""

    containers: Path = CONTAINERS
    interpreter: str = sys.executable

    def resolve(self, uri: str) -> Image:
        """Return the image of a URI that names a digest; raises PullError."""
        reference = REFERENCE.fullmatch(uri)
        if not reference or not reference["repository"].endswith("-steps"):
            raise PullError(
                f"ClientError: CannotPullContainerError: {uri} is in no repository of this stage;"
                " its images are in <account>.dkr.ecr.<region>.amazonaws.com/<stack>-steps."
            )
        if not reference["digest"]:
            raise PullError(
                f"ClientError: CannotPullContainerError: {uri} names no digest; ask for"
                " <repository>@sha256:<digest>, so that a run always means the same code."
            )
        for step in STEPS:
            if digest(step, self.containers) == reference["digest"]:
                return self.image(step)
        raise PullError(
            f"ClientError: CannotPullContainerError: no step's code has the digest of {uri}. The"
            " code under containers/ has changed since this run was opened; start a new run."
        )

    def after(self, step: str | None) -> Image:
        """The image that is likely to be asked for next: a run's steps follow one another."""
        index = STEPS.index(step) + 1 if step in STEPS else 0
        return self.image(STEPS[index % len(STEPS)])

    def image(self, step: str) -> Image:
        """The step's code in the working tree, run by this interpreter as the image would."""
        return Image(
            step=step,
            command=(self.interpreter, "-m", step),
            folder=self.containers,
            environment={"PYTHONPATH": str(self.containers), "PYTHONUNBUFFERED": "1"},
            digest=digest(step, self.containers),
        )
