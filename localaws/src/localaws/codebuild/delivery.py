"""Which files of a build go where: the buildspec's artifacts, matched with their destinations."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from localaws.codebuild.artifacts import (
    Destination,
    NothingFoundError,
    collect,
    destination,
    upload,
)
from localaws.codebuild.buildspec import Buildspec, Output
from localaws.codebuild.handover import Order
from localaws.jobs.s3 import S3


class Answering(Protocol):
    """Says what a text becomes in the build's shell."""

    def answers(self, texts: list[str]) -> list[str]: ...


class Saying(Protocol):
    """Takes lines of CodeBuild's own."""

    def say(self, line: str) -> None: ...


@dataclass(frozen=True)
class Delivery:
    """One set of files and its destination; `identifier` is empty for the primary one."""

    identifier: str
    output: Output
    base_directory: str
    to: Destination


def deliveries(
    order: Order, buildspec: Buildspec, build: Mapping[str, Any], shell: Answering
) -> list[Delivery]:
    """Match every destination with the buildspec; raises NothingFoundError where it has none."""
    found = []
    for identifier, settings in destinations(order):
        output = output_for(identifier, buildspec)
        base, own_name = shell.answers([output.base_directory, output.name or ""])
        if isinstance(settings, Destination):
            to = settings
        else:
            name = settings.get("name") or build["projectName"]
            if settings.get("overrideArtifactName") and own_name:
                name = own_name
            to = destination(settings, build["id"], name)
        found.append(Delivery(identifier, output, base, to))
    return found


def destinations(order: Order) -> list[tuple[str, Destination | Mapping[str, Any]]]:
    """Every place that files are wanted at, by its identifier in the buildspec."""
    if order.artifacts["type"] == "CODEPIPELINE":
        several = len(order.outputs) > 1
        return [
            (artifact.name if several else "", Destination(artifact.bucket, artifact.key, True))
            for artifact in order.outputs
        ]
    found: list[tuple[str, Destination | Mapping[str, Any]]] = []
    if order.artifacts["type"] == "S3":
        found.append(("", order.artifacts))
    return found + [
        (settings["artifactIdentifier"], settings) for settings in order.secondary_artifacts
    ]


def output_for(identifier: str, buildspec: Buildspec) -> Output:
    if not identifier:
        if buildspec.artifacts is None:
            raise NothingFoundError("no artifacts are defined in the buildspec")
        return buildspec.artifacts
    try:
        return buildspec.secondary_artifacts[identifier]
    except KeyError as error:
        raise NothingFoundError(
            f"no definition for secondary artifact {identifier} found in buildspec"
        ) from error


def deliver(s3: S3, one: Delivery, source: Path, scratch: Path, log: Saying) -> dict[str, str]:
    """Collect and upload the files; return what the build's record tells of them."""
    log.say(f"Expanding base directory path: {one.base_directory}")
    for pattern in one.output.files:
        log.say(f"Expanding {pattern}")
    files = collect(one.output, source, one.base_directory)
    log.say(f"Found {len(files)} file(s)")
    return upload(s3, files, one.to, scratch)


def noted(build: Mapping[str, Any], one: Delivery, facts: Mapping[str, str]) -> dict[str, Any]:
    """The part of the build's record that changes with a delivery."""
    if not one.identifier:
        return {"artifacts": {**build["artifacts"], **facts}}
    others = [
        entry
        for entry in build.get("secondaryArtifacts", [])
        if entry.get("artifactIdentifier") != one.identifier
    ]
    return {"secondaryArtifacts": [*others, {"artifactIdentifier": one.identifier, **facts}]}
