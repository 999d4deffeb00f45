"""May this execution put this release into service now? Decided from facts, in one clear line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from core.releases.decision import decided
from core.stage.release_pipeline import IN_PROGRESS, Action
from core.stage.release_records import CLOSED, Champion, Release, Status
from core.words.catalogue import found, say

# How traffic moves: as the release's definition says, or all of it at once.
CANARY, AT_ONCE = "canary", "all"
# What may be asked for: (verify, traffic) by the purpose.
_WAYS = {
    "promotion": (("yes", CANARY),),
    "rollback": (("yes", CANARY), ("yes", AT_ONCE), ("no", CANARY), ("no", AT_ONCE)),
    "withdrawal": (("no", AT_ONCE),),
}

Outcome = Literal["admit", "wait", "refuse", "supersede"]

# REPLACE_ON_FAILURE replaces a stack whose creation failed; all others ended well.
_READY = (
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
    "ROLLBACK_COMPLETE",
    "ROLLBACK_FAILED",
    "CREATE_FAILED",
    "REVIEW_IN_PROGRESS",
)


@dataclass(frozen=True)
class Claim:
    """What the pipeline asks for: to promote this release, to go back to it, or to withdraw it.

    It asks before it verifies, and once more before it deploys: between the two a failed stage may
    have been retried, and then the lock was released.
    """

    model: str
    release: int
    purpose: str
    execution: str
    bundle_version: str
    # What was in service when the release was verified; None before the verification.
    previous: str | None = None
    # Without a verification, what was verified for the release's promotion is deployed again.
    verify: str = "yes"
    traffic: str = CANARY

    @property
    def reference(self) -> str:
        return f"{self.model}/{self.release}"


def claim_of(given: Mapping[str, str]) -> Claim:
    """From the user parameters of AdmitRelease and ConfirmRelease."""
    return Claim(
        model=given["model"],
        release=int(given["release"]),
        purpose=given["purpose"],
        execution=given["execution"],
        bundle_version=given.get("bundle_version", ""),
        previous=given.get("previous") or None,
        verify=given.get("verify", "yes"),
        traffic=given.get("traffic", CANARY),
    )


@dataclass(frozen=True)
class Digest:
    """The recorded digest of a part of the release, and the one found; None: it is gone."""

    what: str
    recorded: str
    found: str | None


@dataclass(frozen=True)
class Facts:
    """What is known when the execution asks.

    `document` is the release.json in the release's bundle, `review` the approval of this very
    execution. `holder` holds the model's deployment lock; `holder_ended`: its execution has ended,
    or its time has.
    """

    release: Release | None
    document: Mapping[str, Any] | None
    digests: tuple[Digest, ...]
    review: Action | None
    # Somebody was asked: the execution comes this far only with an answer.
    asked: bool
    champion: Champion | None
    stack: str
    stack_status: str | None
    holder: str | None
    holder_ended: bool


@dataclass(frozen=True)
class Admission:
    """`supersede` is a refusal after which the release is closed: a newer one is in service."""

    outcome: Outcome
    line: str


def admit(claim: Claim, facts: Facts) -> Admission:
    if claim.purpose == "promotion" and _answer_is_on_its_way(facts):
        return Admission("wait", say("release.admission.review_follows", release=claim.reference))
    for refusal in _refusals(claim, facts):
        return Admission("refuse", refusal)
    champion = facts.champion
    if claim.purpose == "promotion" and champion and champion.release > claim.release:
        line = say(
            "release.admission.older",
            release=claim.reference,
            champion=champion.release,
            model=claim.model,
        )
        return Admission("supersede", line)
    status = facts.stack_status
    if status is not None and status not in _READY:
        if status.endswith("_IN_PROGRESS"):
            line = say("release.admission.stack_moves", stack=facts.stack, status=status)
            return Admission("wait", line)
        fix = found("release.admission.fix", status) or say("release.admission.fix.other")
        line = say("release.admission.stack_broken", stack=facts.stack, status=status, fix=fix)
        return Admission("refuse", line)
    if facts.holder not in (None, claim.execution) and not facts.holder_ended:
        line = say("release.admission.lock_held", execution=facts.holder, model=claim.model)
        return Admission("wait", line)
    if claim.previous not in (None, in_service(champion)):
        line = say(
            "release.admission.verified_against",
            release=claim.reference,
            previous=claim.previous,
            champion=in_service(champion),
            model=claim.model,
        )
        return Admission("refuse", line)
    return Admission("admit", say("release.admission.admitted", release=claim.reference))


def _answer_is_on_its_way(facts: Facts) -> bool:
    """The review is over, or the execution would not be here; it can be read seconds later."""
    if facts.review is None:
        return facts.asked
    return facts.review.status == IN_PROGRESS


def in_service(champion: Champion | None) -> str:
    """The release in service as the pipeline's variables have it."""
    return str(champion.release) if champion else "none"


