"""Admit Release: gather the facts, let the rule decide, and take the deployment lock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from core.releases import deployment
from core.releases.admission_rule import (
    AT_ONCE,
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
from core.releases.history import record
from core.releases.integrity import Bundled, kept, read_bundle, registered, stored
from core.releases.record_decision import (
    AUTOMATIC_BY,
    changes_by,
    follow_up,
    settle,
)
from core.releases.superseding import supersede
from core.stage.bucket import ObjectMissingError
from core.stage.release_history import HistoryEntry
from core.stage.release_pipeline import REVIEW, Execution
from core.stage.release_records import OPEN, PROMOTABLE, DeploymentLock, Release, Status
from core.words.catalogue import say
from core.words.formats import timestamp

if TYPE_CHECKING:
    from core.stage.gateways import Stage

# Longer than a verification and the slowest shift of traffic take. Only a lock whose execution
# cannot be looked up any more lasts as long.
SECONDS_OF_A_LOCK = 4 * 3600


@dataclass(frozen=True)
class Admitted:
    """The rule's answer, and what later actions may use of it."""

    admission: Admission
    variables: Mapping[str, str] = field(default_factory=dict)


def admit_release(stage: Stage, claim: Claim, now: datetime) -> Admitted:
    execution = stage.pipeline.execution(claim.execution)
    if execution is None or execution.ended:
        # Lambda calls a function twice now and then, also when the job is long answered.
        ended = say("release.admission.ended", execution=claim.execution)
        return Admitted(Admission("refuse", ended))
    if not _has_variables_of(execution, claim):
        return Admitted(Admission("refuse", say("release.admission.odd_variables")))
    release = _claimed(stage, claim, execution)
    seen = stage.releases.lock(claim.model)
    facts = _facts(stage, claim, release, execution, seen, now)
    admission = admit(claim, facts)
    if admission.outcome == "supersede" and release is not None and facts.champion is not None:
        reason = say("release.decision.superseded", release=facts.champion.release)
        supersede(stage, release, reason, timestamp(now), PROMOTABLE)
    if admission.outcome == "admit":
        until = int(now.timestamp()) + SECONDS_OF_A_LOCK
        if not stage.releases.take_lock(seen, claim.execution, until):
            line = say("release.admission.lock_taken", model=claim.model)
            admission = Admission("wait", line)
    if admission.outcome in ("admit", "wait"):
        if claim.purpose == "promotion":
            _record_approval(stage, facts, admission, timestamp(now))
        else:
            _record_start(stage, claim, execution, timestamp(now))
    return Admitted(admission, {"previous": in_service(facts.champion)})


def _has_variables_of(execution: Execution, claim: Claim) -> bool:
    """Are the execution's variables, as they are written, what this action was given?

    They are put as text into the JSON of other actions, too: a quote in one of them would give the
    verification variables of its own, and with them commands.
    """
    given = {"model": claim.model, "release": str(claim.release), "purpose": claim.purpose}
    # An execution of before these two variables has none of them, and asks for neither.
    given |= {"verify": claim.verify, "traffic": claim.traffic}
    return all(execution.variables.get(name, value) == value for name, value in given.items())


def _claimed(stage: Stage, claim: Claim, execution: Execution) -> Release | None:
    """The release that is claimed, with the decision that its review came to."""
    release = stage.releases.release(claim.model, claim.release)
    if release is None or claim.purpose != "promotion":
        return release
    # Open Release may have died before it could name the execution it started.
    release = stage.releases.start(release, claim.execution) or release
    if release.execution != claim.execution:
        return release
    return settle(stage, release, execution.action(REVIEW))


