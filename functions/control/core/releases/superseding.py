"""Superseding: a newer release makes those of the same model that still wait needless."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.releases.decision import Decision, decision_of
from core.releases.record_decision import changes_by, follow_up, settle
from core.stage.release_records import Release, Status
from core.words.catalogue import say

if TYPE_CHECKING:
    from core.stage.gateways import Stage


def supersede_waiting(stage: Stage, newer: Release) -> None:
    """Close the reviews of older releases: of one model, one release waits for a person."""
    reason = say("release.decision.superseded_waiting", release=newer.release)
    for release in _older(stage, newer):
        if release.approval != "automatic":
            # A decision may have been made that nobody has recorded yet: it counts.
            review = stage.pipeline.review(release.execution) if release.execution else None
            settled = settle(stage, release, review)
            supersede(stage, settled, reason, newer.opened_at, (Status.WAITING,))


def supersede_older(stage: Stage, promoted: Release, at: str) -> None:
    """Close the releases that still wait for a review although a newer one is in service now."""
    reason = say("release.decision.superseded", release=promoted.release)
    for release in _older(stage, promoted):
        supersede(stage, release, reason, at, (Status.WAITING,))


def _older(stage: Stage, than: Release) -> list[Release]:
    """The older releases that wait, or whose superseding was begun and is not finished."""
    begun = (Status.WAITING, Status.SUPERSEDED)
    every = stage.releases.releases(than.model)
    return [
        one
        for one in every
        if one.release < than.release and one.status in begun and not one.approval_closed
    ]


def supersede(
    stage: Stage, release: Release, reason: str, at: str, allowed: tuple[Status, ...]
) -> None:
    """The record first: so the execution's own event finds it closed and keeps this reason."""
    changes = {**changes_by(Decision("superseded", None, at, reason)), "ended_at": at}
    closed = stage.releases.advance(release, Status.SUPERSEDED, changes, allowed)
    now = closed or stage.releases.release(release.model, release.release) or release
    if now.status != Status.SUPERSEDED or now.approval_closed:
        return
    follow_up(stage, now, decision_of(now))
    if now.execution:
        stage.pipeline.stop(now.execution, f"superseded: {now.decision_reason}")
    stage.releases.note(now, {"approval_closed": "yes"}, (Status.SUPERSEDED,))
