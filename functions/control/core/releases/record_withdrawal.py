"""Recording that a model is out of service: no champion, the registry, the history."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from core.releases.history import fact_of, record
from core.releases.service import Live, NotLiveError
from core.stage.release_history import HistoryEntry
from core.stage.release_records import Release, Withdrawal
from core.words.catalogue import say
from core.words.formats import moment, timestamp

if TYPE_CHECKING:
    from core.stage.gateways import Stage

# What serving/scoring/withdrawn.py answers.
_GONE = 410
_ANY_REQUEST = {"check": True, "rows": [{}]}


def record_withdrawal(stage: Stage, live: Live, now: datetime) -> str:
    """Record that no release is in service, if the live alias answers so; safe to repeat."""
    release = stage.releases.release(live.model, live.release)
    (answer,) = stage.serving.ask(live.alias_arn, [_ANY_REQUEST])
    if release is None or answer.get("status") != _GONE:
        raise NotLiveError(say("release.live.still_answers", model=live.model))
    withdrawn = _withdraw(stage, live, now)
    line = say("release.live.withdrawn", model=live.model, release=live.release)
    entry = HistoryEntry(
        at=withdrawn.at,
        event="withdrawn",
        release=live.release,
        key=f"{live.release:06d}-3-withdrawn-{live.execution}",
        by=live.by,
        reason=live.reason,
        execution=live.execution,
    )
    _retire(stage, release, withdrawn.at)
    fact = fact_of(stage, release, "release withdrawn", entry, live.reason or line)
    record(stage, live.model, entry, fact)
    stage.releases.unlock(live.model, live.execution)
    return line


def _withdraw(stage: Stage, live: Live, now: datetime) -> Withdrawal:
    wanted = Withdrawal(live.release, timestamp(now), live.by, live.reason, live.execution)
    for _ in range(3):
        seen = stage.releases.champion(live.model)
        if seen is None:
            return stage.releases.withdrawal(live.model) or wanted
        if stage.releases.withdraw_champion(seen, wanted):
            return wanted
    raise NotLiveError(say("release.live.champion_moves", model=live.model))


def _retire(stage: Stage, release: Release, at: str) -> None:
    why = say("release.registry.until_withdrawn", release=release.release, at=moment(at))
    stage.registry.set_production(release.package_arn, "Retired", why)
