"""Rolls back to an earlier release: through the pipeline, or by stopping a running canary."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.stage.release_history import HistoryEntry
from core.stage.release_pipeline import LONGEST_SUMMARY
from core.stage.release_records import Champion, Release, Status
from kanmon.errors import BadInputError, NoServiceError
from kanmon.releases.history import history
from kanmon.releases.pipeline import pipeline_name, progress_of
from kanmon.releases.records import (
    champion_of,
    deployment_lock_of,
    find_release,
    list_releases,
)
from kanmon.releases.stack_rollback import continue_if_failed
from kanmon.releases.stop import stop_canary
from kanmon.releases.traffic import deployments, traffic
from kanmon.stage.connection import stage_flag

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

NO_REASON = "rolled back by kanmon rollback"


@dataclass(frozen=True)
class Rollback:
    """What was done: a canary was stopped, or the pipeline was started with an earlier release.

    `release` is the release of the canary, or the one that returns to service. `serving` is the
    release that had all traffic before.
    """

    what: str  # "canary stopped" | "started"
    release: Release | None
    execution: str | None
    serving: int | None


def roll_back(
    connection: "Connection",
    model: str,
    to: int | None = None,
    reason: str = "",
    *,
    canary: bool = False,
) -> Rollback:
    """Put an earlier release back into service; without `to`, the previous one.

    It gets all traffic at once, unless `canary` is set. If a canary of the model is running and
    `to` names no other release, that canary is stopped instead: CodeDeploy then shifts all traffic
    back.
    """
    champion = champion_of(connection, model)
    under_way = deployments(connection, model, under_way=True)
    recorded = champion.release if champion else None
    if under_way and to in (None, recorded):
        execution = deployment_lock_of(connection, model).holder
        if stop_canary(connection, under_way, execution, reason or NO_REASON):
            shifting = _release_of(connection, model, execution)
            return Rollback("canary stopped", shifting, execution, recorded)
    if champion is None and to is None:
        raise NoServiceError(
            f"model {model} has no release in service",
            "There is nothing to roll back; --to brings a release back that was in service.",
        )
    answering = [number for number, _ in traffic(connection, model)]
    releases = list_releases(connection, model)
    number = to
    if champion is not None and number is None:
        _refuse_while_deploying(connection, champion, answering)
        events = history(connection, model)
        number = release_to_bring_back(champion, events, releases, answering)
    serving = answering[0] if answering and recorded not in answering else recorded
    flag = stage_flag(connection.name)
    if number is None:
        raise BadInputError(
            f"there was no release in service before {model}/{serving}",
            f"`kanmon releases {model}{flag}` lists all; choose one with --to.",
        )
    target = target_of(releases, model, number, answering, flag)
    summary = f"rollback from release {serving}: {reason}" if serving else f"rollback: {reason}"
    execution = start(connection, target, "rollback", summary, canary=canary)
    return Rollback("started", target, execution, serving)


def _refuse_while_deploying(
    connection: "Connection", champion: Champion, answering: list[int | None]
) -> None:
    """Refuse while a release is being deployed but has no canary to stop: it would win.

    One that is recorded as the champion has won already. Its pipeline only has to end, and the
    rollback waits for that.
    """
    model = champion.model
    execution = deployment_lock_of(connection, model).holder
    running = progress_of(connection, execution) if execution else None
    if running is None or running.ended:
        return
    coming = f"{model}/{running.variables.get('release')}"
    flag = stage_flag(connection.name)
    if running.variables.get("purpose") == "rollback":
        raise BadInputError(
            f"a rollback to release {coming} is already running",
            f"`kanmon watch {coming}{flag}` shows it; choose another release with --to.",
        )
    in_service = running.variables.get("release") == str(champion.release)
    if in_service or champion.release not in answering:
        return
    raise BadInputError(
        f"release {coming} is being deployed, and there is no canary to stop now",
        f"`kanmon stop {coming}{flag}` stops it; once it is in service, this command undoes it. "
        "A rollback with --to waits for it.",
    )


def release_to_bring_back(
    champion: Champion,
    events: list[HistoryEntry],
    releases: list[Release],
    answering: list[int | None],
) -> int | None:
    """The release that a rollback without a number goes to.

    `answering` are the releases behind the live alias. If the champion is not among them, another
    release has all traffic and is not recorded, or not yet. If that release was in service before,
    an interrupted rollback put it there: it is deployed again, and recorded. If it is new, the
    target is the champion.
    """
    if not answering or champion.release in answering:
        return release_before(champion, events)
    known = {one.release for one in releases if one.status == Status.PROMOTED}
    back = next((number for number in answering if number in known), None)
    return back or champion.release


def release_before(champion: Champion, events: list[HistoryEntry]) -> int | None:
    """The release that was in service before the champion was promoted for the first time.

    After a rollback, `previous` is the release that was rolled back. It is not used, because a
    second rollback would put that bad release back into service.
    """
    if champion.purpose != "rollback":
        return champion.previous
    first = next(
        (one for one in events if one.event == "promoted" and one.release == champion.release),
        None,
    )
    return first.previous if first else None


def target_of(
    releases: list[Release], model: str, number: int, answering: list[int | None], flag: str
) -> Release:
    """The release to go back to. It must have been in service, and must not be in service now."""
    found = next((one for one in releases if one.release == number), None)
    fix = f"`kanmon releases {model}{flag}` lists those that were promoted."
    if found is None:
        raise BadInputError(f"there is no release {model}/{number}", fix)
    if found.in_service and answering in ([], [number]):
        raise BadInputError(f"release {found.reference} is already in service", fix)
    if found.status != Status.PROMOTED:
        raise BadInputError(
            f"release {found.reference} was never in service: it is {found.status.lower()}", fix
        )
    return found


def start(
    connection: "Connection", release: Release, purpose: str, summary: str, *, canary: bool = False
) -> str:
    """Start the pipeline with a release that was in service; the execution's ID.

    What was verified when the release was promoted is deployed again as it was. Releases that were
    promoted before deployments were kept are verified again.
    """
    continue_if_failed(connection, release.model)
    known = purpose == "withdrawal" or release.deployment_version is not None
    variables = {
        "model": release.model,
        "release": str(release.release),
        "purpose": purpose,
        "verify": "no" if known else "yes",
        "traffic": "canary" if canary else "all",
        "review": "automatic",
        "summary": " ".join(summary.split()).rstrip(": ")[:LONGEST_SUMMARY],
        "review_url": review_url(connection, release),
    }
    started = connection.client("codepipeline").start_pipeline_execution(
        name=pipeline_name(connection),
        variables=[{"name": name, "value": value} for name, value in variables.items()],
        sourceRevisions=[
            {
                "actionName": "Bundle",
                "revisionType": kind,
                "revisionValue": value,
            }
            for kind, value in (
                ("S3_OBJECT_KEY", release.bundle_key),
                ("S3_OBJECT_VERSION_ID", release.bundle_version),
            )
        ],
    )
    return str(started["pipelineExecutionId"])


def review_url(connection: "Connection", release: Release) -> str:
    """The address of the release's review page in the AWS console."""
    from core.stage.links import console_address

    return console_address(release.review_uri, connection.region)


def _release_of(connection: "Connection", model: str, execution: str | None) -> Release | None:
    """The release of a pipeline execution."""
    running = progress_of(connection, execution) if execution else None
    number = running.variables.get("release") if running else None
    return find_release(connection, f"{model}/{number}") if number else None
