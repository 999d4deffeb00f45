"""Which phase of a build comes after which: the rules alone.

A failure in INSTALL or PRE_BUILD ends the build. After BUILD, POST_BUILD runs in any case, and
artifacts are uploaded in any case after POST_BUILD. `on-failure` in the buildspec overrides that:
ABORT ends the build, CONTINUE goes on. A phase that failed makes the build FAILED in every case.
"""

from collections.abc import Mapping

from localaws.codebuild.buildspec import Phase

SUBMITTED, QUEUED, PROVISIONING = "SUBMITTED", "QUEUED", "PROVISIONING"
DOWNLOAD_SOURCE, UPLOAD_ARTIFACTS = "DOWNLOAD_SOURCE", "UPLOAD_ARTIFACTS"
INSTALL, PRE_BUILD, BUILD, POST_BUILD = "INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD"
FINALIZING, COMPLETED = "FINALIZING", "COMPLETED"
IN_PROGRESS, SUCCEEDED, FAILED = "IN_PROGRESS", "SUCCEEDED", "FAILED"
FAULT, STOPPED, TIMED_OUT = "FAULT", "STOPPED", "TIMED_OUT"

ORDER = (INSTALL, PRE_BUILD, BUILD, POST_BUILD, UPLOAD_ARTIFACTS)
GOES_ON_AFTER_FAILURE = (BUILD, POST_BUILD)


def following(phase: str, status: str, phases: Mapping[str, Phase]) -> str:
    """The phase after one of ORDER that ended so; FINALIZING when there is nothing left to do.

    >>> following("BUILD", "FAILED", {}), following("PRE_BUILD", "FAILED", {})
    ('POST_BUILD', 'FINALIZING')
    """
    after = (*ORDER, FINALIZING)[ORDER.index(phase) + 1]
    if status == SUCCEEDED:
        return after
    if status != FAILED:
        return FINALIZING  # it was stopped, or ran out of time
    wanted = phases.get(phase.lower(), Phase()).on_failure
    if wanted is None:
        wanted = "CONTINUE" if phase in GOES_ON_AFTER_FAILURE else "ABORT"
    return after if wanted == "CONTINUE" else FINALIZING


def outcome(statuses: Mapping[str, str]) -> str:
    """The build's status, from those of its phases."""
    for worst in (STOPPED, TIMED_OUT, FAULT, FAILED):
        if worst in statuses.values():
            return worst
    return SUCCEEDED
