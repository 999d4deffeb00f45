"""Which models there are: those of the stage, and those that have a folder in the project."""

from typing import TYPE_CHECKING

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
