"""What a digest is made of: how the stage stands, by the planner's own eyes, and what happened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from core.plan.gather import gather
from core.plan.rule import decide
from core.plan.sources import Limits, Sources
from core.reading import finite, mapping, mappings
from core.stage.plan_table import RECORD_OF
from core.words.formats import parsed, timestamp

if TYPE_CHECKING:
    from core.report.fact import Fact
    from core.stage.items import Item
    from core.stage.notice_table import NoticeTable

FORMAT = 1
# No batch and no monitoring takes longer. A run that waits for its machines may: its end is a fact.
LONGEST = timedelta(days=7)
_STOPPED = "Execution.ABORTED"


class DigestSources(Sources, Protocol):
    """What the planner reads, and the facts that the stage listed."""

    @property
    def notices(self) -> NoticeTable: ...


def digest_input(
    sources: DigestSources, limits: Limits, begin: datetime, until: datetime, now: datetime
) -> dict[str, Any]:
    """The document of the digest of the time from `begin` to before `until`, as it is made now."""
    seen = gather(sources, limits, now, now).document
    decision = decide(seen)
    listed = list(sources.notices.since(begin))
    records = _records(sources, seen["models"], [each.fact for each in listed], begin)
    return {
        "format": FORMAT,
        "from": timestamp(begin),
        "until": timestamp(until),
        "stage": seen["stage"],
        "models": seen["models"],
        "decision": {name: decision[name] for name in ("starts", "waits", "next")},
        "work": {
            model: {work: _counted(records[model, work], begin, until) for work in RECORD_OF}
            for model in seen["models"]
        },
        "facts": [
            each.fact.document()
            for each in listed
            if (at := parsed(each.at)) is not None and at < until
        ],
    }


def _records(
    sources: DigestSources,
    models: Mapping[str, Mapping[str, Any]],
    facts: Iterable[Fact],
    begin: datetime,
) -> dict[tuple[str, str], list[Item]]:
    """By model and work, the records that may be of the time: never those of all history.

    Their names say when they began. What began long before, or has a name without a time, is named
    by the fact of its end, or by the planner while it runs.
    """
    kinds = [(model, work) for model in models for work in RECORD_OF]
    named = {
        (str(fact.model), work, str(name))
        for fact in facts
        for work, kind in RECORD_OF.items()
        if fact.model in models and (name := getattr(fact, kind))
    }
    named |= {
        (model, work, name)
        for model, work in kinds
        if (name := mapping(models[model].get("running")).get(work))
    }
    found = {
        (model, work): list(sources.plans.records_since(model, work, begin - LONGEST))
        for model, work in kinds
    }
    known = {
        (model, work, str(record["item"]).partition("#")[2])
        for (model, work), records in found.items()
        for record in records
    }
    for (work, _), record in sources.plans.records(sorted(named - known)).items():
        found[record["model"], work].append(record)
    return found


def _counted(records: Iterable[Item], begin: datetime, until: datetime) -> dict[str, Any]:
    """How many ended within the time or ran at its end, how, and what was counted in it."""
    found = {"count": 0, "failed": 0, "stopped": 0, "nothing_new": 0, "running": 0}
    usd = 0.0
    for record in records:
        usd += _paid(record, begin, until)
        how = _how(record, begin, until)
        if how is None:
            continue
        found["count"] += 1
        if how in found:
            found[how] += 1
    return {**found, "usd": round(usd, 8)}


def _paid(record: Item, begin: datetime, until: datetime) -> float:
    """What was counted for the record in the time: it may have been resumed or redriven."""
    return sum(
        finite(_number(each.get("usd"))) or 0.0
        for each in mappings(record.get("paid"))
        if (at := parsed(each.get("at"))) is not None and begin <= at < until
    )


def _how(record: Mapping[str, Any], begin: datetime, until: datetime) -> str | None:
    """How the work ended; None where that was at another time, or where it only waits its turn."""
    status, closed = record.get("status"), parsed(record.get("closed_at"))
    if status == "QUEUED" or (closed is not None and closed < begin):
        return None
    if closed is None or closed >= until:
        began = parsed(record.get("opened_at") or record.get("asked_at"))
        return "running" if began is not None and began < until else None
    if status == "FAILED":
        return "stopped" if record.get("error") == _STOPPED else "failed"
    return "nothing_new" if status == "NOTHING_NEW" else "done"


def _number(value: object) -> object:
    return float(value) if hasattr(value, "as_tuple") else value  # type: ignore[arg-type]
