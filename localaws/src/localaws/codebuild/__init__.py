"""CodeBuild of the local stage: build projects, and builds that really run their buildspec.

    account.py     ARNs, roles, and what the rest of the stage does for it
    projects.py    the API's projects, and what one build of a project is made from
    builds.py      the API's builds
    buildspec.py   the buildspec
    execution.py   one build while it runs; shell.py its commands, files.py its source and artifacts
    record.py      what is kept and shown of a build

The stage installs `own` once and then uses it as the service; a pipeline starts its builds with
`start_for_pipeline`.
"""

from typing import TYPE_CHECKING, Any

from localaws.codebuild.account import TARGET_PREFIX, resource_arn
from localaws.parts import OwnService, Parts

if TYPE_CHECKING:
    from localaws.codebuild.projects import Handover
    from localaws.codebuild.stage import Stage

DIFFERS = (
    "Builds run on this machine with its programs, not in the project's image; `runtime-versions` "
    "is noted in the log, and the version that is there is used. A build inherits `PATH` and "
    "nothing else. Caches, reports, secondary sources and artifacts, batch builds, networks, "
    "Secrets Manager and logs to S3 are left out. A "
    "failed phase fails the build, also with `on-failure: CONTINUE`."
)


def _make(parts: Parts) -> "Stage":
    from localaws.codebuild.stage import Stage

    return Stage(parts)


own = OwnService("CodeBuild", TARGET_PREFIX, resource_arn, _make)


def start_for_pipeline(project: str, handover: "Handover") -> str:
    """Start a build for a pipeline's action and return the build's id; raises ServiceError.

    Whether the pipeline's role may `codebuild:StartBuild` is for the pipeline to ask before.
    """
    return own.installed.service.builds.start_for_pipeline(project, handover)


def wait(build: str, seconds: float) -> bool:
    """Wait until a build has ended, at most so long; return whether it has."""
    return own.installed.service.builds.wait(build, seconds)


def describe(build: str) -> dict[str, Any]:
    """The build as BatchGetBuilds shows it; raises ServiceError for one that is not there."""
    return own.installed.service.builds.shown(build)
