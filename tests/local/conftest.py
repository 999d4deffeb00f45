"""One local stage for the whole session, shared by every test that needs a running one."""

import os
import shutil
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from kanmon.local import stage as local_stage
from kanmon.local.stage import Stage

Client = Callable[[str], Any]


@lru_cache(maxsize=128)  # making one takes longer than most calls
def connect(stage: Stage, service: str, **keys: str) -> Any:
    """Return a boto3 client of the stage, as root or with the keys given. It tries once."""
    return boto3.client(
        service,
        config=Config(retries={"total_max_attempts": 1}),
        endpoint_url=stage.endpoint,
        region_name=stage.region,
        **(
            keys
            or {
                "aws_access_key_id": stage.access_key,
                "aws_secret_access_key": stage.secret_key,
            }
        ),
    )


@pytest.fixture(scope="session")
def stage_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the session's stage."""
    return tmp_path_factory.mktemp("stage") / ".kanmon"


@pytest.fixture(scope="session")
def stage(stage_home: Path) -> Iterator[Stage]:
    """A running local stage."""
    running = local_stage.up(stage_home)
    yield running
    local_stage.down(stage_home)
    if not os.environ.get("KANMON_KEEP_STAGE"):  # to read its logs after a failure
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
