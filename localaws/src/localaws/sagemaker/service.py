"""SageMaker's API for the gateway."""

import json
import threading
from collections.abc import Mapping
from typing import Any

from localaws.protocol.service import JsonService, Operation, Response
from localaws.protocol.shapes import Api
from localaws.sagemaker.access import Access
from localaws.sagemaker.names import TARGET_PREFIX, Names
from localaws.sagemaker.ports import Ports
from localaws.sagemaker.processing import JobRunner, ProcessingJobs
from localaws.sagemaker.registry import Registry
from localaws.sagemaker.tags import Tags


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
        self._registry = Registry(ports, names, tags, access, lock)
        self._api = Api("sagemaker")
        operations: dict[str, Operation] = {
            **self.jobs.operations(),
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

    def _exists(self, arn: str) -> bool:
        return self.jobs.has(arn) or self._registry.has(arn)
