"""A world with a release, in which days are answered and monitored."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.monitored_world import World


@pytest.fixture
def world(tmp_path: Path) -> Callable[..., World]:
    """Make a world whose model has a task: binary, unless another is named."""

    def make(task: str = "binary") -> World:
        return World(task, tmp_path)

    return make
