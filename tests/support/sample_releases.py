"""Builders of releases and of what the services say about them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from core.stage.release_pipeline import Action, Execution, actions_from
from core.stage.release_records import Release, Status
from kanmon.releases.pipeline import laid_out
from kanmon.releases.traffic import Deployment

START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
ADA = "arn:aws:sts::123456789012:assumed-role/kanmon-local-Approver/ada"


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def release(status: str = "WAITING", number: int = 7, **fields: Any) -> Release:
    settings: dict[str, Any] = {
        "run": "wine-261121080000-abc",
        "verdict": "promote",
        "summary": "promote: every rule passed",
        "opened_at": START.isoformat(),
        "execution": "e-7",
    }
    return Release("wine", number, Status(status), **{**settings, **fields})


def detail(
    stage: str,
    action: str,
    status: str = "Succeeded",
    began: float = 0,
    took: float = 1,
    **result: Any,
) -> dict[str, Any]:
    """One entry of ListActionExecutions."""
    return {
        "stageName": stage,
        "actionName": action,
        "status": status,
        "startTime": at(began),
        "lastUpdateTime": at(began + took),
        "updatedBy": result.pop("by", ""),
        "output": {"executionResult": result},
    }


BUNDLE = detail("Source", "Bundle")
REVIEWED = detail("Review", "ApproveRelease", began=1, by=ADA)
ADMITTED = detail("Verify", "AdmitRelease", began=2)
VERIFIED = detail("Verify", "VerifyRelease", began=3)


def fold(details: Iterable[dict[str, Any]]) -> tuple[Action, ...]:
    """All actions of a pipeline execution, from ListActionExecutions' details."""
    return laid_out(actions_from(details), {})


def progress(status: str, *details: dict[str, Any], summary: str | None = None) -> Execution:
    """An execution whose actions came in this order."""
    actions = fold(reversed(details))
    return Execution("e-7", status, summary, None, {"model": "wine"}, actions)


def deployment(status: str, **fields: Any) -> Deployment:
    settings: dict[str, Any] = {
        "id": "d-1",
        "began": at(4),
        "ended": at(9),
        "creator": "CloudFormation",
        "reason": None,
        "reason_code": None,
        "rollback": None,
    }
    return Deployment(status=status, **{**settings, **fields})


def item(number=7, status="WAITING", **fields):
    return {
        "model": "wine",
        "item": f"release#{number:06d}",
        "release": number,
        "status": status,
        "execution": f"e-{number}",
        **fields,
    }
