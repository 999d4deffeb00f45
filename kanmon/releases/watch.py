"""Follows a release through its pipeline until the pipeline ends."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.stage.release_pipeline import IN_PROGRESS, Execution
from core.stage.release_records import OPEN, Release
from kanmon.releases.pipeline import actions_of, latest_execution, progress_of
from kanmon.releases.records import find_release
from kanmon.releases.traffic import Share, TrafficReader

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

# The table is updated by an event, a moment after the pipeline.
SETTLES_WITHIN_SECONDS = 20.0
# On a laptop, asking takes processor time from the pipeline.
LEAST_PAUSE_SECONDS = 0.15


@dataclass(frozen=True)
class Observation:
    """A release at one moment: its pipeline, and its traffic while that may shift."""

    progress: Execution
    traffic: list[Share]


def follow(
    connection: "Connection",
    release: Release,
    passed: Callable[[Observation], None],
    execution: str | None = None,
) -> tuple[Release, Execution | None]:
    """Follow a pipeline execution to its end; the release and the execution then.

    `execution` is that of a rollback; without it, the release's latest one is followed.
    """
    execution = execution or latest_execution(connection, release)
    if execution is None:
        return release, None
    reader = TrafficReader(connection, release.model)
    found: Execution | None = None
    while True:
        found = _read(connection, execution, found)
        if found is None:
            return release, None
        action = found.current
        shifting = action is not None and action.name == "DeployRelease"
        passed(Observation(found, reader.shares() if shifting else []))
        if found.ended:
            return _settled(connection, release), found
        time.sleep(max(connection.poll_seconds, LEAST_PAUSE_SECONDS))


def _read(connection: "Connection", execution: str, before: Execution | None) -> Execution | None:
    """The execution now. While an action is in progress, only the actions are read."""
    if before is not None and before.current is not None:
        actions = actions_of(connection, execution, before.variables)
        if any(one.status == IN_PROGRESS for one in actions):
            return replace(before, actions=actions)
    return progress_of(connection, execution)


def _settled(connection: "Connection", release: Release) -> Release:
    """The release once its record has followed the pipeline, or after a while as it is."""
    limit = time.monotonic() + SETTLES_WITHIN_SECONDS
    while True:
        found = find_release(connection, release.reference)
        if found.status not in OPEN or time.monotonic() > limit:
            return found
        time.sleep(connection.poll_seconds)
