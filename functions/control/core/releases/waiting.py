"""How many releases of a model wait for their review: a metric, for the stage's dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.stage.release_records import Status

if TYPE_CHECKING:
    from core.stage.gateways import Stage

METRIC = "ReleasesWaiting"


def waiting(stage: Stage, model: str) -> int:
    """How many wait now."""
    return sum(release.status == Status.WAITING for release in stage.releases.releases(model))
