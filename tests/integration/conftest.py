"""Handlers and gateways against a stage in memory."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import requests
from moto import mock_aws
from moto.core.base_backend import BaseBackend

from tests.support.no_account import no_account
from tests.support.services import Services
from tests.support.stage_in_memory import (
    ARRIVALS,
    BUCKET,
    EVENT_BUS,
    MACHINE,
    MONITOR_MACHINE,
    RUN,
    SCORE_MACHINE,
    TABLE,
    TOPIC,
    Context,
    Stage,
)

__all__ = ["no_account"]

# Before any handler is imported.
os.environ.update(
    POWERTOOLS_SERVICE_NAME="kanmon",
    POWERTOOLS_METRICS_NAMESPACE="Kanmon",
    DATA_BUCKET=BUCKET,
    MODEL_TABLE=TABLE,
    STAGE="dev",
    STACK_NAME="kanmon-test",
    STEPS_REPOSITORY="kanmon-test-steps",
    STEP_IMAGE_DIGESTS="",
    STEP_MEMORY_MB="3008",
    RETRAIN_MACHINE_ARN=MACHINE,
    SCORE_MACHINE_ARN=SCORE_MACHINE,
    MONITOR_MACHINE_ARN=MONITOR_MACHINE,
    ARRIVALS_QUEUE_URL=ARRIVALS,
    RELEASE_PIPELINE="kanmon-test-release",
    AUTOMATIC_APPROVAL="true",
    AWS_REGION="us-east-1",
    EVENT_BUS=EVENT_BUS,
    NOTIFICATIONS_TOPIC_ARN=TOPIC,
)


# moto would write the addresses of a service anew for every call.
BaseBackend.urls = property(cache(BaseBackend.urls.fget))  # type: ignore[method-assign]


@pytest.fixture
def context() -> Context:
    return Context()


@pytest.fixture
def load_event() -> Callable[[str], dict[str, Any]]:
    folder = Path(__file__).parents[1] / "events"
    return lambda name: dict(json.loads((folder / f"{name}.json").read_text()))


@pytest.fixture(scope="module")
def clients(no_account: None) -> Iterator[Stage]:
    """One set of clients for a file of tests: making them is what takes time."""
    with mock_aws():
        yield Stage()


@pytest.fixture
def stage(clients: Stage) -> Stage:
    """Everything deployed, the model churn published, some data and all images there."""
    requests.post("http://motoapi.amazonaws.com/moto-api/reset", timeout=5)
    clients.deploy()
    clients.put("datasets/churn/customers.csv", "gender,tenure,churn\nf,1,yes\n")
    clients.publish()
    return clients


@pytest.fixture
def opened(stage: Stage, context: Context) -> Callable[..., dict[str, Any]]:
    """Opens a run of churn on the stage; keywords go into the request."""
    import open_run  # late: it reads the settings above

    def call(run: str = RUN, **request: Any) -> dict[str, Any]:
        return open_run.handler({"run": run, "request": {"model": "churn", **request}}, context)

    return call


@pytest.fixture
def services() -> Iterator[Services]:
    made = Services()
    yield made
    made.finish()
