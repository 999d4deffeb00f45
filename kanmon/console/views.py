"""What each page shows, read from the stage. No page's reading changes anything."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from kanmon.releases.evidence import gather
from kanmon.releases.explanation import Evidence, Explanation, explain
from kanmon.releases.history import Event, history
from kanmon.releases.records import PROMOTED, WAITING, Release, champion_of, list_releases
from kanmon.releases.rollback import release_to_bring_back
from kanmon.releases.traffic import Deployment, Share, deployments, traffic
from kanmon.runs.records import RunRecord, runs_of

if TYPE_CHECKING:
    from kanmon.project import Project
    from kanmon.stage.connection import Connection

RUNS_SHOWN = 20


@dataclass(frozen=True)
class ModelSummary:
    """One line of the overview."""

    model: str
    in_service: Release | None
    waiting: Release | None
    latest: RunRecord | None


@dataclass(frozen=True)
class ModelView:
    """Everything about one model."""

    model: str
    releases: list[Release]
    runs: list[RunRecord]
    events: list[Event]
    traffic: list[Share]
    canary: Deployment | None
    # What was in service before: after a rollback not the release that was rolled back from.
    before: int | None = None
    # When the champion came into service, the last time it did.
    since: str | None = None

    @property
    def in_service(self) -> Release | None:
        """The champion's release."""
        return next((one for one in self.releases if one.in_service), None)

    @property
    def waiting(self) -> Release | None:
        """The release that waits for a decision."""
        return next((one for one in self.releases if one.status == WAITING), None)

    @property
    def earlier(self) -> list[Release]:
        """The releases that a rollback can bring back."""
        return [one for one in self.releases if one.status == PROMOTED and not one.in_service]


@dataclass(frozen=True)
class ReleaseView:
    """One release: the evidence, and what it means."""

    release: Release
    evidence: Evidence
    explanation: Explanation

    @property
    def moving(self) -> bool:
        """Is something going on that changes this page by itself?"""
        progress = self.evidence.progress
        return progress is not None and not progress.ended


@dataclass(frozen=True)
class StateVisit:
    """One state of a run, as a line of a table."""

    state: str
    seconds: float
    attempts: int
    ended: bool


@dataclass(frozen=True)
class RunView:
    """One run with the states it went through."""

    record: RunRecord
    states: list[StateVisit]
    status: str
    problem: str | None


def overview(connection: "Connection", project: "Project") -> list[ModelSummary]:
    """Every model that has a folder in the project."""
    return [_summary(connection, model) for model in project.models()]


def _summary(connection: "Connection", model: str) -> ModelSummary:
    releases = list_releases(connection, model)
    return ModelSummary(
        model,
        next((one for one in releases if one.in_service), None),
        next((one for one in releases if one.status == WAITING), None),
        next(iter(runs_of(connection, model, 1)), None),
    )


def model_view(connection: "Connection", model: str) -> ModelView:
    """A model's page."""
    releases = list_releases(connection, model)
    ever = any(one.promoted_at or one.status not in (WAITING, "REJECTED") for one in releases)
    moved = deployments(connection, model, under_way=True) if ever else []
    events = history(connection, model)
    champion = champion_of(connection, model) if ever else None
    shares = traffic(connection, model) if ever else []
    answering = [number for number, _ in shares]
    return ModelView(
        model,
        releases,
        runs_of(connection, model, RUNS_SHOWN),
        events[::-1],
        shares,
        moved[0] if moved else None,
        release_to_bring_back(champion, events, releases, answering) if champion else None,
        champion.get("promoted_at") if champion else None,
    )


def release_view(connection: "Connection", release: Release) -> ReleaseView:
    """A release's page."""
    from kanmon.stage.connection import stage_flag

    evidence = gather(connection, release)
    return ReleaseView(release, evidence, explain(evidence, stage_flag(connection.name)))


def run_view(connection: "Connection", record: RunRecord) -> RunView:
    """A run's page. A run that never got to be an execution has no states."""
    from botocore.exceptions import ClientError

    from kanmon.runs import execution

    arn = connection.execution_arn(record.run)
    try:
        events: list[Any] = execution.history(connection, arn)
        ending = execution.ending(connection, arn)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionDoesNotExist":
            raise
        return RunView(record, [], str(record.status or "unknown"), record.error)
    now = datetime.now(UTC)
    states = [
        StateVisit(one.state, one.seconds(now), one.attempts, one.ended is not None)
        for one in execution.visits(events)
    ]
    problem = record.error or ending.cause or None
    return RunView(record, states, ending.status, problem)
