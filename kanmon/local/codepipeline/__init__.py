"""CodePipeline of the local stage: pipelines of type V2, their executions and approvals.

    structure.py types.py   what a declaration may say   pipelines.py   the API's pipelines
    variables.py            `#{namespace.key}`           executions.py  the API's executions
    conditions.py           when a stage is entered      approvals.py   who decides, and until when
    progress.py             what comes next in a stage   jobs.py        what functions answer
    engine.py runs.py       executions and actions while they go on
    records.py state.py views.py events.py outbox.py     what is kept, and what is told of it
    actions/                the providers, each behind a small port
    cloud.py stacks.py builds.py                         those ports on a running stage

The stage calls `install` once and then uses this package as the service's module.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kanmon.local.codepipeline.names import TARGET_PREFIX, resource_arn

if TYPE_CHECKING:
    from kanmon.local.codepipeline.stage import Stage
    from kanmon.local.parts import Parts
    from kanmon.local.protocol.service import Response

__all__ = [
    "TARGET_PREFIX",
    "close",
    "get_state",
    "install",
    "load_persisted_state",
    "resource_arn",
    "respond",
    "warm_up",
]

_stage: "Stage | None" = None


def install(parts: "Parts") -> None:
    """Make the service for this stage, and CloudFormation's type for it."""
    global _stage
    from kanmon.local.codepipeline.stage import Stage

    _stage = Stage(parts)


def respond(headers: Mapping[str, str], body: bytes) -> "Response":
    """Answer one request of the gateway. Actions run on threads of their own."""
    return _installed().respond(headers, body)


def get_state() -> dict[str, Any]:
    """Return all that is kept, as plain JSON."""
    return _installed().service.get_state()


def load_persisted_state(state: Mapping[str, Any] | None) -> None:
    """Take up what `get_state` returned in an earlier process, and go on with it."""
    _installed().service.load_persisted_state(state)


def warm_up() -> None:
    """Load what the first execution would otherwise wait for."""
    _installed().warm_up()


def close() -> None:
    """Tell what still runs that nobody waits for it any more."""
    if _stage:
        _stage.close()


def _installed() -> "Stage":
    if _stage is None:
        raise RuntimeError("CodePipeline is not installed in this stage yet")
    return _stage
