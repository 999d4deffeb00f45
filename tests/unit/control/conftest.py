"""A world of releases for each test."""

import pytest

from tests.unit.control.release_world import World


@pytest.fixture
def world() -> World:
    return World()
