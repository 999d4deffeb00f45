"""MiniStack's ECR: the step images, which need no build and no push here."""

from collections.abc import Mapping
from fnmatch import fnmatchcase

from ministack.services import ecr


def publish(repositories: str, digests: Mapping[str, str]) -> None:
    """Tag the image of each step (step -> "sha256:…") in every repository of that pattern."""
    for repository in ecr._repositories:
        if not fnmatchcase(repository, repositories):
            continue
        tagged = {
            tag: image["imageDigest"]
            for image in ecr._images[repository]
            for tag in image["imageTags"]
        }
        for step, digest in digests.items():
            if tagged.get(step) != digest:
                ecr._put_image(
                    {
                        "repositoryName": repository,
                        "imageManifest": "{}",
                        "imageDigest": digest,
                        "imageTag": step,
                    }
                )
