"""Admit Release: gather the facts, let the rule decide, and take the model's turn to deploy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.releases.admission_rule import (
    Admission,
    Claim,
    Digest,
    Facts,
    admit,
    approved,
    automatic,
    in_service,
)
from core.releases.decision import Decision, decided
from core.releases.history import Stage
from core.releases.integrity import Bundled, read_bundle, registered, stored
from core.releases.record_decision import AUTOMATIC_BY, AUTOMATIC_WORDS, follow_up, settle
from core.releases.record_release import supersede
from core.releases.release_table import APPROVED, PROMOTABLE, WAITING
from core.stage.release_pipeline import REVIEW, Execution
from core.words.formats import timestamp

# Longer than a verification and the slowest shift of traffic take. Only a turn whose execution
# cannot be asked any more lives as long.
SECONDS_OF_A_TURN = 4 * 3600

_ODD_VARIABLES = (
    "the execution's variables model, release and purpose are not plain values, or not those this "
    "action was told; start the pipeline with `kanmon`"
)


@dataclass(frozen=True)
class Admitted:
    """The rule's answer, and what later actions may use of it."""

    admission: Admission
    variables: Mapping[str, str] = field(default_factory=dict)


def admit_release(stage: Stage, claim: Claim, now: datetime) -> Admitted:
    execution = stage.pipeline.execution(claim.execution)
    if execution is None or execution.ended:
        # Lambda calls a function twice now and then, also when the job is long answered.
        return Admitted(Admission("refuse", f"execution {claim.execution} is over"))
    if not _says_the_same(execution, claim):
        return Admitted(Admission("refuse", _ODD_VARIABLES))
    item: Mapping[str, Any] | None = stage.ledger.release(claim.model, claim.release)
    review = execution.action(REVIEW)
    if item is not None and claim.purpose != "rollback":
        # Open Release may have died before it could name the execution it started.
        item = stage.ledger.start(claim.model, claim.release, claim.execution) or item
        if item.get("execution") == claim.execution:
            item = settle(stage, claim.model, item, review)
    bundled = read_bundle(stage.store, item) if item else Bundled(None, None, ())
    seen = stage.ledger.turn(claim.model)
    standing = stage.serving.standing(claim.model)
    facts = Facts(
        item=item,
        document=bundled.document,
        digests=_digests(stage, item, bundled),
        review=review,
        champion=stage.ledger.champion(claim.model),
        stack=stage.serving.stack_of(claim.model),
        stack_status=standing.status if standing else None,
        holder=seen.get("holder"),
        holder_ended=_is_over(stage, seen, claim, int(now.timestamp())),
    )
    admission = admit(claim, facts)
    if admission.outcome == "supersede" and item is not None:
        newer = (facts.champion or {}).get("release")
        supersede(
            stage, claim.model, item, f"release {newer} was promoted", timestamp(now), PROMOTABLE
        )
    if admission.outcome == "admit":
        until = int(now.timestamp()) + SECONDS_OF_A_TURN
        if not stage.ledger.take_turn(claim.model, seen, claim.execution, until):
            admission = Admission("wait", f"waits: {claim.model}'s turn was just taken by another")
    if admission.outcome in ("admit", "wait") and claim.purpose != "rollback":
        _mark_approved(stage, claim, facts, admission, timestamp(now))
    return Admitted(admission, {"previous": in_service(facts.champion)})


def _says_the_same(execution: Execution, claim: Claim) -> bool:
    """Are the execution's variables, as they are written, what this action was told?

    They are put as text into the JSON of other actions, too: a quote in one of them would give the
    verification variables of its own, and with them commands.
    """
    told = {"model": claim.model, "release": str(claim.release), "purpose": claim.purpose}
    return all(execution.variables.get(name) == value for name, value in told.items())


def _digests(stage: Stage, item: Mapping[str, Any] | None, bundled: Bundled) -> tuple[Digest, ...]:
    document = bundled.document
    if item is None or document is None:
        return bundled.digests
    package = stage.packages.package(str(item["package_arn"]))
    return (*bundled.digests, *registered(document, package), *stored(stage.store, document))


def _is_over(stage: Stage, turn: Mapping[str, Any], claim: Claim, now: int) -> bool:
    """Has whoever holds the turn ended without giving it back?"""
    holder = turn.get("holder")
    if holder in (None, claim.execution):
        return True
    execution = stage.pipeline.execution(str(holder))
    return execution.ended if execution is not None else int(turn.get("until") or 0) <= now


def _mark_approved(
    stage: Stage, claim: Claim, facts: Facts, admission: Admission, now: str
) -> None:
    """Say in the record that the release is on its way, also one that failed before."""
    item, document = facts.item or {}, facts.document or {}
    decision = decided(facts.review, item)
    if facts.review is None and automatic(document):
        at = str(item.get("decided_at") or now)
        decision = Decision("automatic", AUTOMATIC_BY, at, AUTOMATIC_WORDS)
    if decision is None or not approved(facts.review, document):
        return
    fields = {
        "decision": decision.outcome,
        "decided_by": decision.by,
        "decided_at": decision.at,
        "decision_reason": decision.reason or None,
        "error": None,
        "ended_at": None,
    }
    allowed = PROMOTABLE if admission.outcome == "admit" else (WAITING, APPROVED)
    changed = stage.ledger.advance(claim.model, claim.release, APPROVED, fields, allowed)
    if changed is not None:
        follow_up(stage, claim.model, changed, decision)
