"""Recording what is in service: the champion, the release's status, the registry, the history.

The truth is who answers behind the live alias. Nothing here is written before the live model has
answered the release's golden records as the judged candidate did, and every write may be repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from core.releases import deployment, golden_records
from core.releases.decision import was_approved
from core.releases.history import fact_of, record
from core.releases.integrity import read_bundle
from core.releases.record_withdrawal import record_withdrawal
from core.releases.release_json import sha256
from core.releases.service import Live, NotLiveError
from core.releases.superseding import supersede_older
from core.report.fact import Event
from core.stage.release_history import HistoryEntry
from core.stage.release_records import PROMOTABLE, Champion, Release, Status
from core.words.catalogue import say
from core.words.formats import moment, timestamp

if TYPE_CHECKING:
    from core.stage.gateways import Stage


def live_of(stage: Stage, given: Mapping[str, str]) -> Live:
    """From the user parameters of RecordRelease."""
    promotion = given["purpose"] == "promotion"
    execution = None if promotion else stage.pipeline.execution(given["execution"])
    standing = stage.serving.standing(given["model"])
    outputs = standing.outputs if standing else {}
    return Live(
        model=given["model"],
        release=int(given["release"]),
        purpose=given["purpose"],
        execution=given["execution"],
        alias_arn=outputs.get("AliasArn", ""),
        function_url=outputs.get("FunctionUrl", ""),
        by=execution.started_by if execution else None,
        reason=execution.variables.get("summary") if execution else None,
    )


def record_live(stage: Stage, live: Live, now: datetime) -> str:
    """Make the release the champion, if it is the one that answers; returns that in one line.

    Of a withdrawal: that none is in service, if the live alias answers with an error.
    """
    if live.purpose == "withdrawal":
        return record_withdrawal(stage, live, now)
    release = _recordable(stage, live)
    champion = _move_champion(stage, live, release, now)
    at, previous = champion.promoted_at, champion.previous
    changes = {"promoted_at": at, "ended_at": at, "error": None}
    # A release that was in service before keeps the moment when it first came there.
    release = stage.releases.advance(release, Status.PROMOTED, changes, PROMOTABLE) or release
    _keep_deployment(stage, release)
    line = _line(live, previous)
    back = live.purpose == "rollback"
    _update_registry(stage, live, release, previous, at)
    entry = HistoryEntry(
        at=at,
        event="rolled back" if back else "promoted",
        release=live.release,
        key=f"{live.release:06d}-3-live-{live.execution}",
        by=live.by or release.decided_by,
        reason=live.reason or release.decision_reason,
        execution=live.execution,
        previous=previous,
    )
    event: Event = "release back in service" if back else "release promoted"
    record(stage, live.model, entry, fact_of(stage, release, event, entry, line))
    if not back:
        supersede_older(stage, release, at)
    stage.releases.unlock(live.model, live.execution)
    return line


def _keep_deployment(stage: Stage, release: Release) -> None:
    """Keep with what the release was deployed: going back to it then needs no verification."""
    if release.deployment_version is not None:
        return
    document = read_bundle(stage.store, release).document or {}
    canary = document.get("serving", {}).get("canary")
    content = deployment.as_kept(stage.serving.deployed(release.model), canary)
    # A name of its own: a function that died here may have written it with other settings.
    name = f"deployment-{uuid4().hex}.json"
    key = stage.store.release_key(release.model, release.release, name)
    version = stage.store.write_once(key, content, "application/json")
    changes = {
        "deployment_key": key,
        "deployment_version": version,
        "deployment_sha256": sha256(content),
    }
    stage.releases.note(release, changes, (Status.PROMOTED,))


def _recordable(stage: Stage, live: Live) -> Release:
    """The release, if it was approved or had been in service before."""
    release = stage.releases.release(live.model, live.release)
    if release is not None:
        promotion = live.purpose != "rollback" and release.status in PROMOTABLE
        if release.status == Status.PROMOTED or (promotion and was_approved(release)):
            return release
    status = release.status.lower() if release else say("release.live.unknown")
    raise NotLiveError(
        say(
            "release.live.not_approved",
            release=f"{live.model}/{live.release}",
            status=status,
            model=live.model,
        )
    )


def _move_champion(stage: Stage, live: Live, release: Release, now: datetime) -> Champion:
    """The champion as it is to be. Another function may move it while the model is asked."""
    for _ in range(3):
        seen = stage.releases.champion(live.model)
        _require_live(stage, live, release)
        if seen and (seen.release, seen.execution) == (live.release, live.execution):
            return seen
        previous = seen.release if seen else None
        if seen and previous == live.release:
            previous = seen.previous
        wanted = Champion(
            model=live.model,
            release=live.release,
            run=release.run,
            package_arn=release.package_arn,
            package_version=release.package_version,
            promoted_at=timestamp(now),
            execution=live.execution,
            purpose=live.purpose,
            previous=previous,
            alias_arn=live.alias_arn,
            function_url=live.function_url,
            stack=stage.serving.stack_of(live.model),
        )
        moved = stage.releases.move_champion(seen, wanted)
        if moved is not None:
            return moved
    raise NotLiveError(say("release.live.champion_moves", model=live.model))


def _require_live(stage: Stage, live: Live, release: Release) -> None:
    records = read_bundle(stage.store, release).golden
    if records is None:
        raise NotLiveError(say("release.live.no_bundle", release=release.reference))
    answers = stage.serving.ask(live.alias_arn, golden_records.requests(records))
    wrong = golden_records.difference(records, live.release, answers)
    if wrong:
        raise NotLiveError(say("release.live.wrong", wrong=wrong, release=release.reference))


def _line(live: Live, previous: int | None) -> str:
    how = "back" if live.purpose == "rollback" else "promoted"
    named = {"model": live.model, "release": live.release}
    if previous:
        return say(f"release.live.{how}.instead", previous=previous, **named)
    return say(f"release.live.{how}.alone", **named)


def _update_registry(
    stage: Stage, live: Live, release: Release, previous: int | None, at: str
) -> None:
    arn, number = release.package_arn, live.release
    approved = say("release.registry.in_service", release=number, at=moment(at))
    stage.registry.set_approval(arn, "Approved", approved)
    since = say("release.registry.since", release=number, at=moment(at))
    stage.registry.set_production(arn, "InService", since)
    former = stage.releases.release(live.model, previous) if previous else None
    if former is None or former.package_arn == arn:
        return
    # Rolled back from or succeeded: what was in service was approved, and stays so.
    what = _line(live, None)
    why = say("release.registry.until", release=previous, at=moment(at), what=what)
    if live.purpose == "rollback" and live.reason:
        why = say("release.registry.until_reason", until=why, reason=live.reason)
    stage.registry.set_production(former.package_arn, "Retired", why)
