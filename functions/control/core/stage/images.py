"""The images of the steps, by what they hold rather than by a name that moves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.stage.partition import registry_host
from core.words.catalogue import say

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

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
    return {step: _resolve(client, repository, stage, step, content_of) for step in steps}


def _resolve(
    client: ECRClient, repository: str, stage: str, step: str, content_of: ContentOf
) -> StepImage:
    missing = say("refused.no_image", image=f"{repository}:{step}", stage=stage)
    try:
        found = client.describe_images(repositoryName=repository, imageIds=[{"imageTag": step}])
    except (
        client.exceptions.ImageNotFoundException,
        client.exceptions.RepositoryNotFoundException,
    ) as error:
        raise ImageMissingError(missing) from error
    if not found["imageDetails"]:
        raise ImageMissingError(missing)
    image = found["imageDetails"][0]
    registry = registry_host(image["registryId"], client.meta.region_name)
    digest = image["imageDigest"]
    return StepImage(f"{registry}/{repository}@{digest}", content_of(digest) or digest)
