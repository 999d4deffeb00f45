"""CodeBuild of the local stage: build projects, and builds that really run their buildspec.

    buildspec.py   what a buildspec says                 progress.py   which phase comes after which
    projects.py    the API's projects                    builds.py     the API's builds
    orders.py      what one build is made from           execution.py  one build while it runs
    shell.py       the one shell of a build              environment.py its variables
    sources.py artifacts.py delivery.py cache.py         what goes in and out
    record.py events.py logs.py                          what is told about it

The stage calls `install` once and then uses this package as the service's module; a pipeline
starts its builds with `start_for_pipeline`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kanmon.local.codebuild.handover import Handover, PipelineArtifact
from kanmon.local.codebuild.names import resource_arn

if TYPE_CHECKING:
    from kanmon.local.codebuild.stage import Stage
    from kanmon.local.parts import Parts
    from kanmon.local.protocol.service import Response

TARGET_PREFIX = "CodeBuild_20161006."

__all__ = [
    "TARGET_PREFIX",
    "Handover",
    "PipelineArtifact",
    "call",
    "close",
    "describe",
    "get_state",
    "install",
    "load_persisted_state",
    "resource_arn",
    "respond",
    "start_for_pipeline",
    "stop",
    "wait",
    "warm_up",
]

_stage: "Stage | None" = None


def install(parts: "Parts") -> None:
    """Make the service for this stage."""
    global _stage
    from kanmon.local.codebuild.stage import Stage
    from kanmon.local.patches import builds

    _stage = Stage(parts)
    builds.install(call)


def respond(headers: Mapping[str, str], body: bytes) -> "Response":
    """Answer one request of the gateway. Everything is in memory: it returns at once."""
    return _installed().respond(headers, body)


def call(operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """Call an operation of the API inside the stage; raises ServiceError."""
    return _installed().service.call(operation, request)


def start_for_pipeline(project: str, handover: Handover) -> str:
    """Start a build for a pipeline's action and return the build's id; raises ServiceError.

    Whether the pipeline's role may `codebuild:StartBuild` is for the pipeline to ask before.
    """
    return _installed().service.builds.start_for_pipeline(project, handover)


def wait(build: str, seconds: float) -> bool:
    """Wait until a build has ended, at most so long; tell whether it has."""
    return _installed().service.builds.wait(build, seconds)


def describe(build: str) -> dict[str, Any]:
    """The build as BatchGetBuilds shows it; raises ServiceError for one that is not there."""
    return _installed().service.builds.shown(build)


def stop(build: str) -> None:
    """Ask a build to end; raises ServiceError for one that is not there."""
    call("StopBuild", {"id": build})


def get_state() -> dict[str, Any]:
    """Return all that is kept, as plain JSON."""
    return _installed().service.get_state()


def load_persisted_state(state: Mapping[str, Any] | None) -> None:
    """Take up what `get_state` returned in an earlier process."""
    _installed().service.load_persisted_state(state)


def warm_up() -> None:
    """Load what the first request would otherwise wait for."""
    _installed().warm_up()


def close() -> None:
    """End every build that still runs."""
    if _stage:
        _stage.close()


def _installed() -> "Stage":
    if _stage is None:
        raise RuntimeError("CodeBuild is not installed in this stage yet")
    return _stage
