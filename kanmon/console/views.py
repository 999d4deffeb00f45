"""The content of each page, read from the stage. Reading changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from core.stage.release_history import HistoryEntry
from core.stage.release_records import Release, Status, Withdrawal
from kanmon.batches.outcome import Remedy, manifest_key, remedy_of
from kanmon.batches.progress import Shards
from kanmon.batches.records import BatchRecord, batches_of
from kanmon.console.results import (
    Results,
    evaluation_of,
    failure_log,
    results_of,
)
from kanmon.monitoring.records import MonitoringRecord, monitorings_of
from kanmon.planning.pauses import paused_models, pauses, words
from kanmon.releases.evidence import gather
from kanmon.releases.explanation import Evidence, Explanation, explain
from kanmon.releases.history import history
from kanmon.releases.records import champion_of, list_releases, withdrawal_of
from kanmon.releases.rollback import release_to_bring_back
from kanmon.releases.traffic import Deployment, Share, deployments, traffic
from kanmon.runs.experiment import mlflow_address
from kanmon.runs.records import RunRecord, runs_of
from kanmon.stage.aws_errors import REFUSED
from kanmon.stage.model_names import known_models
from kanmon.trend.chart import Chart, draw
from kanmon.trend.display import Row, notes, rows
from kanmon.trend.points import Trend
from kanmon.trend.reading import Known, trend_of, trend_of_releases

if TYPE_CHECKING:
    from kanmon.project import Project
    from kanmon.stage.connection import Connection

# Releases on a model's chart, each an object to read.
RELEASES_SHOWN = 12
RUNS_SHOWN = 20
MONITORINGS_SHOWN = 10
BATCHES_SHOWN = 20


@dataclass(frozen=True)
class ModelSummary:
    """One line of the overview."""

    model: str
    in_service: Release | None
    waiting: Release | None
    latest: RunRecord | None
    monitoring: MonitoringRecord | None = None
    # That the planner starts nothing for it, in words.
    paused: str | None = None


@dataclass(frozen=True)
class ModelView:
    """A model's page."""

    model: str
    releases: list[Release]
    runs: list[RunRecord]
    events: list[HistoryEntry]
    traffic: list[Share]
    canary: Deployment | None
    # The target of a rollback: never the release that an earlier rollback left.
    before: int | None = None
    # When the champion last came into service.
    since: str | None = None
    # The primary metric of its latest releases; None for fewer than two.
    chart: Chart | None = None
    # That the model was taken out of service.
    withdrawal: Withdrawal | None = None
    monitorings: list[MonitoringRecord] = field(default_factory=list)
    batches: list[BatchRecord] = field(default_factory=list)
    paused: str | None = None

    @property
    def in_service(self) -> Release | None:
        """The champion's release."""
        return next((one for one in self.releases if one.in_service), None)

    @property
    def waiting(self) -> Release | None:
        """The waiting release."""
        return next((one for one in self.releases if one.status == Status.WAITING), None)

    @property
    def earlier(self) -> list[Release]:
        """The releases that a rollback can bring back."""
        return [
            one for one in self.releases if one.status == Status.PROMOTED and not one.in_service
        ]


@dataclass(frozen=True)
class TrendView:
    """The page of a metric over all of a model's runs. `metric` is None while no run has any."""

    trend: Trend
    metric: str | None
    chart: Chart | None
    rows: list[Row]
    notes: list[str]


@dataclass(frozen=True)
class ReleaseView:
    """A release's page: the evidence and its explanation."""

    release: Release
    evidence: Evidence
    explanation: Explanation
    results: Results | None = None

    @property
    def moving(self) -> bool:
        """Is the pipeline running, so that the page will change?"""
        progress = self.evidence.progress
        return progress is not None and not progress.ended


@dataclass(frozen=True)
class StateVisit:
    """A state of a run, as a row of a table."""

    state: str
    seconds: float
    attempts: int
    ended: bool


@dataclass(frozen=True)
class RunView:
    """A run's page: its record and its states."""

    record: RunRecord
    states: list[StateVisit]
    status: str
    problem: str | None
    results: Results | None = None
    log: list[str] = field(default_factory=list)
    # Where MLflow shows it.
    mlflow: str | None = None


@dataclass(frozen=True)
class BatchView:
    """A batch's page: its record, its states, and once it is proven whole, its manifest.

    `shards`: how far it is, in words, while it is not whole. `remedy`: what helps if it failed.
    """

    record: BatchRecord
    states: list[StateVisit]
    status: str
    manifest: dict[str, Any] | None = None
    shards: str | None = None
    log: list[str] = field(default_factory=list)
    remedy: Remedy = "resume"


def overview(connection: "Connection", project: "Project") -> list[ModelSummary]:
    """Every model of the stage, and those that only have a folder in the project."""
    models = known_models(connection, project)
    paused = paused_models(connection, models)
    return [_summary(connection, model, paused.get(model)) for model in models]


