"""The steps' images as the local stage knows them: code in the working tree, and its digest."""

import hashlib
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from localaws.steps import Steps

REFERENCE = re.compile(
    r"(?P<registry>[^/]+)/(?P<repository>[^@:]+)(?:@sha256:(?P<digest>[0-9a-f]{64})|:(?P<tag>.+))?"
)

_known: dict[tuple[Path, str], tuple[tuple[object, ...], str]] = {}


class PullError(Exception):
    """The image cannot be pulled; the text is the job's FailureReason."""


@dataclass(frozen=True)
class Image:
    """What a job starts: the image's own entry point, and the folder and variables it has."""

    step: str
    command: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""


def digest(image: str, steps: Steps) -> str:
    """The 64 hex digits that name the image's code: the step's files, the shared ones, the lock,
    and of a variant its own folder.

    It changes whenever a build of the image could come out different.
    """
    step, own = steps.parts_of(image)
    if own is None:
        return _digest_of_step(step, steps)
    summary = hashlib.sha256(f"{image} {_digest_of_step(step, steps)}".encode())
    for file in sorted(_context(own), key=lambda file: file.parts):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        summary.update(f"\n{file.relative_to(own).as_posix()} {content}".encode())
    return summary.hexdigest()


def _digest_of_step(step: str, steps: Steps) -> str:
    files = sorted(sources(step, steps), key=lambda file: file.parts)
    stamps = tuple((file, (found := file.stat()).st_mtime_ns, found.st_size) for file in files)
    known = _known.get((steps.folder, step))
    if known and known[0] == stamps:
        return known[1]
    summary = hashlib.sha256(step.encode())
    for file in files:
        name = file.relative_to(steps.folder).as_posix()
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        summary.update(f"\n{name} {content}".encode())
    _known[steps.folder, step] = (stamps, summary.hexdigest())
    return summary.hexdigest()


def sources(step: str, steps: Steps) -> Iterator[Path]:
    """Every file that the step's image is made of."""
    for folder in steps.folders_of(step):
        yield from _files(folder)
    for name in steps.built_with:
        if (steps.folder / name).is_file():
            yield steps.folder / name


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        # Neither Python's bytecode, which comes and goes, nor an editor's own files.
        folders[:] = [name for name in folders if not _is_hidden(name)]
        for name in files:
            file = Path(place, name)
            if not _is_hidden(name) and file.is_file():
                yield file


def _context(folder: Path) -> Iterator[Path]:
    """Every file that a build of the folder may copy, also hidden ones."""
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__"]
        yield from (file for name in files if (file := Path(place, name)).is_file())


def _is_hidden(name: str) -> bool:
    return name == "__pycache__" or name.startswith(".")


class NoImages:
    """What a stage has that was started without a folder of steps."""

    def resolve(self, uri: str) -> Image:
        raise PullError(
            f"ClientError: CannotPullContainerError: {uri} is not here: this stage was started"
            " without a folder of steps, so it has no images."
        )


@dataclass(frozen=True)
class Images:
    """Finds the step behind an image URI."""

    steps: Steps
    interpreter: str = sys.executable

    def resolve(self, uri: str) -> Image:
        """Return the image of a URI that names a digest; raises PullError."""
        steps = self.steps
        reference = REFERENCE.fullmatch(uri)
        if not reference or not fnmatchcase(reference["repository"], steps.repositories):
            raise PullError(
                f"ClientError: CannotPullContainerError: {uri} is in no repository of this stage;"
                " its images are in <account>.dkr.ecr.<region>.amazonaws.com/"
                f"{steps.repositories}."
            )
        if not reference["digest"]:
            raise PullError(
                f"ClientError: CannotPullContainerError: {uri} names no digest; ask for"
                " <repository>@sha256:<digest>, so that a run always means the same code."
            )
        for image in steps.images():
            if digest(image, steps) == reference["digest"]:
                return self.image(image)
        raise PullError(
            f"ClientError: CannotPullContainerError: no step's code has the digest of {uri}. The"
            f" code under {steps.folder.name}/ has changed since this run was opened; start a new"
            " run."
        )

    def after(self, step: str | None) -> Image:
        """The image that is likely to be asked for next: a run's steps follow one another."""
        order = self.steps.run or self.steps.steps
        step = self.steps.parts_of(step)[0] if step else None
        index = order.index(step) + 1 if step in order else 0
        return self.image(order[index % len(order)])

    def image(self, name: str) -> Image:
        """The step's code in the working tree, run by this interpreter as the image would. Of a
        variant, it is the step's too: what else its image has is not here."""
        return Image(
            step=name,
            command=(self.interpreter, "-m", self.steps.parts_of(name)[0]),
            folder=self.steps.folder,
            environment={"PYTHONPATH": str(self.steps.folder), "PYTHONUNBUFFERED": "1"},
            digest=digest(name, self.steps),
        )
