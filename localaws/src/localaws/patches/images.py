"""MiniStack's ECR: the step images, which on a laptop nobody has to build and push."""

from collections.abc import Mapping

from ministack.services import ecr

SUFFIX = "-steps"


def publish(digests: Mapping[str, str]) -> None:
    """Tag, in every repository of steps, the image of each step (step -> "sha256:…")."""
    for repository in ecr._repositories:
        if not repository.endswith(SUFFIX):
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