def _summary(
    connection: "Connection", model: str, paused: dict[str, Any] | None = None
) -> ModelSummary:
    releases = list_releases(connection, model)
    return ModelSummary(
        model,
        next((one for one in releases if one.in_service), None),
        next((one for one in releases if one.status == Status.WAITING), None),
        next(iter(runs_of(connection, model, 1)), None),
        last_opened(monitorings_of(connection, model, MONITORINGS_SHOWN)),
        words(paused) if paused else None,
    )


def last_opened(newest_first: Sequence[MonitoringRecord]) -> MonitoringRecord | None:
    """The newest monitoring that looked at a release: one that failed before says nothing of the
    model. Where none did, the newest."""
    looked = (one for one in newest_first if one.release)
    return next(looked, next(iter(newest_first), None))


def model_view(connection: "Connection", model: str) -> ModelView:
    """A model's page."""
    releases = list_releases(connection, model)
    ever = any(
        one.promoted_at or one.status not in (Status.WAITING, Status.REJECTED) for one in releases
    )
    moved = deployments(connection, model, under_way=True) if ever else []
    events = sorted(
        [*history(connection, model), *pauses(connection, model)], key=lambda one: one.at
    )
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
        champion.promoted_at if champion else None,
        chart_of(connection, model, releases[:RELEASES_SHOWN]),
        withdrawal_of(connection, model) if ever and champion is None else None,
        monitorings_of(connection, model, MONITORINGS_SHOWN),
        batches_of(connection, model, BATCHES_SHOWN),
        words(paused) if (paused := paused_models(connection, [model]).get(model)) else None,
    )


def chart_of(connection: "Connection", model: str, releases: Sequence[Release]) -> Chart | None:
    """The primary metric of these releases; None where fewer than two have it, or it may not be
    read: the page has more than the chart."""
    from botocore.exceptions import ClientError

    try:
        trend = trend_of_releases(connection, model, releases)
    except ClientError as error:
        if error.response["Error"]["Code"] not in REFUSED:
            raise
        return None
    metric = next(iter(trend.metrics), None)
    return draw(trend, metric) if metric and len(trend.of(metric)) > 1 else None


def trend_view(
    connection: "Connection", model: str, wanted: str | None, known: Known | None = None
) -> TrendView:
    """The page of a metric over all runs; of the primary one unless another is wanted."""
    trend = trend_of(connection, model, known=known)
    if not trend.points and wanted is None:
        return TrendView(trend, None, None, [], [])
    metric = trend.metric(wanted)
    return TrendView(trend, metric, draw(trend, metric), rows(trend, metric), notes(trend, metric))


def release_view(connection: "Connection", release: Release) -> ReleaseView:
    """A release's page."""
    from kanmon.stage.connection import stage_flag

    evidence = gather(connection, release)
    explanation = explain(evidence, stage_flag(connection.name))
    results = results_of(evaluation_of(connection, release.model, release.run))
    return ReleaseView(release, evidence, explanation, results)


def batch_view(connection: "Connection", record: BatchRecord) -> BatchView:
    """A batch's page. One whose execution is gone has no states."""
    from botocore.exceptions import ClientError

    from kanmon.runs import execution
    from kanmon.stage.connection import read_json

    arn = connection.batch_execution_arn(record.works)
    try:
        visits = execution.visits(execution.history(connection, arn))
        status = execution.ending(connection, arn).status
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionDoesNotExist":
            raise
        visits, status = [], str(record.status or "unknown")
    now = datetime.now(UTC)
    states = [
        StateVisit(one.state, one.seconds(now), one.attempts, one.ended is not None)
        for one in visits
    ]
    manifest = read_json(connection, manifest_key(record.model, record.batch))
    shards = None if manifest else Shards(connection, record.model, record.batch).look()
    failed = status not in ("SUCCEEDED", "RUNNING")
    log = failure_log(connection, record.works, visits) if failed else []
    plan = read_json(connection, f"batches/{record.model}/{record.batch}/plan.json")
    words = str(record.summary or "").rstrip(".")
    remedy = "start anew" if plan is None else remedy_of(words, plan)
    return BatchView(record, states, status, manifest, shards, log, remedy)


def run_view(connection: "Connection", record: RunRecord) -> RunView:
    """A run's page. A run without an execution has no states."""
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
    visits = execution.visits(events)
    states = [
        StateVisit(one.state, one.seconds(now), one.attempts, one.ended is not None)
        for one in visits
    ]
    problem = problem_of(record.error, ending.cause)
    results = results_of(evaluation_of(connection, record.model, record.run))
    failed = ending.status not in ("RUNNING", "SUCCEEDED")
    log = failure_log(connection, record.run, visits) if failed else []
    address = mlflow_address(connection, record.model, record.run)
    return RunView(record, states, ending.status, problem, results, log, address)


def problem_of(error: str | None, cause: str | None) -> str | None:
    """The recorded error, or what ended the execution: its service's own word says no more.

    >>> problem_of("TrainJobFailed", "{…}"), problem_of("Execution.ABORTED", "stopped by ada")
    ('TrainJobFailed', 'stopped by ada')
    """
    known = None if (error or "").startswith("Execution.") else error
    return known or cause or None
