"""The step images: built and pushed for SageMaker, checked, and described by what they are made of.

Two builds of the same tree have different digests. So that a rebuild makes no run new, the stage
keeps for each image the digest of its content, and a run's fingerprint is made of that one.
"""

import base64
import json
import shutil
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING

from core.definition.train import DOCKERFILE, image_tag
from core.stage.bucket import Store
from core.stage.images import IMAGES
from kanmon.deployment.platform import call
from kanmon.errors import BadInputError, RunFailedError
from kanmon.stage import local

if TYPE_CHECKING:
    from kanmon.project import Project
    from kanmon.stage.connection import Connection

# SageMaker has refused the manifests of the OCI, which newer Docker engines make by default.
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
BUILDX_FIX = (
    "Install Docker's buildx plugin (package docker-buildx-plugin or docker-buildx), or leave the "
    "images as they are with --no-images."
)


def has_docker() -> bool:
    """Is there a Docker client on this machine?"""
    return shutil.which("docker") is not None


def problem() -> tuple[str, str] | None:
    """What keeps this machine's Docker from building the images, and the fix; None if nothing."""
    if not _answers("buildx", "version"):
        return "docker has no buildx, which builds the step images", BUILDX_FIX
    if not _answers("info"):
        return "the Docker engine does not answer", "Start it, or use --no-images."
    return None


def check(stage: str) -> None:
    """Raise BadInputError if the images cannot be built here."""
    if not has_docker():
        raise BadInputError(
            "docker is not installed, and the step images are built with it",
            f"Run `kanmon publish --stage {stage}` where it is, or leave the images "
            "as they are with --no-images.",
        )
    if found := problem():
        raise BadInputError(*found)


def push(
    connection: "Connection", project: "Project", note: Callable[[str], None]
) -> dict[str, str]:
    """Build the step images, push them to the stage's repository, and record their content.

    Returns each step's digest.
    """
    check(connection.name)
    repository = connection.outputs["StepsRepositoryUri"]
    token = connection.client("ecr").get_authorization_token()["authorizationData"][0]
    user, _, word = base64.b64decode(token["authorizationToken"]).decode().partition(":")
    login = ["docker", "login", "--username", user, "--password-stdin", repository.split("/")[0]]
    call(login, project.root, "docker login", word.encode())
    digests = {}
    for step in IMAGES:
        # Before the build: what changes meanwhile must not be taken for what was built.
        content = local.content_digest(project, step)
        words = build_command(repository, step)
        note(" ".join(words))
        call(words, project.root, "docker buildx build")
        digests[step] = _record(connection, repository, step, content)
    base = f"{repository}@{digests['train']}"
    for model in own_images(project):
        tag = image_tag(model)
        content = local.content_digest(project, tag)
        words = own_command(repository, base, model)
        note(" ".join(words))
        call(words, project.root, "docker buildx build")
        digests[tag] = _record(connection, repository, tag, content)
    return digests


def own_images(project: "Project") -> list[str]:
    """The models that have a train image of their own."""
    found = [(model, project.root / "models" / model) for model in project.models()]
    return [model for model, folder in found if (folder / DOCKERFILE).is_file()]


def build_command(repository: str, step: str) -> list[str]:
    """What builds and pushes a step's image."""
    words = ("--file", "containers/Dockerfile", "--target", step)
    return _build(f"{repository}:{step}", words, "containers")


def own_command(repository: str, base: str, model: str) -> list[str]:
    """What builds and pushes a model's own train image, on the image of Train just pushed."""
    folder = f"models/{model}/{DOCKERFILE.partition('/')[0]}"
    return _build(f"{repository}:{image_tag(model)}", ("--build-arg", f"BASE={base}"), folder)


def _build(tag: str, words: tuple[str, ...], folder: str) -> list[str]:
    """SageMaker runs x86 and takes no attestations."""
    return [
        *("docker", "buildx", "build", "--platform", "linux/amd64"),
        *("--provenance=false", "--sbom=false"),
        *("--output", "type=image,push=true,oci-mediatypes=false"),
        # It mounts the output folders for root; the step gives root up itself (contract/step.py).
        *("--build-arg", "STEP_USER=0:0"),
        *words,
        *("--tag", tag, folder),
    ]


def _record(connection: "Connection", repository: str, step: str, content: str) -> str:
    """Check the pushed image, and keep under its digest what it is made of; the digest."""
    name = repository.partition("/")[2]
    [image] = connection.client("ecr").describe_images(
        repositoryName=name, imageIds=[{"imageTag": step}]
    )["imageDetails"]
    kind = image.get("imageManifestMediaType", DOCKER_MANIFEST)
    if kind != DOCKER_MANIFEST:
        raise RunFailedError(
            f"the image {name}:{step} was pushed with a manifest of type {kind}, and SageMaker "
            f"takes {DOCKER_MANIFEST} for certain",
            "Let another builder make it: `docker buildx create --driver docker-container --use`, "
            f"then `kanmon publish --stage {connection.name}`.",
        )
    document = {"format": 1, "image": f"{name}:{step}", "content": content}
    connection.s3.put_object(
        Bucket=connection.bucket,
        Key=Store.image_key(image["imageDigest"]),
        Body=json.dumps(document).encode(),
        ContentType="application/json",
    )
    return str(image["imageDigest"])


def _answers(*words: str) -> bool:
    try:
        done = subprocess.run(["docker", *words], capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
