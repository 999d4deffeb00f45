"""A model's history and the notices that go with it, each once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.stage.notices import Event, Notice
from core.stage.release_history import HistoryEntry
from core.stage.release_table import Release

if TYPE_CHECKING:
    from core.stage.gateways import Stage


def record(stage: Stage, model: str, entry: HistoryEntry, notice: Notice | None = None) -> None:
    """Write a model's history and notify the subscribers, once for all repeats.

    The notice goes first: a function that dies between the two notifies twice rather than never.
    """
    if stage.releases.has_entry(model, entry):
        return
    if notice is not None:
        stage.notices.publish(notice)
    stage.releases.add_entry(model, entry)


def notice_of(stage: Stage, release: Release, event: Event, at: str, summary: str) -> Notice:
    """A notice about a release, with what its record holds."""
    return Notice(
        event=event,
        stack=stage.name,
        model=release.model,
        run=release.run,
        at=at,
        summary=summary,
        verdict=release.verdict or None,
        package_arn=release.package_arn or None,
        review_uri=release.review_uri or None,
        release=release.release,
        execution=release.execution,
    )
