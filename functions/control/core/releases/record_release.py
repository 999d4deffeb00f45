"""Recording what is in service: the champion, the release's status, the registry, the history.

The truth is who answers behind the live alias. Nothing here is written before the live model has
answered the release's golden records as the judged candidate did, and every write may be repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.releases import golden_records
from core.releases.decision import Decision, describe, was_approved
from core.releases.history import Stage, notice_of, tell
from core.releases.integrity import read_bundle
from core.releases.record_decision import follow_up
from core.releases.release_table import PROMOTABLE, PROMOTED, SUPERSEDED, WAITING, Happening
from core.words.formats import timestamp

Item = Mapping[str, Any]


class NotLiveError(Exception):
    """The live alias does not answer as this release does; the message is one line."""


@dataclass(frozen=True)
class Live:
    """A deployment that ended well, and where its model answers. `by` and `reason` say who brought
    a release back, and why; a promotion has them in its decision."""

    model: str
    release: int
    purpose: str
    execution: str
    alias_arn: str
    function_url: str
    by: str | None = None
    reason: str | None = None


def live_of(stage: Stage, given: Mapping[str, str]) -> Live:
    """From the user parameters of RecordRelease."""
    rollback = given["purpose"] == "rollback"
    execution = stage.pipeline.execution(given["execution"]) if rollback else None
    return Live(
        model=given["model"],
        release=int(given["release"]),
        purpose=given["purpose"],
        execution=given["execution"],
        alias_arn=given["alias_arn"],
        function_url=given.get("function_url", ""),
        by=execution.started_by if execution else None,
        reason=execution.variables.get("summary") if execution else None,
    )


def record_live(stage: Stage, live: Live, now: datetime) -> str:
    """Make the release the champion, if it is the one that answers; the line that says so."""
    model, number = live.model, live.release
    item: Item | None = stage.ledger.release(model, number)
    may = item is not None and (
        item["status"] == PROMOTED
        or (live.purpose != "rollback" and item["status"] in PROMOTABLE and was_approved(item))
    )
    if item is None or not may:
        status = str(item["status"]).lower() if item else "unknown"
        raise NotLiveError(
            f"{model}/{number} is {status} and was not approved, so it may not be in service; "
            f"go back with `kanmon rollback {model}`"
        )
    champion = _move_champion(stage, live, item, now)
    at = str(champion["promoted_at"])
    fields = {"promoted_at": at, "ended_at": at, "error": None}
    # A release that was in service before keeps the moment when it first came there.
    item = stage.ledger.advance(model, number, PROMOTED, fields, PROMOTABLE) or item
    previous = champion.get("previous")
    line = _line(live, previous)
    back = live.purpose == "rollback"
    _registry(stage, live, item, previous, at)
    tell(
        stage,
        model,
        Happening(
            at=at,
            event="rolled back" if back else "promoted",
            release=number,
            key=f"{number:06d}-3-live-{live.execution}",
            by=live.by or item.get("decided_by"),
            reason=live.reason or item.get("decision_reason"),
            execution=live.execution,
            previous=previous,
        ),
        notice_of(
            stage, model, item, "release back in service" if back else "release promoted", at, line
        ),
    )
    if not back:
        supersede_older(stage, model, number, at)
    stage.ledger.give_turn_back(model, live.execution)
    return line


def _move_champion(stage: Stage, live: Live, item: Item, now: datetime) -> Item:
    """The champion as it is to be. Another function may move it while the model is asked."""
    for _ in range(3):
        seen = stage.ledger.champion(live.model)
        _require_live(stage, live, item)
        mine = seen and (seen["release"], seen["execution"]) == (live.release, live.execution)
        if seen is not None and mine:
            return seen
        before = int(seen["release"]) if seen else None
        moved = stage.ledger.move_champion(
            live.model,
            seen,
            {
                "release": live.release,
                "run": item["run"],
                "package_arn": item["package_arn"],
                "package_version": item["package_version"],
                "promoted_at": timestamp(now),
                "execution": live.execution,
                "purpose": live.purpose,
                "previous": before if before != live.release else seen and seen.get("previous"),
                "alias_arn": live.alias_arn,
                "function_url": live.function_url,
                "stack": stage.serving.stack_of(live.model),
            },
        )
        if moved is not None:
            return moved
    raise NotLiveError(f"{live.model}: its champion is being moved by others; retry this stage")


def _require_live(stage: Stage, live: Live, item: Item) -> None:
    records = read_bundle(stage.store, item).golden
    if records is None:
        raise NotLiveError(
            f"the bundle of {live.model}/{live.release} cannot be read any more, so what is live "
            "cannot be held to it; bring the object's first version back in S3 and retry this stage"
        )
    answers = stage.serving.ask(live.alias_arn, golden_records.requests(records))
    wrong = golden_records.difference(records, live.release, answers)
    if wrong:
        raise NotLiveError(f"{wrong}; look with `kanmon show {live.model}/{live.release}`")


def _line(live: Live, previous: int | None) -> str:
    instead = f" instead of release {previous}" if previous else ""
    if live.purpose == "rollback":
        return f"{live.model} went back to release {live.release}{instead}"
    return f"{live.model}/{live.release} is in service{instead}"


def _registry(stage: Stage, live: Live, item: Item, previous: int | None, at: str) -> None:
    arn = str(item["package_arn"])
    stage.packages.settle(arn, "Approved", f"release {live.release}: in service since {at}")
    stage.packages.live(arn, "InService", f"release {live.release}, since {at}")
    former = stage.ledger.release(live.model, previous) if previous else None
    if former is None or former["package_arn"] == arn:
        return
    # Rolled back from or succeeded: what was in service was approved, and stays so.
    why = f"release {previous}, until {at}: {_line(live, None)}"
    if live.purpose == "rollback" and live.reason:
        why += f"; {live.reason}"
    stage.packages.live(str(former["package_arn"]), "Retired", why)


def supersede_older(stage: Stage, model: str, number: int, at: str) -> None:
    """Close the releases that still wait for a review although a newer one is in service now."""
    reason = f"release {number} was promoted"
    for item in stage.ledger.releases(model):
        if int(item["release"]) >= number or item["status"] not in (WAITING, SUPERSEDED):
            continue
        supersede(stage, model, item, reason, at, (WAITING,))


def supersede(
    stage: Stage, model: str, item: Item, reason: str, at: str, allowed: tuple[str, ...]
) -> None:
    """The record first: so the approval's own event finds it closed and keeps this reason."""
    number = int(item["release"])
    fields = {
        "decision": "superseded",
        "decided_by": None,
        "decided_at": at,
        "decision_reason": reason,
        "ended_at": at,
    }
    closed = stage.ledger.advance(model, number, SUPERSEDED, fields, allowed)
    now: Item = closed or stage.ledger.release(model, number) or item
    if now["status"] != SUPERSEDED or now.get("approval_closed"):
        return
    decision = Decision("superseded", None, now["decided_at"], now["decision_reason"])
    follow_up(stage, model, now, decision)
    review = stage.pipeline.review(str(now["execution"])) if now.get("execution") else None
    if review is not None and review.status == "InProgress" and review.external:
        stage.pipeline.decide(review.external, "Rejected", describe(number, decision))
    done = {"approval_closed": "yes"}
    stage.ledger.note(model, number, done, {"status": (SUPERSEDED,)})
