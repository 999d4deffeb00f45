"""Which models there are: those of the stage, and those that have a folder in the project."""

from typing import TYPE_CHECKING

from kanmon.project import check_model_name

if TYPE_CHECKING:
    from kanmon.project import Project
    from kanmon.stage.connection import Connection

DEFINITIONS = "definitions/"


def models_on_stage(connection: "Connection") -> list[str]:
    """The models whose definition was ever published to the stage, sorted.

    One request for a thousand models, however many runs and releases they have.
    """
    pages = connection.s3.get_paginator("list_objects_v2").paginate(
        Bucket=connection.bucket, Prefix=DEFINITIONS, Delimiter="/"
    )
    found = [one["Prefix"] for page in pages for one in page.get("CommonPrefixes", [])]
    return sorted(prefix.removeprefix(DEFINITIONS).rstrip("/") for prefix in found)


def known_models(connection: "Connection", project: "Project") -> list[str]:
    """The models of the stage and of the project's folders, sorted."""
    return sorted({*models_on_stage(connection), *project.models()})


def require_model(connection: "Connection", project: "Project", model: str) -> None:
    """Refuse a model that is neither on the stage nor in the project.

    A model on the stage may have no folder here: another branch, a folder that was deleted.
    """
    check_model_name(model)
    if model not in project.models() and model not in models_on_stage(connection):
        project.model_folder(model)
