"""The images of the steps, by what they hold rather than by a name that moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

STEPS = ("preprocess", "train", "evaluate")
_DOMAINS = {"aws-cn": "amazonaws.com.cn"}


class ImageMissingError(Exception):
    """The stage has no image for a step."""


@dataclass(frozen=True)
class StepImage:
    uri: str
    digest: str


def resolve_images(client: ECRClient, repository: str) -> dict[str, StepImage]:
    """Each step's image as its tag points now, named by digest so that the run keeps to it."""
    return {step: _resolve(client, repository, step) for step in STEPS}


def _resolve(client: ECRClient, repository: str, step: str) -> StepImage:
    missing = (
        f"the image {repository}:{step} is missing; "
        "build and push the step images with `kanmon deploy`"
    )
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
    domain = _DOMAINS.get(client.meta.partition, "amazonaws.com")
    registry = f"{image['registryId']}.dkr.ecr.{client.meta.region_name}.{domain}"
    return StepImage(f"{registry}/{repository}@{image['imageDigest']}", image["imageDigest"])
