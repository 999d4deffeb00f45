"""Batches that Open Batch opens, for a release in service that nobody had to make."""

from __future__ import annotations

from typing import Any

import pytest

import open_batch
from core.batches import open_batch as opening
from core.releases.live_release import LiveRelease
from tests.support.batches import BATCH, RELEASE
from tests.support.control_cases import DEFINITION
from tests.support.stage_in_memory import Context, Stage


def put_in_service(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the stage have release 3 of churn in service."""
    monkeypatch.setattr(
        opening,
        "live_release",
        lambda stage, model: LiveRelease(**RELEASE),  # type: ignore[arg-type]
    )
    content = DEFINITION.model_dump(mode="json")
    stage.put(f"runs/churn/{RELEASE['run']}/run.json", {"definition": {"content": content}})


def opened(context: Context, execution: str = BATCH, **request: Any) -> dict[str, Any]:
    event = {"execution": execution, "request": {"model": "churn", **request}}
    return open_batch.handler(event, context)


def resumed(context: Context, number: int) -> dict[str, Any]:
    return opened(context, f"{BATCH}-r{number}", batch=BATCH)
