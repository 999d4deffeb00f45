"""A model's history and the facts that go with it, each once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from core.report.fact import Event, Fact, metric_of
from core.stage.release_history import HistoryEntry
from core.stage.release_records import Release

if TYPE_CHECKING:
    from core.stage.gateways import Stage


def record(stage: Stage, model: str, entry: HistoryEntry, fact: Fact | None = None) -> None:
    """Write a model's history and put the fact on the bus, once for all repeats.

    The fact goes first: a function that dies between the two puts it twice rather than never.
    """
    if stage.releases.has_entry(model, entry):
        return
    if fact is not None:
        stage.events.put(fact)
    stage.releases.add_entry(model, entry)


def fact_of(
    stage: Stage,
    release: Release,
    event: Event,
    entry: HistoryEntry,
    summary: str,
    until: str | None = None,
) -> Fact:
    """The fact of an entry about a release, with what its record holds."""
    # What a release comes to once is told apart by the release; what its executions do, by these.
    each = f"/{entry.execution}/{entry.at}" if event in _AGAIN else ""
    return Fact(
        event=event,
        key=f"{release.reference}{each}",
        stack=stage.name,
        stage=stage.short_name,
        at=entry.at or release.opened_at,
        summary=summary,
        model=release.model,
        reason=release.run_reason,
        run=release.run or None,
        release=release.release,
        verdict=release.verdict or None,
        approval=release.approval or None,
        by=entry.by,
        until=until,
        package_arn=release.package_arn or None,
        review_uri=release.review_uri or None,
        execution=entry.execution or release.execution,
        metric=metric_of(json.loads(release.metric)) if release.metric else None,
    )


# These may happen to one release more than once.
_AGAIN: frozenset[Event] = frozenset(
    {
        "release promoted",
        "release rolled back",
        "release back in service",
        "release withdrawn",
        "release failed",
        "release stopped",
    }
)
