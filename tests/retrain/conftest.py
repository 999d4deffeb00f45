"""The whole platform on a local stage, for tests that drive it as a user would."""

from collections.abc import Iterator

import pytest

from tests.support.laptop import Laptop, deployed


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """One for the files whose tests keep to models of their own, and break nothing of the stage."""
    with deployed(tmp_path_factory.mktemp("shared")) as laptop:
        yield laptop


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """A project with the platform deployed on its local stage."""
    root = tmp_path_factory.mktemp("laptop")
    with deployed(root) as laptop:
        yield laptop
