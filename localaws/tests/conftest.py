"""One local stage for the whole session, shared by every test that needs a running one."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from localaws import stage as local_stage
from localaws.stage import Stage
from localaws.steps import Steps
from support.stage import connect
from support.steps import make_steps

Client = Callable[[str], Any]


@pytest.fixture(scope="session")
def stage_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the session's stage."""
    return tmp_path_factory.mktemp("stage") / "home"


@pytest.fixture(scope="session")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Steps:
    """The step code of the session's stage."""
    return make_steps(tmp_path_factory.mktemp("code") / "steps")


@pytest.fixture(scope="session")
def stage(stage_home: Path, steps: Steps) -> Iterator[Stage]:
    """A running local stage."""
    running = local_stage.up(stage_home, steps=steps.folder)
    yield running
    local_stage.down(stage_home)
    if not os.environ.get("LOCALAWS_KEEP_STAGE"):  # to read its logs after a failure
        shutil.rmtree(stage_home)


@pytest.fixture(scope="session")
def client(stage: Stage) -> Client:
    """Make a boto3 client of the stage, as root, once per service."""
    made: dict[str, Any] = {}

    def client(service: str) -> Any:
        if service not in made:
            made[service] = connect(stage, service)
        return made[service]

    return client


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what needs a Docker engine unless it is asked for: `pytest -m docker`."""
    if "docker" in (config.option.markexpr or ""):
        return
    for item in items:
        if item.get_closest_marker("docker"):
            item.add_marker(pytest.mark.skip(reason="needs a Docker engine: `pytest -m docker`"))
