"""May this execution put this release into service now? Decided from facts, in one clear line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from core.releases.decision import decided
from core.releases.release_table import CLOSED, PROMOTED
from core.stage.release_pipeline import Action

Outcome = Literal["admit", "wait", "refuse", "supersede"]

# REPLACE_ON_FAILURE mends a stack whose creation failed; all others ended well.
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
    "REJECTED": "was rejected",
    "EXPIRED": "expired",
    "SUPERSEDED": "was superseded",
}
_MENDS = {
    "UPDATE_ROLLBACK_FAILED": "continue its rollback in CloudFormation, then retry this stage",
    "DELETE_FAILED": "delete it in CloudFormation, then retry this stage",
}


@dataclass(frozen=True)
class Claim:
    """What the pipeline asks for: to promote this release, or to go back to it.

    It asks before it verifies, and once more before it deploys: between the two a failed stage may
    have been retried, and then the turn was given back.
    """

    model: str
    release: int
    purpose: str
    execution: str
    bundle_version: str
    # What was in service when the release was verified; None on the way to the verification.
    previous: str | None = None

    @property
    def named(self) -> str:
        return f"{self.model}/{self.release}"


@dataclass(frozen=True)
class Digest:
    """What a thing of the release was recorded as, and what it is; None: it is gone."""

    what: str
    recorded: str
    found: str | None


@dataclass(frozen=True)
class Facts:
    """What is known when the execution asks.

    `item` is the release's item, `document` the release.json in its bundle, `review` the approval
    of this very execution. `holder` has the model's turn to deploy; `holder_ended` says that its
    execution is over, or its time is.
    """

    item: Mapping[str, Any] | None
    document: Mapping[str, Any] | None
    digests: tuple[Digest, ...]
    review: Action | None
    champion: Mapping[str, Any] | None
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
    if claim.purpose != "rollback" and champion and int(champion["release"]) > claim.release:
        return Admission(
            "supersede",
            f"{claim.named} is older than release {champion['release']}, which is in service; "
            f"going back is `kanmon rollback {claim.model}`",
        )
    status = facts.stack_status
    if status is not None and status not in _READY:
        if status.endswith("_IN_PROGRESS"):
            return Admission("wait", f"waits for the stack {facts.stack}, which is {status}")
        mend = _MENDS.get(status, "mend it in CloudFormation, then retry this stage")
        return Admission("refuse", f"the stack {facts.stack} is {status}; {mend}")
    if facts.holder not in (None, claim.execution) and not facts.holder_ended:
        return Admission(
            "wait", f"waits for execution {facts.holder}, which is deploying {claim.model}"
        )
    if claim.previous not in (None, in_service(champion)):
        return Admission(
            "refuse",
            f"{claim.named} was verified against release {claim.previous}, and now release "
            f"{in_service(champion)} is in service; start it again: `kanmon run {claim.model}`",
        )
    return Admission("admit", f"{claim.named} may be deployed")


def in_service(champion: Mapping[str, Any] | None) -> str:
    """The release in service as the pipeline's variables have it."""
    return str(champion["release"]) if champion else "none"


def _refusals(claim: Claim, facts: Facts) -> Iterator[str]:
    item, document = facts.item, facts.document
    if item is None:
        yield f"there is no release {claim.named}; `kanmon releases {claim.model}` lists them"
        return
    if claim.purpose not in ("promotion", "rollback"):
        yield f"{claim.purpose!r} is not a purpose; start the pipeline with `kanmon`"
    yield from _changed(claim, facts)
    if document is None:
        yield f"the bundle of {claim.named} holds no release.json; run the model again"
        return
    named = (document.get("model"), document.get("release"))
    if named != (claim.model, claim.release):
        yield f"the bundle of {claim.named} is that of {named[0]}/{named[1]}; run the model again"
    yield from (_not_rollback if claim.purpose == "rollback" else _not_approved)(claim, facts)


def _changed(claim: Claim, facts: Facts) -> Iterator[str]:
    item = facts.item or {}
    mend = "nothing of a release may change; run the model again to open a new one"
    if claim.bundle_version != item.get("bundle_version"):
        yield (
            f"{claim.named}: its bundle was replaced: version {claim.bundle_version} came, version "
            f"{item.get('bundle_version')} was opened; {mend}"
        )
    for digest in facts.digests:
        if digest.found is None:
            yield f"{claim.named}: the {digest.what} is gone ({digest.recorded}); {mend}"
        elif digest.found != digest.recorded:
            yield (
                f"{claim.named}: the {digest.what} was changed: it is {digest.found}, and "
                f"{digest.recorded} was recorded; {mend}"
            )


def _not_rollback(claim: Claim, facts: Facts) -> Iterator[str]:
    status = (facts.item or {}).get("status")
    if status != PROMOTED:
        yield (
            f"{claim.named} was never in service: it is {status}, and a rollback goes back only to "
            f"what was; `kanmon releases {claim.model}` lists them"
        )


def _not_approved(claim: Claim, facts: Facts) -> Iterator[str]:
    item, document = facts.item or {}, facts.document or {}
    status = item.get("status")
    if item.get("execution") not in (None, claim.execution):
        yield (
            f"{claim.named} is promoted by execution {item.get('execution')} and by no other; "
            f"reject or approve it there"
        )
    if status in CLOSED:
        why = f": {item['decision_reason']}" if item.get("decision_reason") else ""
        yield (
            f"{claim.named} {_CLOSED_WORDS[str(status)]}{why}; that is final, so run it again "
            f"with `kanmon run {claim.model} --force` to open a new release"
        )
    if status == PROMOTED:
        yield (
            f"{claim.named} was promoted already; to bring it back: "
            f"`kanmon rollback {claim.model} --to {claim.release}`"
        )
    if not approved(facts.review, document):
        yield f"{claim.named} was not approved in this execution; start it again with `kanmon`"


def approved(review: Action | None, document: Mapping[str, Any]) -> bool:
    """Approved by a person in this execution, or by the model's definition for a sure verdict."""
    decision = decided(review)
    if review is not None:
        return decision is not None and decision.outcome == "approved"
    return automatic(document)


def automatic(document: Mapping[str, Any]) -> bool:
    return document.get("approval") == "automatic" and document.get("verdict") == "promote"
