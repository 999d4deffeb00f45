"""Who decided what about a release, when and why: read off its approval, or off the registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from core.releases.release_table import (
    APPROVED,
    CLOSED,
    EXPIRED,
    FAILED,
    REJECTED,
    ROLLED_BACK,
    WAITING,
)
from core.stage.release_pipeline import Action

Outcome = Literal["approved", "rejected", "expired", "superseded", "automatic"]

NOBODY = "nobody decided within the time a review is open, which counts as a rejection"
# What the registry may hold as the reason of a status.
LONGEST_DESCRIPTION = 1024


@dataclass(frozen=True)
class Decision:
    """`by` is an ARN or words, `at` the moment of the decision."""

    outcome: Outcome
    by: str | None
    at: str
    reason: str

    @property
    def status(self) -> str:
        """What the release becomes by it."""
        return {"rejected": REJECTED, "expired": EXPIRED}.get(self.outcome, APPROVED)


def decided(review: Action | None, asked: Mapping[str, Any] | None = None) -> Decision | None:
    """The decision an approval came to; None while it is open, was abandoned or could not open.

    `asked` is the release's item: where the registry's decision was passed on to the approval, it
    names the person, whom the approval knows only as the function that passed it on.
    """
    if review is None or review.status not in ("Succeeded", "Failed"):
        return None
    if review.status == "Failed" and not _refused(review):
        return Decision("expired", None, review.at, NOBODY) if _timed_out(review) else None
    outcome: Literal["approved", "rejected"] = (
        "approved" if review.status == "Succeeded" else "rejected"
    )
    known = asked or {}
    if known.get("asked") == outcome and known.get("asked_summary") == review.summary:
        by, reason = known.get("asked_by"), known.get("asked_reason")
        return Decision(outcome, str(by or review.by or ""), review.at, str(reason or ""))
    return Decision(outcome, review.by, review.at, review.summary or "")


def _refused(review: Action) -> bool:
    """Was it answered with Rejected? An approval that failed otherwise has an error, or nobody."""
    return review.by is not None and review.error_code is None


def _timed_out(review: Action) -> bool:
    said = f"{review.error_code or ''} {review.error or ''}".lower()
    return not said.strip() or "time" in said or "expired" in said


def describe(release: int, decision: Decision) -> str:
    """What the registry is told: one line within its limits.

    >>> describe(7, Decision("rejected", "arn:aws:iam::1:user/ada", "2026-11-21T06:00:00Z", "no"))
    'release 7: rejected by arn:aws:iam::1:user/ada at 2026-11-21T06:00:00Z: no'
    """
    by = f" by {decision.by}" if decision.by else ""
    reason = f": {decision.reason}" if decision.reason else ""
    return one_line(f"release {release}: {decision.outcome}{by} at {decision.at}{reason}")


def was_approved(item: Mapping[str, Any]) -> bool:
    """Did a person, or the model's definition, let this release go into service?"""
    return item.get("decision") in ("approved", "automatic")


def registry_status(item: Mapping[str, Any]) -> Literal["Approved", "Rejected"] | None:
    """What the registry must say of a release's package; None while nothing is decided.

    A release that failed was still approved, and a retry may promote it. What was in service stays
    approved for good: that it is not any more is for the life cycle to say.
    """
    status = item["status"]
    if status == WAITING:
        return None
    if status in (*CLOSED, ROLLED_BACK) or (status == FAILED and not was_approved(item)):
        return "Rejected"
    return "Approved"


def describe_release(item: Mapping[str, Any]) -> str:
    """Why the registry says what it says of a release that has been decided, in one line."""
    number = int(item["release"])
    if item["status"] in (FAILED, ROLLED_BACK):
        how = str(item["status"]).lower().replace("_", " ")
        return one_line(f"release {number}: {how} at {item.get('ended_at')}: {item.get('error')}")
    return describe(
        number,
        Decision(
            item.get("decision", "approved"),
            item.get("decided_by"),
            str(item.get("decided_at")),
            str(item.get("decision_reason") or ""),
        ),
    )


def one_line(text: object, longest: int = LONGEST_DESCRIPTION) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return line if len(line) <= longest else line[: longest - 3] + "..."
