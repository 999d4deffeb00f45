"""Writing a decision down: in the release's record, the registry and the history, once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.releases.decision import Decision, decided, describe, registry_status
from core.releases.history import Stage, notice_of, tell
from core.releases.release_table import WAITING, Happening
from core.stage.release_pipeline import Action

Item = Mapping[str, Any]

AUTOMATIC_BY = "model.yaml"
AUTOMATIC_WORDS = "model.yaml says approval: automatic, and the verdict is promote"


def settle(stage: Stage, model: str, item: Item, review: Action | None) -> Item:
    """Give a release that waits the decision its approval came to, if it came to one.

    Answers with the record as it is then. A decision never replaces another one, so an event that
    comes twice, late or out of order changes nothing.
    """
    if decided(review) is None:
        return item
    # Who asked for the decision is written before the approval gets it, so it is read after that:
    # `item` may be from before.
    now: Item = stage.ledger.release(model, int(item["release"])) or item
    decision = decided(review, now)
    return now if decision is None else settle_as(stage, model, now, decision)


def settle_as(stage: Stage, model: str, item: Item, decision: Decision) -> Item:
    number = int(item["release"])
    fields: dict[str, Any] = {
        "decision": decision.outcome,
        "decided_by": decision.by,
        "decided_at": decision.at,
        "decision_reason": decision.reason or None,
    }
    final = decision.outcome not in ("approved", "automatic")
    if final:
        fields["ended_at"] = decision.at
    changed = stage.ledger.advance(model, number, decision.status, fields, (WAITING,))
    now = changed or stage.ledger.release(model, number) or item
    stands = (now.get("decision"), now.get("decided_at")) == (decision.outcome, decision.at)
    if stands:
        # Also when it stood before: whoever wrote it may have died before it came to this.
        follow_up(stage, model, now, decision)
    return now


def follow_up(stage: Stage, model: str, item: Item, decision: Decision) -> None:
    """The registry and the history after a decision; safe to repeat."""
    number, status = int(item["release"]), registry_status(item)
    if status is not None:
        stage.packages.settle(str(item["package_arn"]), status, describe(number, decision))
    happening = Happening(
        at=decision.at,
        event="approved" if decision.outcome == "automatic" else decision.outcome,
        release=number,
        key=f"{number:06d}-2-{decision.outcome}",
        by=decision.by,
        reason=decision.reason or None,
        execution=item.get("execution"),
    )
    notice = None
    if decision.outcome in ("rejected", "expired"):
        notice = notice_of(
            stage, model, item, "release rejected", decision.at, describe(number, decision)
        )
    tell(stage, model, happening, notice)
