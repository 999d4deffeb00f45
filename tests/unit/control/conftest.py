"""A world of releases for each test."""

import pytest

from tests.support.release_world import World


@pytest.fixture
def world() -> World:
    return World()
