"""What is recorded about a model's releases: records, champion, withdrawal, lock.

Here they are made of items of the model table and turned into their attributes; release_table
reads and writes them. Nothing here loads boto3: the command line reads the same records.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any, TypeVar

from core.stage.release_history import HistoryEntry, in_order


class Status(StrEnum):
    """What a release has come to."""

    WAITING = "WAITING"
    APPROVED = "APPROVED"
    PROMOTED = "PROMOTED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    SUPERSEDED = "SUPERSEDED"
    FAILED = "FAILED"
    ROLLED_BACK = "ROLLED_BACK"


# The pipeline still works on these.
OPEN = (Status.WAITING, Status.APPROVED)
# Nothing promotes a release in one of these any more.
CLOSED = (Status.REJECTED, Status.EXPIRED, Status.SUPERSEDED)
# Of a release's record, what is nobody's business but the functions'.
_KEPT = (
    *("asked", "asked_by", "asked_reason", "asked_summary", "approval_closed"),
    *("deployment_key", "deployment_version", "deployment_sha256"),
    *("run_reason", "metric"),
)
# Retrying a stage of the pipeline may still promote one that failed.
PROMOTABLE = (Status.WAITING, Status.APPROVED, Status.FAILED, Status.ROLLED_BACK)


@dataclass(frozen=True)
class Release:
    """A release's record. What is empty or None has not happened yet."""

    model: str
    release: int
    status: Status
    # Written once, when it is opened.
    run: str = ""
    package_arn: str = ""
    package_version: int = 0
    verdict: str = ""
    summary: str = ""
    approval: str = ""
    opened_at: str = ""
    bundle_key: str = ""
    bundle_version: str = ""
    bundle_sha256: str = ""
    release_sha256: str = ""
    review_uri: str = ""
    # Why its run was started; and the primary metric's result, as JSON. Older releases have none.
    run_reason: str | None = None
    metric: str | None = None
    # The pipeline execution that promotes it, and when it began; older releases have no such time.
    execution: str | None = None
    started_at: str | None = None
    # approved, automatic, rejected, expired or superseded.
    decided_by: str | None = None
    decided_at: str | None = None
    decision: str | None = None
    decision_reason: str | None = None
    promoted_at: str | None = None
    ended_at: str | None = None
    error: str | None = None
    # With what it was deployed when it was promoted, kept beside it; older releases have none.
    deployment_key: str | None = None
    deployment_version: str | None = None
    deployment_sha256: str | None = None
    # Not part of the item: it follows from the champion. None where that was not read.
    in_service: bool | None = None
    # A decision made in the registry, which was passed on to the pipeline's approval.
    asked: str | None = None
    asked_by: str | None = None
    asked_reason: str | None = None
    asked_summary: str | None = None
    # "yes" once the approval of a superseded release was answered.
    approval_closed: str | None = None

    @property
    def reference(self) -> str:
        """What it is called everywhere."""
        return f"{self.model}/{self.release}"

    def document(self) -> dict[str, Any]:
        """The release for programs, without what the functions keep for themselves."""
        known = {name: value for name, value in asdict(self).items() if name not in _KEPT}
        return {"reference": self.reference, **known}


@dataclass(frozen=True)
class Champion:
    """What was promoted last. `previous` was in service before it; `revision` counts the moves."""

    model: str
    release: int
    run: str = ""
    package_arn: str = ""
    package_version: int = 0
    promoted_at: str = ""
    execution: str = ""
    purpose: str = ""
    previous: int | None = None
    alias_arn: str = ""
    function_url: str = ""
    stack: str = ""
    revision: int | None = None


@dataclass(frozen=True)
class Withdrawal:
    """That a model was taken out of service: its last release, when, by whom, why, by what."""

    release: int
    at: str
    by: str | None = None
    reason: str | None = None
    execution: str | None = None


@dataclass(frozen=True)
class DeploymentLock:
    """Which pipeline execution may deploy the model now, and until when in epoch seconds."""

    model: str
    holder: str | None = None
    until: int | None = None


@dataclass(frozen=True)
class Queued:
    """A release that was recorded and whose execution is still to be started."""

    item: str
    model: str
    release: int


def is_release(item: Mapping[str, Any]) -> bool:
    """Is it a release's record? Data scientists may write definitions' fields, under any name."""
    return "status" in item


def release_item(number: int) -> str:
    """The name of a release's item."""
    return f"release#{number:06d}"


_OF_A_WITHDRAWAL = tuple(field.name for field in fields(Withdrawal))
# The attributes of the champion's item that a withdrawal leaves.
WITHDRAWN = tuple(f"withdrawn_{name}" for name in _OF_A_WITHDRAWAL)

Record = TypeVar("Record", Release, Champion, DeploymentLock, HistoryEntry)


def record_from(kind: type[Record], item: Mapping[str, Any]) -> Record:
    """A record from its item; attributes that it does not know are left out."""
    known = {field.name for field in fields(kind)}
    values = {name: value for name, value in item.items() if name in known}
    if kind is Release:
        values["status"] = Status(values["status"])
    return kind(**values)


def history_from(items: Iterable[Mapping[str, Any]]) -> list[HistoryEntry]:
    """A model's history from its items, the oldest first. The key is in an item's name alone."""
    return in_order(
        replace(record_from(HistoryEntry, item), key=item["item"].rpartition("#")[2])
        for item in items
        if "event" in item
    )


def champion_from(item: Mapping[str, Any] | None) -> Champion | None:
    """The champion of a model's item, which after a withdrawal names none."""
    return record_from(Champion, item) if item and "release" in item else None


def withdrawal_from(item: Mapping[str, Any] | None) -> Withdrawal | None:
    """The withdrawal of a model's item; None where a release is in service, or never was one."""
    if not item or "withdrawn_release" not in item:
        return None
    known: dict[str, Any] = {name: item.get(f"withdrawn_{name}") for name in _OF_A_WITHDRAWAL}
    return Withdrawal(**known)


def attributes(record: Record, *, keep_none: bool = False) -> dict[str, Any]:
    """A record's attributes without the names that make its key; None removes an attribute."""
    apart = ("model", "key", "in_service")
    return {
        name: value
        for name, value in asdict(record).items()
        if name not in apart and (keep_none or value is not None)
    }
