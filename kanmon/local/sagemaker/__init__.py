"""SageMaker of the local stage: Processing jobs and the model registry.

The stage calls `install` once and then uses this package as the service's module.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kanmon.local.sagemaker.names import resource_arn

if TYPE_CHECKING:
    from kanmon.local.parts import Parts
    from kanmon.local.protocol.service import Response
    from kanmon.local.sagemaker.stage import Stage

TARGET_PREFIX = "SageMaker."

__all__ = [
    "TARGET_PREFIX",
    "close",
    "expect_jobs",
    "get_state",
    "install",
    "load_persisted_state",
    "resource_arn",
    "respond",
    "wait",
    "warm_up",
]

_stage: "Stage | None" = None


def install(parts: "Parts") -> None:
    """Make the service for this stage."""
    global _stage
    from kanmon.local.sagemaker.stage import Stage

    _stage = Stage(parts)


def respond(headers: Mapping[str, str], body: bytes) -> "Response":
    """Answer one request of the gateway. Everything is in memory: it returns at once."""
    return _installed().respond(headers, body)


def get_state() -> dict[str, Any]:
    """Return all that is kept, as plain JSON."""
    return _installed().service.get_state()


def load_persisted_state(state: Mapping[str, Any] | None) -> None:
    """Take up what `get_state` returned in an earlier process."""
    _installed().service.load_persisted_state(state)


def wait(job: str, seconds: float) -> bool:
    """Wait until a Processing job has ended, at most so long; tell whether it has."""
    return _installed().service.jobs.wait(job, seconds)


def warm_up() -> None:
    """Load what the first request would otherwise wait for."""
    _installed().service.warm_up()


def expect_jobs() -> None:
    """Tell that jobs are likely to come soon."""
    if _stage:
        _stage.expect_jobs()


def close() -> None:
    """End every job that still runs."""
    if _stage:
        _stage.close()


def _installed() -> "Stage":
    if _stage is None:
        raise RuntimeError("SageMaker is not installed in this stage yet")
    return _stage
