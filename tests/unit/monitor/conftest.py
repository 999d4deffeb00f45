"""A world with a release, in which days are answered and monitored."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.monitored_world import World


@pytest.fixture
def world(tmp_path: Path) -> Callable[..., World]:
    """Make a world whose model has a task: binary, unless another is named; with `computed`, its
    model has features.py."""

    names = (f"world-{number}" for number in itertools.count())

    def make(task: str = "binary", computed: bool = False) -> World:
        return World(task, tmp_path / next(names), computed=computed)

    return make
