"""What a digest is made of: how the stage stands, by the planner's own eyes, and what happened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from core.plan.gather import gather
from core.plan.rule import decide
from core.plan.sources import Limits, Sources
from core.reading import finite
from core.stage.plan_table import RECORD_OF
from core.words.formats import parsed, timestamp

if TYPE_CHECKING:
    from core.stage.items import Item
    from core.stage.notice_table import NoticeTable

FORMAT = 1
_STOPPED = "Execution.ABORTED"


class DigestSources(Sources, Protocol):
    """What the planner reads, and the facts that the stage listed."""

    @property
    def notices(self) -> NoticeTable: ...


def digest_input(
    sources: DigestSources, limits: Limits, begin: datetime, now: datetime
) -> dict[str, Any]:
    """The document of the digest of the time from `begin` until now."""
    seen = gather(sources, limits, now, now).document
    decision = decide(seen)
    facts = [each.fact.document() for each in sources.notices.since(begin)]
    return {
        "format": FORMAT,
        "from": timestamp(begin),
        "until": timestamp(now),
        "stage": seen["stage"],
        "models": seen["models"],
        "decision": {name: decision[name] for name in ("starts", "waits", "next")},
        "work": {
            model: {
                work: _counted(sources.plans.records_of(model, work), begin, now)
                for work in RECORD_OF
            }
            for model in seen["models"]
        },
        "facts": facts,
    }


def _counted(records: Iterable[Item], begin: datetime, now: datetime) -> dict[str, Any]:
    """How many ended within the time or run at its end, how, and what they cost."""
    found = {"count": 0, "failed": 0, "stopped": 0, "nothing_new": 0, "running": 0}
    usd = 0.0
    for record in records:
        how = _how(record, begin, now)
        if how is None:
            continue
        found["count"] += 1
        if how in found:
            found[how] += 1
        usd += finite(_number(record.get("usd"))) or 0.0
    return {**found, "usd": round(usd, 8)}


def _how(record: Mapping[str, Any], begin: datetime, now: datetime) -> str | None:
    """How the work ended; None where that was at another time, or where it only waits its turn."""
    status, closed = record.get("status"), parsed(record.get("closed_at"))
    if closed is None:
        began = parsed(record.get("opened_at") or record.get("asked_at"))
        return "running" if status == "RUNNING" and began and began <= now else None
    if not begin <= closed <= now or status == "QUEUED":
        return None
    if status == "FAILED":
        return "stopped" if record.get("error") == _STOPPED else "failed"
    return "nothing_new" if status == "NOTHING_NEW" else "done"


def _number(value: object) -> object:
    return float(value) if hasattr(value, "as_tuple") else value  # type: ignore[arg-type]
