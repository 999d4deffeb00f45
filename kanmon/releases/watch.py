"""Follows a release through its pipeline until nothing goes on any more."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kanmon.releases.pipeline import (
    IN_PROGRESS,
    Progress,
    actions_of,
    latest_execution,
    progress_of,
)
from kanmon.releases.records import OPEN, Release, find_release
from kanmon.releases.traffic import Share, TrafficReader

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

# The table follows a failure by an event, which takes a moment.
SETTLES_WITHIN_SECONDS = 20.0
# On a laptop the pipeline works on the processor that the looking takes, too.
LEAST_PAUSE_SECONDS = 0.15


@dataclass(frozen=True)
class Observation:
    """One look at a release on its way: the pipeline, and the alias while traffic may move."""

    progress: Progress
    traffic: list[Share]


def follow(
    connection: "Connection",
    release: Release,
    passed: Callable[[Observation], None],
    execution: str | None = None,
) -> tuple[Release, Progress | None]:
    """Observation until the pipeline execution has ended; the release as it is then.

    `execution` is a rollback's own; otherwise the latest one of the release is followed.
    """
    execution = execution or latest_execution(connection, release)
    if execution is None:
        return release, None
    reader = TrafficReader(connection, release.model)
    stands: Progress | None = None
    while True:
        stands = _look(connection, execution, stands)
        if stands is None:
            return release, None
        now = stands.current
        moving = now is not None and now.name == "DeployRelease"
        passed(Observation(stands, reader.shares() if moving else []))
        if stands.ended:
            return _settled(connection, release), stands
        time.sleep(max(connection.poll_seconds, LEAST_PAUSE_SECONDS))


def _look(connection: "Connection", execution: str, before: Progress | None) -> Progress | None:
    """How the execution stands. While an action goes on, only the actions are asked for."""
    if before is not None and before.current is not None:
        actions = actions_of(connection, execution)
        if any(one.status == IN_PROGRESS for one in actions):
            return replace(before, actions=actions)
    return progress_of(connection, execution)


def _settled(connection: "Connection", release: Release) -> Release:
    """The release once the table has followed the pipeline, or after a while as it is."""
    limit = time.monotonic() + SETTLES_WITHIN_SECONDS
    while True:
        found = find_release(connection, release.reference)
        if found.status not in OPEN or time.monotonic() > limit:
            return found
        time.sleep(connection.poll_seconds)
