"""Close Release: an execution of the release pipeline ended badly. What of it, and what now?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.releases.decision import decided, describe_release, one_line, registry_status
from core.releases.history import Stage, notice_of, tell
from core.releases.record_decision import settle
from core.releases.record_release import Live, NotLiveError, record_live
from core.releases.release_table import APPROVED, FAILED, ROLLED_BACK, WAITING, Happening
from core.stage.release_pipeline import DEPLOY, REVIEW, Action, Execution

Item = Mapping[str, Any]

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
    """Act on how the execution stands now, whatever the event said it did some time ago."""
    execution = stage.pipeline.execution(execution_id)
    if execution is None or not execution.ended or execution.status == "Succeeded":
        return Closed(None, None, "nothing", f"execution {execution_id} did not end badly")
    if execution.names is None:
        return Closed(None, None, "nothing", f"execution {execution_id} names no release")
    model, number = execution.names
    item = stage.ledger.release(model, number)
    if item is None:
        return Closed(model, None, "nothing", f"{model}/{number} is no release of this stage")
    purpose = execution.variables.get("purpose", "promotion")
    if purpose != "rollback" and item.get("execution") not in (None, execution_id):
        stage.ledger.give_turn_back(model, execution_id)
        return Closed(model, number, "nothing", f"{model}/{number} has another execution")
    _halt(stage, execution)
    line = _completed(stage, execution, item, purpose, now)
    if line is not None:
        return Closed(model, number, "completed", line)
    if purpose == "rollback":
        closed = _rollback_failed(stage, execution, item)
    else:
        closed = _promotion_failed(stage, execution, item)
    # Last: whoever waits for the turn may count on the record.
    stage.ledger.give_turn_back(model, execution_id)
    return closed


def _halt(stage: Stage, execution: Execution) -> None:
    """An action that was abandoned leaves CloudFormation going on: nobody would record its end."""
    deployed, model = execution.action(DEPLOY), execution.variables["model"]
    if deployed is None or deployed.status == "Succeeded":
        return
    if stage.ledger.turn(model).get("holder") == execution.id:  # else it is another's deployment
        stage.serving.halt(model)


def _completed(
    stage: Stage, execution: Execution, item: Item, purpose: str, now: datetime
) -> str | None:
    """The release is live and only its record is missing: write it, if it is still true."""
    if execution.action(DEPLOY) is None:
        return None
    model = execution.variables["model"]
    standing = stage.serving.standing(model)
    outputs = standing.outputs if standing and not standing.moving else {}
    if outputs.get("Release") != str(item["release"]):
        return None
    live = Live(
        model=model,
        release=int(item["release"]),
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
    if purpose != "rollback":
        return {}
    return {"by": execution.started_by, "reason": execution.variables.get("summary")}


def _promotion_failed(stage: Stage, execution: Execution, item: Item) -> Closed:
    model, number = execution.variables["model"], int(item["release"])
    review = execution.action(REVIEW)
    item = settle(stage, model, item, review)
    decision = decided(review, item)
    if decision is not None and decision.outcome in ("rejected", "expired"):
        return Closed(model, number, decision.outcome, describe_release(item))
    reason, status = _why(stage, execution, model)
    at = _when(execution, item)
    fields = {"error": reason, "ended_at": at}
    closed = stage.ledger.advance(model, number, status, fields, (WAITING, APPROVED))
    item = closed or stage.ledger.release(model, number) or item
    if (item["status"], item.get("ended_at")) != (status, at):
        line = f"{model}/{number} is {str(item['status']).lower()} already"
        return Closed(model, number, "nothing", line)
    wanted = registry_status(item)
    if wanted is not None:
        stage.packages.settle(str(item["package_arn"]), wanted, describe_release(item))
    if wanted == "Approved":
        stage.packages.live(str(item["package_arn"]), "Failed", describe_release(item))
    _tell(stage, execution, item, at, reason, rolled_back=status == ROLLED_BACK)
    return Closed(model, number, status.lower(), reason)


def _rollback_failed(stage: Stage, execution: Execution, item: Item) -> Closed:
    """The release stays what it was, promoted once; what is in service did not change."""
    model, number = execution.variables["model"], int(item["release"])
    reason, _ = _why(stage, execution, model)
    reason = one_line(f"going back to release {number} failed: {reason}", LONGEST_ERROR)
    _tell(stage, execution, item, _when(execution, item), reason, rolled_back=False)
    return Closed(model, number, "failed", reason)


def _tell(
    stage: Stage, execution: Execution, item: Item, at: str, reason: str, *, rolled_back: bool
) -> None:
    model, number = execution.variables["model"], int(item["release"])
    stopped = execution.status == "Stopped"
    happening = Happening(
        at=at,
        event="rolled back" if rolled_back else "stopped" if stopped else "failed",
        release=number,
        key=f"{number:06d}-3-ended-{execution.id}",
        reason=reason,
        execution=execution.id,
    )
    event = "release rolled back" if rolled_back else "release failed"
    tell(stage, model, happening, notice_of(stage, model, item, event, at, reason))


def _why(stage: Stage, execution: Execution, model: str) -> tuple[str, str]:
    """(why in one line, with what to do; the status the release gets by it)."""
    stays = _who_serves(stage, execution, model)
    broken, status = execution.broken, FAILED
    if broken is not None and broken.name == DEPLOY and broken.status == "Failed":
        began = broken.began - _SKEW if broken.began else None
        failure = stage.serving.failure(model, began) if began else None
        said = failure.reason if failure else _said(broken)
        if execution.status == "Stopped" and execution.summary:
            said += f": {execution.summary}"  # what whoever stopped the canary said
        status = ROLLED_BACK if failure is not None and failure.rolled_back else FAILED
        mend = "mend it and run the model again"
    elif execution.status in ("Stopped", "Cancelled", "Superseded"):
        where = f" at {broken.name}" if broken else ""
        why = f": {execution.summary}" if execution.summary else ""
        said = f"the pipeline was stopped{where}{why}"
        mend = "retry its stage or run the model again"
    elif broken is not None:
        said = f"{broken.name}: {_said(broken)}"
        mend = "mend it and retry the stage, or run the model again"
    else:
        said = execution.summary or f"the execution ended as {execution.status}"
        mend = "retry its stage or run the model again"
    return one_line(f"{said}; {stays}; {mend}", LONGEST_ERROR), status


def _who_serves(stage: Stage, execution: Execution, model: str) -> str:
    champion = stage.ledger.champion(model)
    recorded = str(champion["release"]) if champion else None
    deployed, number = execution.action(DEPLOY), execution.variables["release"]
    standing = stage.serving.standing(model)
    live = standing.outputs.get("Release") if standing else None
    if deployed is None or deployed.status != "Succeeded" or live != number or live == recorded:
        return f"release {recorded} stays in service" if recorded else "nothing is in service"
    answers = f"the live alias answers as release {number}"
    if recorded is None:
        return f"{answers}, and no release is recorded as in service"
    return (
        f"{answers}, while release {recorded} is recorded as in service; "
        f"`kanmon rollback {model}` puts them in step"
    )


def _said(action: Action) -> str:
    return action.error or action.summary or "it gives no reason; see its log"


def _when(execution: Execution, item: Item) -> str:
    """When it ended: the same for every repeat, so that history has it once."""
    return max((action.at for action in execution.actions), default=str(item["opened_at"]))
