"""Which files of a build go where: the buildspec's artifacts and their destination."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from localaws.codebuild.artifacts import (
    Destination,
    NothingFoundError,
    collect,
    destination,
    upload,
)
from localaws.codebuild.buildspec import Buildspec
from localaws.codebuild.handover import Order
from localaws.jobs.s3 import S3


class Answering(Protocol):
    """Says what a text becomes in the build's shell."""

    def answers(self, texts: list[str]) -> list[str]: ...


class Saying(Protocol):
    """Takes lines of CodeBuild's own."""

    def say(self, line: str) -> None: ...


def deliver(
    s3: S3,
    order: Order,
    buildspec: Buildspec,
    build: Mapping[str, Any],
    shell: Answering,
    source: Path,
    scratch: Path,
    log: Saying,
) -> dict[str, str]:
    """Collect and upload what the build leaves, if anything; return what its record shows of it.

    Raises NothingFoundError where the buildspec has no artifacts, or no file is there.
    """
    if order.artifacts["type"] == "NO_ARTIFACTS" or (
        order.artifacts["type"] == "CODEPIPELINE" and order.output is None
    ):
        return {}
    output = buildspec.artifacts
    if output is None:
        raise NothingFoundError("no artifacts are defined in the buildspec")
    base, own_name = shell.answers([output.base_directory, output.name or ""])
    log.say(f"Expanding base directory path: {base}")
    for pattern in output.files:
        log.say(f"Expanding {pattern}")
    files = collect(output, source, base)
    log.say(f"Found {len(files)} file(s)")
    return upload(s3, files, _target(order, build, own_name), scratch)


def _target(order: Order, build: Mapping[str, Any], own_name: str) -> Destination:
    if order.output:
        return Destination(order.output.bucket, order.output.key, True)
    name = order.artifacts.get("name") or build["projectName"]
    if order.artifacts.get("overrideArtifactName") and own_name:
        name = own_name
    return destination(order.artifacts, build["id"], name)
