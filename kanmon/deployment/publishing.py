"""What a stage needs besides its stack: step images, and the definition of every model."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from py_compile import PyCompileError
from typing import TYPE_CHECKING, Any

from kanmon.deployment import step_functions, step_images
from kanmon.errors import KanmonError, RunFailedError
from kanmon.models.definitions import Folder, read_folder
from kanmon.models.definitions import publish as publish_definition

if TYPE_CHECKING:
    from kanmon.project import Project
    from kanmon.stage.connection import Connection
    from kanmon.terminal.screen import Screen


@dataclass(frozen=True)
class Published:
    """What is new on the stage, and what is wrong with the models that could not be published."""

    images: list[str]
    definitions: list[str]
    invalid: dict[str, str]

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "images": self.images,
            "definitions": {"published": self.definitions, "invalid": self.invalid},
        }


class Sources:
    """What is published of a project, read once: when it is, or before, while the stage works."""

    def __init__(self, project: "Project") -> None:
        self._project = project

    def read(self, connection: "Connection") -> None:
        """Read it now, and make the client that publishing needs first."""
        connection.client("dynamodb")
        _ = self.folders
        with suppress(PyCompileError):  # it is said when that is published
            _ = self.scorer

    @cached_property
    def folders(self) -> dict[str, Folder | KanmonError]:
        """Every model's folder, or what is wrong with it."""
        found: dict[str, Folder | KanmonError] = {}
        for model in self._project.models():
            try:
                found[model] = read_folder(self._project.model_folder(model))
            except KanmonError as error:
                found[model] = error
        return found

    @property
    def scoring(self) -> Path:
        """The folder of the scorer's code, which a project may lack."""
        return self._project.root / "serving" / "scoring"

    @cached_property
    def scorer(self) -> bytes:
        """The scorer's package for a machine that has its libraries; empty without its code."""
        from shipping import scorer_package

        return scorer_package.without_libraries(self.scoring) if self.scoring.is_dir() else b""


def publish(
    connection: "Connection",
    project: "Project",
    screen: "Screen",
    with_images: bool,
    sources: Sources | None = None,
) -> Published:
    """Publish step images and definitions, and report it. A definition that is there is skipped.

    Functions come last: where the stack cannot have them, the steps are jobs, and all else is
    there.
    """
    sources = sources or Sources(project)
    digests: dict[str, str] = {}
    if connection.name == "local":
        _publish_scorer(connection, sources)
    elif with_images:
        digests = step_images.push(connection, project, screen.note)
        screen.say(f"Pushed the images of {', '.join(digests)}")
    definitions, invalid = _publish_definitions(connection, sources)
    if definitions:
        screen.say(f"Published the definition of {', '.join(definitions)}")
    for line in invalid.values():
        screen.problem(line)
    if digests:
        _make_functions(connection, digests, screen)
    return Published(list(digests), definitions, invalid)


def _make_functions(connection: "Connection", digests: Mapping[str, str], screen: "Screen") -> None:
    try:
        with screen.waiting("Making functions of the steps"):
            changed = step_functions.use(connection, digests, screen.live)
    except RunFailedError as error:
        screen.problem(
            f"The steps stay jobs: {error.what}. Correct that in samconfig.toml, and deploy again."
        )
        return
    if changed:
        screen.say("The steps are functions of these images")


def _publish_scorer(connection: "Connection", sources: Sources) -> None:
    """Put the scorer's package where a release's packaging looks for it.

    On AWS the first release builds it, libraries included. Here its libraries are those of .venv,
    as for the control functions, and nothing needs to be built.
    """
    from botocore.exceptions import ClientError

    from shipping import scorer_package

    if not sources.scoring.is_dir():
        return
    bucket = connection.bucket
    stack = connection.stack_description() or {}
    given = {one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", [])}
    key = scorer_package.key(sources.scoring, given["FunctionArchitecture"])
    try:
        connection.s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] != "404":
            raise
        connection.s3.put_object(Bucket=bucket, Key=key, Body=sources.scorer)


def _publish_definitions(
    connection: "Connection", sources: Sources
) -> tuple[list[str], dict[str, str]]:
    """Publish every valid model folder; the models that are new, and what is wrong with others."""
    new, invalid = [], {}
    for model, folder in sources.folders.items():
        try:
            if isinstance(folder, KanmonError):
                raise folder
            if publish_definition(connection, folder):
                new.append(model)
        except KanmonError as error:
            invalid[model] = error.line()
    return new, invalid