def _refusals(claim: Claim, facts: Facts) -> Iterator[str]:
    release, document, reference = facts.release, facts.document, claim.reference
    if release is None:
        yield say("release.admission.unknown", release=reference, model=claim.model)
        return
    if claim.purpose not in _WAYS:
        yield say("release.admission.purpose", purpose=repr(claim.purpose))
        return
    if (claim.verify, claim.traffic) not in _WAYS[claim.purpose]:
        yield say("release.admission.way", purpose=claim.purpose)
    if claim.purpose == "withdrawal":
        # Whatever became of its parts: what cannot be checked must be able to go.
        yield from _not_in_service(claim, facts.champion)
        return
    yield from _changed(claim, release, facts.digests)
    if document is None:
        yield say("release.admission.no_record", release=reference)
        return
    named = (document.get("model"), document.get("release"))
    if named != (claim.model, claim.release):
        its = f"{named[0]}/{named[1]}"
        yield say("release.admission.other_bundle", release=reference, other=its)
    if claim.purpose == "rollback":
        yield from _never_in_service(claim, release)
        if claim.verify == "no" and release.deployment_version is None:
            yield say("release.admission.not_kept", release=reference)
    else:
        yield from _not_approved(claim, release, document, facts.review)


def _changed(claim: Claim, release: Release, digests: Iterable[Digest]) -> Iterator[str]:
    reference = claim.reference
    if claim.bundle_version != release.bundle_version:
        yield say(
            "release.admission.bundle_replaced",
            release=reference,
            found=claim.bundle_version,
            recorded=release.bundle_version,
        )
    for digest in digests:
        part, recorded = digest.what, digest.recorded
        if digest.found is None:
            yield say("release.admission.gone", release=reference, part=part, recorded=recorded)
        elif digest.found != recorded:
            yield say(
                "release.admission.changed",
                release=reference,
                part=part,
                found=digest.found,
                recorded=recorded,
            )


def _never_in_service(claim: Claim, release: Release) -> Iterator[str]:
    if release.status != Status.PROMOTED:
        yield say(
            "release.admission.never_in_service",
            release=claim.reference,
            status=release.status,
            model=claim.model,
        )


def _not_in_service(claim: Claim, champion: Champion | None) -> Iterator[str]:
    if champion is None or champion.release != claim.release:
        yield say("release.admission.not_in_service", release=claim.reference, model=claim.model)


def _not_approved(
    claim: Claim, release: Release, document: Mapping[str, Any], review: Action | None
) -> Iterator[str]:
    if release.execution not in (None, claim.execution):
        yield say(
            "release.admission.other_execution",
            release=claim.reference,
            execution=release.execution,
        )
    if release.status in CLOSED:
        closed = say(f"release.admission.closed.{release.status.lower()}", release=claim.reference)
        if release.decision_reason:
            closed = say("release.with_reason", headline=closed, reason=release.decision_reason)
        yield say("release.admission.final", closed=closed, model=claim.model)
    if release.status == Status.PROMOTED:
        yield say(
            "release.admission.promoted",
            release=claim.reference,
            model=claim.model,
            number=claim.release,
        )
    if not approved(review, document):
        yield say("release.admission.not_approved", release=claim.reference)


def approved(review: Action | None, document: Mapping[str, Any]) -> bool:
    """Approved by a person in this execution, or by the model's definition for a sure verdict."""
    decision = decided(review)
    if review is not None:
        return decision is not None and decision.outcome == "approved"
    return automatic(document)


def automatic(document: Mapping[str, Any]) -> bool:
    return document.get("approval") == "automatic" and document.get("verdict") == "promote"
