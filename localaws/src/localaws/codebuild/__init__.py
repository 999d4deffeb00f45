"""CodeBuild of the local stage: build projects, and builds that really run their buildspec.

    buildspec.py   what a buildspec says                 progress.py   which phase comes after which
    projects.py    the API's projects                    builds.py     the API's builds
    orders.py      what one build is made from           execution.py  one build while it runs
    shell.py       the one shell of a build              environment.py its variables
    sources.py artifacts.py delivery.py cache.py         what goes in and out
    record.py events.py logs.py                          what is told about it

The stage installs `own` once and then uses it as the service; a pipeline starts its builds with
`start_for_pipeline`.
"""

from typing import TYPE_CHECKING, Any

from localaws.codebuild.handover import Handover
from localaws.codebuild.names import TARGET_PREFIX, resource_arn
from localaws.parts import OwnService, Parts

if TYPE_CHECKING:
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


def start_for_pipeline(project: str, handover: Handover) -> str:
    """Start a build for a pipeline's action and return the build's id; raises ServiceError.

    Whether the pipeline's role may `codebuild:StartBuild` is for the pipeline to ask before.
    """
    return own.installed.service.builds.start_for_pipeline(project, handover)


def wait(build: str, seconds: float) -> bool:
    """Wait until a build has ended, at most so long; tell whether it has."""
    return own.installed.service.builds.wait(build, seconds)


def describe(build: str) -> dict[str, Any]:
    """The build as BatchGetBuilds shows it; raises ServiceError for one that is not there."""
    return own.installed.service.builds.shown(build)
