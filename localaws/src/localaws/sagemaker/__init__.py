"""SageMaker of the local stage: Processing jobs and the model registry.

The stage installs `own` once and then uses it as the service.
"""

from typing import TYPE_CHECKING

from localaws.parts import OwnService, Parts
from localaws.sagemaker.account import TARGET_PREFIX, resource_arn

if TYPE_CHECKING:
    from localaws.sagemaker.stage import Stage

IMAGES_DIFFER = (
    "The repository answers with digests of the working tree's code: nothing is built, pushed or "
    "pulled, unless the stage runs with `--docker`."
)
NETWORKS_DIFFER = "A job that asks for network isolation is not cut off."


def _make(parts: Parts) -> "Stage":
    from localaws.sagemaker.stage import Stage

    return Stage(parts)


own = OwnService("SageMaker", TARGET_PREFIX, resource_arn, _make)


def wait(job: str, seconds: float) -> bool:
    """Wait until a Processing job has ended, at most so long; return whether it has."""
    return own.installed.service.jobs.wait(job, seconds)


def expect_jobs() -> None:
    """Prepare for jobs that are likely to come soon."""
    if own.is_installed:
        own.installed.expect_jobs()
