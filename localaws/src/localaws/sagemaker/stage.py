"""SageMaker's API for the gateway, put together for a running stage."""

import json
import threading
from collections.abc import Mapping
from typing import Any

from localaws import authorization, credentials, persistence
from localaws.home import ACCOUNT, REGION
from localaws.jobs import spot
from localaws.jobs.docker import DockerEngine
from localaws.jobs.engines import Engine, ProcessEngine
from localaws.jobs.images import Images, NoImages
from localaws.jobs.processes import Processes
from localaws.jobs.runner import Runner
from localaws.jobs.spot import Market
from localaws.parts import Parts
from localaws.protocol.service import JsonService, Operation, Response
from localaws.protocol.shapes import Api
from localaws.sagemaker.account import (
    PRINCIPAL,
    TARGET_PREFIX,
    Access,
    Names,
    Ports,
    Tags,
)
from localaws.sagemaker.jobs import JobRunner
from localaws.sagemaker.processing import ProcessingJobs
from localaws.sagemaker.registry import Registry
from localaws.sagemaker.training import TrainingJobs


class SageMaker:
    """The service of one account in one region. All it holds is plain JSON."""

    def __init__(self, ports: Ports, runner: JobRunner, region: str, account: str) -> None:
        names = Names(region, account)
        lock = threading.RLock()
        tags = Tags(lock, ports.changed)
        access = Access(ports)
        self._lock = lock
        self._tags = tags
        self.jobs = ProcessingJobs(ports, runner, names, tags, access, lock)
        self.training = TrainingJobs(ports, runner, names, tags, access, lock)
        self._registry = Registry(ports, names, tags, access, lock)
        self._api = Api("sagemaker")
        operations: dict[str, Operation] = {
            **self.jobs.operations(),
            **self.training.operations(),
            **self._registry.operations(),
            **tags.operations(self._exists),
        }
        self._service = JsonService(self._api, TARGET_PREFIX, operations, lock)

    def respond(self, headers: Mapping[str, str], body: bytes) -> Response:
        """Answer one HTTP request. Everything here is in memory and returns at once."""
        return self._service.respond(headers, body)

    def call(self, name: str, request: dict[str, Any]) -> dict[str, Any]:
        """Call an operation by its name, as a client would; raises ServiceError."""
        return self._service.call(name, request)

    def warm_up(self) -> None:
        """Load the API's model now instead of at the first request."""
        self._api.model  # noqa: B018 - loading it is the point

    def get_state(self) -> dict[str, Any]:
        """Return a copy of all that is kept, as plain JSON."""
        with self._lock:
            state: dict[str, Any] = json.loads(
                json.dumps(
                    {
                        "jobs": self.jobs.state,
                        "training": self.training.state,
                        "registry": self._registry.state,
                        "tags": self._tags.state,
                    }
                )
            )
        return state

    def load_persisted_state(self, state: Mapping[str, Any] | None) -> None:
        """Take up what `get_state` returned in an earlier process."""
        if not state:
            return
        with self._lock:
            self._tags.state.update(state["tags"])
            self._registry.state.update(state["registry"])
            self.jobs.load(state["jobs"])
            self.training.load(state.get("training", {}))

    def _exists(self, arn: str) -> bool:
        return any(kept.has(arn) for kept in (self.jobs, self.training, self._registry))


class Stage:
    """The service, its runner and the process that starts the jobs."""

    def __init__(self, parts: Parts) -> None:
        self._emulator = parts.emulator
        self._processes = Processes()
        images = Images(parts.steps) if parts.steps else None
        self._engine: Engine = (
            DockerEngine(self._processes, parts.steps)
            if parts.docker and parts.steps
            else ProcessEngine(self._processes, images)
        )
        ports = Ports(
            endpoint=lambda: parts.endpoint,
            caller=self._emulator.caller,
            identity=self._emulator.identity,
            allowed=authorization.allowed,
            assume=assume,
            emit=self._emulator.emit,
            log_group_exists=self._emulator.log_group_exists,
            write_log=self._emulator.write_log,
            write_metric=self._emulator.write_metric,
            changed=lambda: persistence.changed("sagemaker"),
            market=lambda: Market.read(parts.home.root / spot.FILE),
        )
        folder = parts.home.root / "jobs"
        folder.mkdir(mode=0o700, exist_ok=True)
        runner = Runner(ports, folder, REGION, images or NoImages(), self._engine)
        self.service = SageMaker(ports, runner, REGION, ACCOUNT)

    def respond(self, headers: Mapping[str, str], body: bytes) -> Response:
        self._emulator.remember_caller(headers)
        return self.service.respond(headers, body)

    def warm_up(self) -> None:
        self.service.warm_up()

    def expect_jobs(self) -> None:
        """A run has begun: get a process ready for its first step."""
        self._engine.expect()

    def close(self) -> None:
        self._processes.close()


def assume(role: str, session: str) -> credentials.Credentials:
    return credentials.assume_as_service(role, PRINCIPAL, session)
