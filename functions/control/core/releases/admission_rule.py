"""May this execution put this release into service now? Decided from facts, in one clear line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from core.releases.decision import decided
from core.stage.release_pipeline import Action
from core.stage.release_table import CLOSED, Champion, Release, Status

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
_CLOSED_WORDS = {
    Status.REJECTED: "was rejected",
    Status.EXPIRED: "expired",
    Status.SUPERSEDED: "was superseded",
}
_FIXES = {
    "UPDATE_ROLLBACK_FAILED": "continue its rollback in CloudFormation, then retry this stage",
    "DELETE_FAILED": "delete it in CloudFormation, then retry this stage",
}


@dataclass(frozen=True)
class Claim:
    """What the pipeline asks for: to promote this release, or to go back to it.

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
    for refusal in _refusals(claim, facts):
        return Admission("refuse", refusal)
    champion = facts.champion
    if claim.purpose != "rollback" and champion and champion.release > claim.release:
        return Admission(
            "supersede",
            f"{claim.reference} is older than release {champion.release}, which is in service; "
            f"going back is `kanmon rollback {claim.model}`",
        )
    status = facts.stack_status
    if status is not None and status not in _READY:
        if status.endswith("_IN_PROGRESS"):
            return Admission("wait", f"waits for the stack {facts.stack}, which is {status}")
        fix = _FIXES.get(status, "fix it in CloudFormation, then retry this stage")
        return Admission("refuse", f"the stack {facts.stack} is {status}; {fix}")
    if facts.holder not in (None, claim.execution) and not facts.holder_ended:
        return Admission(
            "wait", f"waits for execution {facts.holder}, which is deploying {claim.model}"
        )
    if claim.previous not in (None, in_service(champion)):
        return Admission(
            "refuse",
            f"{claim.reference} was verified against release {claim.previous}, and now release "
            f"{in_service(champion)} is in service; start it again: `kanmon run {claim.model}`",
        )
    return Admission("admit", f"{claim.reference} may be deployed")


def in_service(champion: Champion | None) -> str:
    """The release in service as the pipeline's variables have it."""
    return str(champion.release) if champion else "none"


def _refusals(claim: Claim, facts: Facts) -> Iterator[str]:
    release, document = facts.release, facts.document
    if release is None:
        yield f"there is no release {claim.reference}; `kanmon releases {claim.model}` lists them"
        return
    if claim.purpose not in ("promotion", "rollback"):
        yield f"{claim.purpose!r} is not a purpose; start the pipeline with `kanmon`"
    yield from _changed(claim, release, facts.digests)
    if document is None:
        yield f"the bundle of {claim.reference} holds no release.json; run the model again"
        return
    named = (document.get("model"), document.get("release"))
    if named != (claim.model, claim.release):
        its = f"{named[0]}/{named[1]}"
        yield f"the bundle of {claim.reference} is that of {its}; run the model again"
    if claim.purpose == "rollback":
        yield from _never_in_service(claim, release)
    else:
        yield from _not_approved(claim, release, document, facts.review)


def _changed(claim: Claim, release: Release, digests: Iterable[Digest]) -> Iterator[str]:
    fix = "nothing of a release may change; run the model again to open a new one"
    if claim.bundle_version != release.bundle_version:
        yield (
            f"{claim.reference}: its bundle was replaced: version {claim.bundle_version} came, "
            f"version {release.bundle_version} was opened; {fix}"
        )
    for digest in digests:
        if digest.found is None:
            yield f"{claim.reference}: the {digest.what} is gone ({digest.recorded}); {fix}"
        elif digest.found != digest.recorded:
            yield (
                f"{claim.reference}: the {digest.what} was changed: it is {digest.found}, and "
                f"{digest.recorded} was recorded; {fix}"
            )


def _never_in_service(claim: Claim, release: Release) -> Iterator[str]:
    if release.status != Status.PROMOTED:
        yield (
            f"{claim.reference} was never in service: it is {release.status}, and a rollback goes "
            f"back only to what was; `kanmon releases {claim.model}` lists them"
        )


def _not_approved(
    claim: Claim, release: Release, document: Mapping[str, Any], review: Action | None
) -> Iterator[str]:
    if release.execution not in (None, claim.execution):
        yield (
            f"{claim.reference} is promoted by execution {release.execution} and by no other; "
            f"reject or approve it there"
        )
    if release.status in CLOSED:
        why = f": {release.decision_reason}" if release.decision_reason else ""
        yield (
            f"{claim.reference} {_CLOSED_WORDS[release.status]}{why}; that is final, so run it "
            f"again with `kanmon run {claim.model} --force` to open a new release"
        )
    if release.status == Status.PROMOTED:
        yield (
            f"{claim.reference} was promoted already; to bring it back: "
            f"`kanmon rollback {claim.model} --to {claim.release}`"
        )
    if not approved(review, document):
        yield f"{claim.reference} was not approved in this execution; start it again with `kanmon`"


def approved(review: Action | None, document: Mapping[str, Any]) -> bool:
    """Approved by a person in this execution, or by the model's definition for a sure verdict."""
    decision = decided(review)
    if review is not None:
        return decision is not None and decision.outcome == "approved"
    return automatic(document)


def automatic(document: Mapping[str, Any]) -> bool:
    return document.get("approval") == "automatic" and document.get("verdict") == "promote"
