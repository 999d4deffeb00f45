"""A release that may go into service, and what Admit Release knows of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from core.releases.admission_rule import Claim, Digest, Facts
from core.stage.release_pipeline import Action
from core.stage.release_records import Champion, Release, Status

AT, MOMENT = "2026-11-21T06:00:00Z", datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
ADA = "arn:aws:iam::1:user/ada"


def review(status: str = "Succeeded", **more: Any) -> Action:
    return Action("Review", "ApproveRelease", status, updated=MOMENT, **more)


DOCUMENT = {"model": "churn", "release": 7, "approval": "manual", "verdict": "promote"}
CLAIM = Claim("churn", 7, "promotion", "mine", "v1")
RELEASE = Release("churn", 7, Status.WAITING, bundle_version="v1", execution="mine")
# A release that may go into service: everything is as it was reviewed, and the way is free.
GOOD = Facts(
    release=RELEASE,
    document=DOCUMENT,
    digests=(Digest("bundle", "a", "a"),),
    review=review(by=ADA),
    asked=True,
    champion=Champion("churn", 6),
    stack="kanmon-serving-churn",
    stack_status="UPDATE_COMPLETE",
    holder=None,
    holder_ended=False,
)
AUTOMATIC = {**DOCUMENT, "approval": "automatic"}
UNASKED: dict[str, Any] = {"review": None, "asked": False}