def _facts(
    stage: Stage,
    claim: Claim,
    release: Release | None,
    execution: Execution,
    lock: DeploymentLock,
    now: datetime,
) -> Facts:
    bundled = Bundled(None, None, ())
    if release and claim.purpose != "withdrawal":
        bundled = read_bundle(stage.store, release)
    standing = stage.serving.standing(claim.model)
    return Facts(
        release=release,
        document=bundled.document,
        digests=_digests(stage, release, bundled),
        review=execution.action(REVIEW),
        asked=execution.variables.get("review") == "manual",
        champion=stage.releases.champion(claim.model),
        stack=stage.serving.stack_of(claim.model),
        stack_status=standing.status if standing else None,
        holder=lock.holder,
        holder_ended=_has_ended(stage, lock, claim, int(now.timestamp())),
    )


def _digests(stage: Stage, release: Release | None, bundled: Bundled) -> tuple[Digest, ...]:
    document = bundled.document
    if release is None or document is None:
        return bundled.digests
    if release.deployment_version is not None:
        bundled = replace(bundled, digests=(*bundled.digests, kept(stage.store, release)))
    package = stage.registry.package(release.package_arn)
    return (*bundled.digests, *registered(document, package), *stored(stage.store, document))


def _has_ended(stage: Stage, lock: DeploymentLock, claim: Claim, now: int) -> bool:
    """Has the execution that holds the lock ended without releasing it?"""
    if lock.holder in (None, claim.execution):
        return True
    execution = stage.pipeline.execution(str(lock.holder))
    return execution.ended if execution is not None else (lock.until or 0) <= now


def to_deploy(
    stage: Stage, claim: Claim, verified: Mapping[str, str], attempt: str, previous: str
) -> dict[str, str]:
    """The files that CloudFormation deploys for an admitted claim.

    `verified` is what a verification handed on; without one, what was kept when the release was
    promoted is deployed again. Raises NotWithdrawableError.
    """
    if claim.purpose == "withdrawal":
        found = stage.serving.deployed(claim.model)
    elif verified:
        found = deployment.from_artifact(verified)
    else:
        found = deployment.from_kept(_kept(stage, claim))
    wanted = deployment.Wanted(
        attempt=attempt,
        # A verification has written the release it compared with into its settings.
        previous=None if verified else previous,
        at_once=claim.traffic == AT_ONCE,
        withdrawn=claim.purpose == "withdrawal",
    )
    return deployment.as_artifact(deployment.made_for(found, wanted))


def _kept(stage: Stage, claim: Claim) -> bytes:
    release = stage.releases.release(claim.model, claim.release)
    if release is None or release.deployment_key is None or release.deployment_version is None:
        raise ObjectMissingError(f"nothing is kept of the deployment of {claim.reference}")
    return stage.store.read_version(release.deployment_key, release.deployment_version)


def _record_start(stage: Stage, claim: Claim, execution: Execution, now: str) -> None:
    """A rollback or a withdrawal is in the history from its start, once for all attempts."""
    event = "rollback started" if claim.purpose == "rollback" else "withdrawal started"
    entry = HistoryEntry(
        at=timestamp(execution.began) if execution.began else now,
        event=event,
        release=claim.release,
        key=f"{claim.release:06d}-2-started-{claim.execution}",
        by=execution.started_by,
        reason=execution.variables.get("summary"),
        execution=claim.execution,
    )
    record(stage, claim.model, entry)


def _record_approval(stage: Stage, facts: Facts, admission: Admission, now: str) -> None:
    """Record that the release is approved and being deployed, also one that failed before."""
    release, document = facts.release, facts.document or {}
    if release is None or not approved(facts.review, document):
        return
    if facts.review is None and facts.asked:
        return  # somebody's answer is on its way: it is no automatic approval
    decision = decided(facts.review, release)
    if facts.review is None and automatic(document):
        reason = say("release.decision.automatic")
        decision = Decision("automatic", AUTOMATIC_BY, release.decided_at or now, reason)
    if decision is None:
        return
    changes = {**changes_by(decision), "error": None, "ended_at": None}
    allowed = PROMOTABLE if admission.outcome == "admit" else OPEN
    changed = stage.releases.advance(release, Status.APPROVED, changes, allowed)
    if changed is not None:
        follow_up(stage, changed, decision)
