"""The folder of step code that a stage runs jobs from, and its settings, `localaws.toml`.

    steps = ["prepare", "fit"]      # a package each: `python -m prepare`

    # All of the rest may be left out.
    run = ["prepare", "fit"]        # those that follow one another; without it, all do
    shared = ["contract"]           # folders that every step's image contains as well
    built_with = ["Dockerfile"]     # files beside them that change what an image holds
    repositories = "*-steps"        # the ECR repositories that hold the images, tagged by step
    docker_image = "shop-steps"     # what the images are called in Docker, with --docker
    late_variables = ["SHOP_"]      # variables that are read when a job works, not at import
    hidden = ["hypothesis"]         # packages whose import fails while the next step is preloaded
    functions = ["core.orders"]     # modules that functions of one package import once, together,
                                    # without any environment; after a colon, a function to call

    [uses]                          # folders that a step's image contains besides the shared ones
    fit = ["learning"]

    [preload]                       # modules that the next step's process imports ahead of its job;
    fit = ["fit.model", "contract.libraries:load"]         # after a colon, a function to call

A folder of variants may stand beside it: `<name>/<step>/Dockerfile` in it makes the image
`<step>-<name>` of the step's own image, which its build argument BASE names.

Standard library only: `up` reads it before it starts a server.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from itertools import chain
from pathlib import Path
from typing import Any

SETTINGS = "localaws.toml"
_TABLES = ("uses", "preload")


class StepsError(Exception):
    """The folder of steps cannot be used; the message names it and what is wrong."""


@dataclass(frozen=True)
class Steps:
    """The steps that can be run as jobs: their code, and how their images would be built."""

    folder: Path
    steps: tuple[str, ...]
    shared: tuple[str, ...] = ()
    built_with: tuple[str, ...] = ()
    repositories: str = "*-steps"
    docker_image: str = "localaws-steps"
    late_variables: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    uses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    preload: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    run: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    variants: Path | None = None

    def images(self) -> tuple[str, ...]:
        """All images: those of the steps, and `<step>-<name>` for each variant of one."""
        if self.variants is None:
            return self.steps
        found = sorted(
            f"{step}-{dockerfile.parent.parent.name}"
            for step in self.steps
            for dockerfile in self.variants.glob(f"*/{step}/Dockerfile")
        )
        return (*self.steps, *found)

    def parts_of(self, image: str) -> tuple[str, Path | None]:
        """The step that the image is of, and of a variant the folder that it is built from."""
        for step in self.steps:
            if self.variants and image.startswith(f"{step}-") and image not in self.steps:
                return step, self.variants / image.removeprefix(f"{step}-") / step
        return image, None

    def folders_of(self, step: str) -> tuple[Path, ...]:
        """The folders that the step's image contains."""
        return tuple(self.folder / name for name in (*self.shared, *self.uses.get(step, ()), step))


def read(folder: Path, variants: Path | None = None) -> Steps:
    """Read the folder's settings; `variants` is the folder of its variants. Raises StepsError."""
    folder = folder.resolve()
    path = folder / SETTINGS
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StepsError(f"the folder of steps has no readable {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StepsError(f"{path} is not TOML: {error}") from error
    known = [one.name for one in fields(Steps) if one.name not in ("folder", "variants")]
    for name, value in written.items():
        if name not in known:
            raise StepsError(f"{path}: unknown setting {name!r}; known are {', '.join(known)}")
        if problem := _problem(name, value):
            raise StepsError(f"{path}: {name} must be {problem}")
    if not written.get("steps"):
        raise StepsError(f"{path}: steps must list at least one step")
    used = chain.from_iterable(written.get("uses", {}).values())
    for name in (*written["steps"], *written.get("shared", ()), *used):
        if not (folder / name).is_dir():
            raise StepsError(f"{path} names {name!r}, but {folder / name} is no folder")
    for name in ("run", *_TABLES):
        if strangers := set(written.get(name, ())) - set(written["steps"]):
            raise StepsError(f"{path}: {name} names {', '.join(sorted(strangers))}, no step of it")
    settings = {name: _frozen(value) for name, value in written.items()}
    return Steps(folder, **settings, variants=variants.resolve() if variants else None)


def _problem(name: str, value: Any) -> str:
    """What the setting must be, where it is something else."""
    if name in ("repositories", "docker_image"):
        return "" if isinstance(value, str) else "a text"
    if name not in _TABLES:
        return "" if _are_names(value) else "a list of names"
    fits = isinstance(value, dict) and all(_are_names(one) for one in value.values())
    return "" if fits else "a table of lists of names"


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: tuple(listed) for name, listed in value.items()}
    return tuple(value) if isinstance(value, list) else value
