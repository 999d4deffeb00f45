"""Starting releases: each as soon as the pipeline has room for it, the oldest first.

A release that was recorded is in the queue until its execution is named and announced. Open Release
starts what the queue holds, and so does Close Release at the end of every execution. So a release
that found no room, or whose function died, is only kept.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from core.releases import history
from core.stage.release_history import HistoryEntry
from core.stage.release_pipeline import LONGEST_SUMMARY, TooManyReleasesError, value_for
from core.stage.release_records import Release, Status
from core.words.formats import timestamp

if TYPE_CHECKING:
    from core.stage.gateways import Stage

# CodePipeline takes 50 executions at once. So many may wait for a person; the others are for
# releases without a review and for going back to an earlier release.
MOST_REVIEWS = 40


def start_queued(stage: Stage, now: datetime) -> None:
    """Start the releases that are still to be started, as many as there is room for."""
    room = None
    for queued in stage.releases.queue():
        release = stage.releases.release(queued.model, queued.release)
        if release is not None and _is_to_start(release):
            if release.approval != "automatic":
                room = MOST_REVIEWS - stage.pipeline.in_progress() if room is None else room - 1
                if room <= 0:
                    continue
            try:
                release = _start(stage, release, now)
            except TooManyReleasesError:
                return
        if release is not None:
            _announce(stage, release, now)
        stage.releases.leave_queue(queued)


def _is_to_start(release: Release) -> bool:
    return release.status == Status.WAITING and release.execution is None


def _start(stage: Stage, release: Release, now: datetime) -> Release:
    model, number = release.model, release.release
    variables = {
        "model": model,
        "release": str(number),
        "purpose": "promotion",
        "review": release.approval,
        "summary": value_for(release.summary, LONGEST_SUMMARY),
        "review_url": stage.links.review(model, release.run, release.review_uri),
    }
    # The bundle's digest is in it: a release that was begun anew is another one.
    named = f"{stage.name}/{model}/{number}/{release.bundle_sha256}"
    token = hashlib.sha256(named.encode()).hexdigest()
    execution = stage.pipeline.start(variables, release.bundle_key, release.bundle_version, token)
    started = stage.releases.start(release, execution, timestamp(now))
    started = started or stage.releases.release(model, number)
    known = started.execution if started else None
    return replace(started or release, execution=known or execution)


def _announce(stage: Stage, release: Release, now: datetime) -> None:
    """Write the history, and call for the review of a release that waits for one.

    Its execution has just begun, and with it the time that a review stays open.
    """
    at, summary = release.opened_at, release.summary
    entry = HistoryEntry(
        at=at,
        event="opened",
        release=release.release,
        key=f"{release.release:06d}-1-opened",
        reason=summary,
        execution=release.execution,
    )
    waits = release.approval == "manual" and release.status == Status.WAITING
    fact = None
    if waits:
        minutes = stage.pipeline.open_minutes
        until = timestamp(now + timedelta(minutes=minutes)) if minutes else None
        fact = history.fact_of(stage, release, "release waits", entry, summary, until)
    history.record(stage, release.model, entry, fact)
