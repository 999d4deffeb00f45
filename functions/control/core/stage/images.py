"""The images of the steps, by what they hold rather than by a name that moves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.stage.partition import registry_host
from core.words.catalogue import say

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_ecr.type_defs import ImageIdentifierTypeDef

# The steps of a run, whose images are part of its fingerprint; all that may be functions; and all
# that have an image. Of Gather, what it wrote is in the fingerprint.
RUN_STEPS = ("preprocess", "train", "evaluate")
STEPS = (*RUN_STEPS, "score", "monitor")
GATHER = "gather"
IMAGES = (*STEPS, GATHER)


class ImageMissingError(Exception):
    """The stage has no image for a step."""


@dataclass(frozen=True)
class StepImage:
    """`uri` names the image by its digest; `content` is the digest of what it was built from."""

    uri: str
    content: str


@dataclass(frozen=True)
class StepFunctions:
    """The stage's step functions: the image digest of each step's, and the memory they have."""

    digests: Mapping[str, str]
    memory_mb: int

    @classmethod
    def read(cls, digests: str, steps: Iterable[str], memory_mb: int) -> StepFunctions:
        """From the stack's parameter: the digests in the order of the steps, or nothing.

        >>> StepFunctions.read("sha256:a,sha256:b", ["train", "score"], 3008).digests["score"]
        'sha256:b'
        """
        given = [digest for digest in digests.split(",") if digest]
        return cls(dict(zip(steps, given, strict=True)) if given else {}, memory_mb)


ContentOf = Callable[[str], str | None]


def resolve_images(
    client: ECRClient,
    repository: str,
    stage: str,
    content_of: ContentOf,
    steps: Iterable[str] = RUN_STEPS,
) -> dict[str, StepImage]:
    """Each step's image as its tag points now, named by digest so that a job keeps to it.

    An image that nobody described, pushed by hand or by an earlier version, counts by its digest.
    """
    tags = list(steps)
    # The answer about several says of one that is missing only that one is.
    described = _described(client, repository, tags) or {
        step: image for tag in tags for step, image in _described(client, repository, [tag]).items()
    }
    return {step: _image(client, repository, stage, step, described, content_of) for step in tags}


def _described(client: ECRClient, repository: str, tags: list[str]) -> dict[str, Any]:
    """What the registry knows of the images, by tag; nothing if one of them is missing."""
    wanted: list[ImageIdentifierTypeDef] = [{"imageTag": tag} for tag in tags]
    try:
        found = client.describe_images(repositoryName=repository, imageIds=wanted)["imageDetails"]
    except (
        client.exceptions.ImageNotFoundException,
        client.exceptions.RepositoryNotFoundException,
    ):
        return {}
    return {tag: image for image in found for tag in image["imageTags"] if tag in tags}


def _image(
    client: ECRClient,
    repository: str,
    stage: str,
    step: str,
    described: Mapping[str, Any],
    content_of: ContentOf,
) -> StepImage:
    if step not in described:
        missing = say("refused.no_image", image=f"{repository}:{step}", stage=stage)
        raise ImageMissingError(missing)
    registry = registry_host(described[step]["registryId"], client.meta.region_name)
    digest = described[step]["imageDigest"]
    return StepImage(f"{registry}/{repository}@{digest}", content_of(digest) or digest)
