"""A world with a release, in which days are answered and monitored."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from contract import bootstrap
from tests.support.monitored_world import World


@pytest.fixture
def world(tmp_path: Path) -> Callable[..., World]:
    """Make a world whose model has a task and is of a variant: see run_plan."""

    names = (f"world-{number}" for number in itertools.count())

    def make(task: str = "binary", variant: str = "plain") -> World:
        return World(task, tmp_path / next(names), variant=variant)

    return make


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Intervals from fewer draws: how good they are is tested where they are made."""
    monkeypatch.setattr(bootstrap, "RESAMPLES", 60)
