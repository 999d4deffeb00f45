"""Who decided what about a release, when and why: read off its approval, or off the registry."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal

from core.stage.registry import LONGEST_DESCRIPTION, Approval
from core.stage.release_pipeline import Action
from core.stage.release_records import CLOSED, Release, Status
from core.words.catalogue import say
from core.words.formats import moment, one_line
from core.words.people import person

Outcome = Literal["approved", "rejected", "expired", "superseded", "automatic"]


@dataclass(frozen=True)
class Decision:
    """`by` is an ARN or words, `at` the moment of the decision."""

    outcome: Outcome
    by: str | None
    at: str
    reason: str

    @property
    def status(self) -> Status:
        """What the release becomes by it."""
        ends = {"rejected": Status.REJECTED, "expired": Status.EXPIRED}
        return ends.get(self.outcome, Status.APPROVED)


def decided(review: Action | None, release: Release | None = None) -> Decision | None:
    """The decision an approval came to; None while it is open, was abandoned or could not open.

    Where the registry's decision was passed on to the approval, the release's record names the
    person, whom the approval knows only as the function that passed it on.
    """
    if review is None or review.status not in ("Succeeded", "Failed"):
        return None
    outcome: Outcome | None = "approved" if review.status == "Succeeded" else _how_it_failed(review)
    if outcome is None:
        return None
    if outcome == "expired":
        return Decision("expired", None, review.at, say("release.decision.expired"))
    if release and (release.asked, release.asked_summary) == (outcome, review.summary):
        by = release.asked_by or review.by or ""
        return Decision(outcome, by, review.at, release.asked_reason or "")
    return Decision(outcome, review.by, review.at, review.summary or "")


# AWS's failure types of an approval that never opened, say because nobody could be notified.
_NEVER_OPENED = ("ConfigurationError", "PermissionError", "SystemUnavailable")
# Two moments of one service may differ by so much.
_SLACK = timedelta(minutes=1)


def _how_it_failed(review: Action) -> Literal["rejected", "expired"] | None:
    """Was it rejected, or did nobody decide in time? None: it never opened.

    AWS does not document how the two look. What is certain is when it opened and ended, and that
    a rejection is somebody's: the words and codes count only where these say nothing.
    """
    if review.error_code in _NEVER_OPENED:
        return None
    lasted = review.updated - review.began if review.updated and review.began else None
    limit = timedelta(minutes=review.open_minutes) if review.open_minutes else None
    if limit and lasted is not None and lasted >= limit - _SLACK:
        return "expired"
    if review.by:
        return "rejected"
    said = f"{review.error_code or ''} {review.error or ''}".lower()
    if "time" in said or "expired" in said:
        return "expired"
    if review.summary or (limit and lasted is not None):
        return "rejected"
    return None if said.strip() else "expired"


def describe(release: int, decision: Decision) -> str:
    """What is written into the registry: one line within its limits.

    >>> describe(7, Decision("rejected", "arn:aws:iam::1:user/ada", "2026-11-21T06:00:00Z", "no"))
    'release 7: rejected by arn:aws:iam::1:user/ada at 2026-11-21 06:00:00 UTC: no'
    """
    outcome = say(f"release.outcome.{decision.outcome}")
    by, at = decision.by, moment(decision.at)
    if by:
        line = say("release.registry.decided_by", release=release, outcome=outcome, by=by, at=at)
    else:
        line = say("release.registry.decided", release=release, outcome=outcome, at=at)
    if decision.reason:
        line = say("release.with_reason", headline=line, reason=decision.reason)
    return one_line(line, LONGEST_DESCRIPTION)


def told(release: int, decision: Decision) -> str:
    """The same for mail and chat, where a person has a name.

    >>> told(7, Decision("rejected", "arn:aws:iam::1:user/ada", "2026-11-21T06:00:00Z", "no"))
    'release 7: rejected by ada at 2026-11-21 06:00:00 UTC: no'
    """
    by = person(decision.by) if decision.by else None
    return describe(release, replace(decision, by=by))


def was_approved(release: Release) -> bool:
    """Did a person, or the model's definition, let this release go into service?"""
    return release.decision in ("approved", "automatic")


def registry_status(release: Release) -> Approval | None:
    """What the registry must show for a release's package; None while nothing is decided.

    A release that failed was still approved, and a retry may promote it. What was in service stays
    approved for good; its life cycle shows that it is not in service any more.
    """
    status = release.status
    if status == Status.WAITING:
        return None
    if status in (*CLOSED, Status.ROLLED_BACK):
        return "Rejected"
    return "Rejected" if status == Status.FAILED and not was_approved(release) else "Approved"


def describe_release(release: Release) -> str:
    """Why the registry shows what it shows for a release that has been decided, in one line."""
    if release.status in (Status.FAILED, Status.ROLLED_BACK):
        line = say(
            f"release.registry.ended.{release.status.lower()}",
            release=release.release,
            at=moment(release.ended_at),
            error=release.error,
        )
        return one_line(line, LONGEST_DESCRIPTION)
    return describe(release.release, decision_of(release))


def decision_of(release: Release) -> Decision:
    """The decision that a release's record holds."""
    outcome: Any = release.decision or "approved"
    at, reason = str(release.decided_at), release.decision_reason or ""
    return Decision(outcome, release.decided_by, at, reason)
