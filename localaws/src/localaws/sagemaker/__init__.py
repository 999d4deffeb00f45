"""SageMaker of the local stage: Processing and Training jobs and the model registry.

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
NETWORKS_DIFFER = (
    "A job that asks for network isolation is not cut off, nor is a step's function: its VPC is "
    "kept and has no effect. The hosts of a job are processes of "
    "this machine with one address. So `resourceconfig.json` of a Training job also has "
    "`addresses`: for each host the address with a port of its own, and the next port is its own "
    "too. Traffic between them is not encrypted."
)

SPOT_DIFFERS = (
    "A spot machine is there at once and stays, unless `spot.json` in the stage's folder says "
    "otherwise. A job is billed for 30 % of the seconds that its programs worked, rounded up to "
    "whole ones. `MaxWaitTimeInSeconds` is divided by the time scale while there is no machine; "
    "programs keep their real speed. Of several `InstancePreferences` the first is there."
)


def _make(parts: Parts) -> "Stage":
    from localaws.sagemaker.stage import Stage

    return Stage(parts)


own = OwnService("SageMaker", TARGET_PREFIX, resource_arn, _make)


def wait(kind: str, job: str, seconds: float) -> bool:
    """Wait until a job of this kind has ended, at most so long; return whether it has."""
    service = own.installed.service
    jobs = service.training if kind == "TrainingJob" else service.jobs
    return jobs.wait(job, seconds)


def expect_jobs() -> None:
    """Prepare for jobs that are likely to come soon."""
    if own.is_installed:
        own.installed.expect_jobs()
