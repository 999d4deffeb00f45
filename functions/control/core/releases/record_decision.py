"""Writing a decision down: in the release's record, the registry and the history, once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from core.releases.decision import (
    Decision,
    Outcome,
    decided,
    describe,
    registry_status,
    told,
)
from core.releases.history import fact_of, record
from core.report.fact import Event
from core.stage.release_history import HistoryEntry
from core.stage.release_pipeline import Action
from core.stage.release_records import Release, Status

if TYPE_CHECKING:
    from core.stage.gateways import Stage

AUTOMATIC_BY = "model.yaml"
_EVENTS: Mapping[Outcome, Event] = {
    "approved": "release approved",
    "automatic": "release approved",
    "rejected": "release rejected",
    "expired": "release expired",
    "superseded": "release superseded",
}


def settle(stage: Stage, release: Release, review: Action | None) -> Release:
    """Give a release that waits the decision its approval came to, if it came to one.

    Returns the release as it is then. A decision never replaces another one, so an event that
    comes twice, late or out of order changes nothing.
    """
    if decided(review) is None:
        return release
    # Who asked for the decision is written before the approval gets it, so it is read after that:
    # `release` may be from before.
    now = stage.releases.release(release.model, release.release) or release
    decision = decided(review, now)
    return now if decision is None else settle_as(stage, now, decision)


def settle_as(stage: Stage, release: Release, decision: Decision) -> Release:
    changes = changes_by(decision)
    if decision.outcome not in ("approved", "automatic"):
        changes["ended_at"] = decision.at
    changed = stage.releases.advance(release, decision.status, changes, (Status.WAITING,))
    now = changed or stage.releases.release(release.model, release.release) or release
    if (now.decision, now.decided_at) == (decision.outcome, decision.at):
        # Also when it was decided before: the function that wrote it may have died after that.
        follow_up(stage, now, decision)
    return now


def changes_by(decision: Decision) -> dict[str, str | None]:
    """What a decision changes in a release's record."""
    return {
        "decision": decision.outcome,
        "decided_by": decision.by,
        "decided_at": decision.at,
        "decision_reason": decision.reason or None,
    }


def follow_up(stage: Stage, release: Release, decision: Decision) -> None:
    """The registry and the history after a decision; safe to repeat."""
    number, status = release.release, registry_status(release)
    if status is not None:
        stage.registry.set_approval(release.package_arn, status, describe(number, decision))
    entry = HistoryEntry(
        at=decision.at,
        event="approved" if decision.outcome == "automatic" else decision.outcome,
        release=number,
        key=f"{number:06d}-2-{decision.outcome}",
        by=decision.by,
        reason=decision.reason or None,
        execution=release.execution,
    )
    fact = fact_of(stage, release, _EVENTS[decision.outcome], entry, told(number, decision))
    record(stage, release.model, entry, fact)
