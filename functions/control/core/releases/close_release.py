"""Close Release: an execution of the release pipeline ended badly. What became of its release?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from core.releases.decision import decided, describe_release, registry_status
from core.releases.history import fact_of, record
from core.releases.record_decision import settle
from core.releases.record_release import record_live
from core.releases.service import Live, NotLiveError
from core.report.fact import Event
from core.stage.release_history import HistoryEntry
from core.stage.release_pipeline import (
    DEPLOY,
    REVIEW,
    STAGE_REMOVED,
    SUCCEEDED,
    Action,
    Execution,
)
from core.stage.release_records import OPEN, Release, Status
from core.words.catalogue import say
from core.words.formats import one_line

if TYPE_CHECKING:
    from core.stage.gateways import Stage

LONGEST_ERROR = 1000
# The clocks of two services differ a little.
_SKEW = timedelta(seconds=5)


@dataclass(frozen=True)
class Closed:
    """What became of the release, in one line."""

    model: str | None
    release: int | None
    outcome: str
    line: str


def close_release(stage: Stage, execution_id: str, now: datetime) -> Closed:
    """Act on what the execution is now, whatever the event said it was some time ago."""
    execution = stage.pipeline.ended(execution_id)
    if execution is None or not execution.ended or execution.status == SUCCEEDED:
        return Closed(None, None, "nothing", f"execution {execution_id} did not end badly")
    if execution.names is None:
        return Closed(None, None, "nothing", f"execution {execution_id} names no release")
    model, number = execution.names
    release = stage.releases.release(model, number)
    if release is None:
        return Closed(model, None, "nothing", f"{model}/{number} is no release of this stage")
    purpose = execution.variables.get("purpose", "promotion")
    if purpose == "promotion" and release.execution not in (None, execution_id):
        stage.releases.unlock(model, execution_id)
        return Closed(model, number, "nothing", f"{model}/{number} has another execution")
    _halt(stage, execution)
    line = _completed(stage, execution, release, purpose, now)
    if line is not None:
        return Closed(model, number, "completed", line)
    if purpose == "promotion":
        closed = _promotion_failed(stage, execution, release)
    else:
        closed = _other_failed(stage, execution, release, purpose)
    # Last: an execution that waits for the lock may count on the record.
    stage.releases.unlock(model, execution_id)
    return closed


def _halt(stage: Stage, execution: Execution) -> None:
    """An action that was abandoned leaves CloudFormation at work: nobody would record its end."""
    deployed, model = execution.action(DEPLOY), execution.variables["model"]
    if deployed is None or deployed.status == SUCCEEDED:
        return
    if stage.releases.lock(model).holder == execution.id:  # else it is another's deployment
        stage.serving.halt(model)


def _completed(
    stage: Stage, execution: Execution, release: Release, purpose: str, now: datetime
) -> str | None:
    """The release is live and only its record is missing: write it, if it is still true."""
    if execution.action(DEPLOY) is None:
        return None
    model = execution.variables["model"]
    standing = stage.serving.standing(model)
    outputs = standing.outputs if standing and not standing.moving else {}
    if outputs.get("Release") != str(release.release):
        return None
    live = Live(
        model=model,
        release=release.release,
        purpose=purpose,
        execution=execution.id,
        alias_arn=outputs.get("AliasArn", ""),
        function_url=outputs.get("FunctionUrl", ""),
        **_who(execution, purpose),
    )
    try:
        return record_live(stage, live, now)
    except NotLiveError:
        return None


def _who(execution: Execution, purpose: str) -> dict[str, str | None]:
    if purpose == "promotion":
        return {}
    return {"by": execution.started_by, "reason": execution.variables.get("summary")}


def _promotion_failed(stage: Stage, execution: Execution, release: Release) -> Closed:
    model, number = release.model, release.release
    review = execution.action(REVIEW)
    release = settle(stage, release, review)
    decision = decided(review, release)
    if decision is not None and decision.outcome in ("rejected", "expired"):
        return Closed(model, number, decision.outcome, describe_release(release))
    reason, status = _why(stage, execution, model)
    at = _when(execution, release)
    closed = stage.releases.advance(release, status, {"error": reason, "ended_at": at}, OPEN)
    release = closed or stage.releases.release(model, number) or release
    if (release.status, release.ended_at) != (status, at):
        line = f"{release.reference} is {release.status.lower()} already"
        return Closed(model, number, "nothing", line)
    wanted = registry_status(release)
    if wanted is not None:
        stage.registry.set_approval(release.package_arn, wanted, describe_release(release))
    if wanted == "Approved":
        stage.registry.set_production(release.package_arn, "Failed", describe_release(release))
    _record(stage, execution, release, at, reason, rolled_back=status == Status.ROLLED_BACK)
    return Closed(model, number, _outcome(execution, status), reason)


def _other_failed(stage: Stage, execution: Execution, release: Release, purpose: str) -> Closed:
    """A rollback or a withdrawal: the release stays what it was, promoted once, and what is in
    service did not change."""
    model, number = release.model, release.release
    reason, _ = _why(stage, execution, model)
    reason = say(f"release.end.failed.{purpose}", release=number, reason=reason)
    reason = one_line(reason, LONGEST_ERROR)
    _record(stage, execution, release, _when(execution, release), reason, rolled_back=False)
    return Closed(model, number, _outcome(execution, Status.FAILED), reason)


def _outcome(execution: Execution, status: Status) -> str:
    return "stopped" if execution.status == "Stopped" else status.lower()


def _record(
    stage: Stage,
    execution: Execution,
    release: Release,
    at: str,
    reason: str,
    *,
    rolled_back: bool,
) -> None:
    stopped = execution.status == "Stopped"
    entry = HistoryEntry(
        at=at,
        event="rolled back" if rolled_back else "stopped" if stopped else "failed",
        release=release.release,
        key=f"{release.release:06d}-3-ended-{execution.id}",
        reason=reason,
        execution=execution.id,
    )
    # Stopped on purpose, also where that undid a canary.
    event: Event = "release rolled back" if rolled_back else "release failed"
    event = "release stopped" if stopped else event
    record(stage, release.model, entry, fact_of(stage, release, event, entry, reason))


def _why(stage: Stage, execution: Execution, model: str) -> tuple[str, Status]:
    """(why in one line, with what to do; the status the release gets by it)."""
    stays = _who_serves(stage, execution, model)
    broken, status = execution.failed, Status.FAILED
    if broken is not None and broken.name == DEPLOY and broken.status == "Failed":
        began = broken.began - _SKEW if broken.began else None
        failure = stage.serving.failure(model, began) if began else None
        said = failure.reason if failure else _said(broken)
        if execution.status == "Stopped" and execution.summary:
            # The reason that was given for the stop.
            said = say("release.with_reason", headline=said, reason=execution.summary)
        if failure is not None and failure.rolled_back:
            status = Status.ROLLED_BACK
        fix = say("release.end.fix.run")
    elif execution.status in ("Stopped", "Cancelled", "Superseded"):
        said = say("release.end.stopped")
        if broken:
            said = say("release.end.stopped_at", action=broken.name)
        if execution.summary:
            said = say("release.with_reason", headline=said, reason=execution.summary)
        # A changed definition of the pipeline cancels it, and forbids to retry it.
        cancelled = execution.status == "Cancelled"
        fix = say("release.end.fix.again" if cancelled else "release.end.fix.retry")
    elif broken is not None:
        said = say("release.cause", action=broken.name, message=_said(broken))
        fix = say("release.end.fix.fix_and_retry")
    else:
        said = execution.summary or say("release.end.status", status=execution.status)
        fix = say("release.end.fix.retry")
    if STAGE_REMOVED in (execution.summary or ""):  # nothing is left to try again on
        line = say("release.end.removed", said=said, serves=stays)
    else:
        line = say("release.end.line", said=said, serves=stays, fix=fix)
    return one_line(line, LONGEST_ERROR), status


def _who_serves(stage: Stage, execution: Execution, model: str) -> str:
    champion = stage.releases.champion(model)
    recorded = str(champion.release) if champion else None
    deployed, number = execution.action(DEPLOY), execution.variables["release"]
    standing = stage.serving.standing(model)
    live = standing.outputs.get("Release") if standing else None
    if deployed is None or deployed.status != SUCCEEDED or live != number or live == recorded:
        if recorded is None:
            return say("release.end.serves.nothing")
        return say("release.end.serves.champion", release=recorded)
    if recorded is None:
        return say("release.end.serves.unrecorded", release=number)
    return say("release.end.serves.other", release=number, recorded=recorded, model=model)


def _said(action: Action) -> str:
    return action.error or action.summary or say("release.end.no_reason")


def _when(execution: Execution, release: Release) -> str:
    """When it ended: the same for every repeat, so that history has it once."""
    return max((action.at for action in execution.actions), default=release.opened_at)
