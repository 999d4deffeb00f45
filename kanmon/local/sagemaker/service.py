"""SageMaker's API for the gateway: reads a request, checks it, calls the operation, answers."""

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from kanmon.local.sagemaker import shapes
from kanmon.local.sagemaker.access import Access
from kanmon.local.sagemaker.errors import SageMakerError
from kanmon.local.sagemaker.names import Names
from kanmon.local.sagemaker.ports import Ports
from kanmon.local.sagemaker.processing import JobRunner, ProcessingJobs
from kanmon.local.sagemaker.registry import Registry
from kanmon.local.sagemaker.tags import Tags

TARGET_PREFIX = "SageMaker."
CONTENT_TYPE = "application/x-amz-json-1.1"

Response = tuple[int, dict[str, str], bytes]
Operation = Callable[[dict[str, Any]], dict[str, Any] | None]


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
        self._operations: Mapping[str, Operation] = {
            **self.jobs.operations(),
            **self._registry.operations(),
            **tags.operations(self._exists),
        }

    async def handle(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        query_params: Mapping[str, Any],
    ) -> Response:
        """Answer one HTTP request. Everything here is in memory and returns at once."""
        target = {name.lower(): value for name, value in headers.items()}.get("x-amz-target", "")
        try:
            request = json.loads(body or b"{}")
            if not isinstance(request, dict):
                raise ValueError("a request is a JSON object")
            answer = self.call(target.removeprefix(TARGET_PREFIX), request)
        except SageMakerError as error:
            return respond(error.status, {"__type": error.code, "message": str(error)})
        except ValueError as error:
            return respond(400, {"__type": "SerializationException", "message": str(error)})
        return respond(200, answer)

    def call(self, name: str, request: dict[str, Any]) -> dict[str, Any]:
        """Call an operation by its name, as a client would; raises SageMakerError."""
        operation = self._operations.get(name)
        if operation is None:
            shapes.operation(name)
            raise SageMakerError(
                "UnknownOperationException", f"the local stage does not have SageMaker's {name}"
            )
        given = {member: value for member, value in request.items() if value is not None}
        shapes.check(name, given)
        with self._lock:
            return shapes.answer(name, operation(given) or {})

    def warm_up(self) -> None:
        """Load the API's model now instead of at the first request."""
        shapes.service()

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


def respond(status: int, answer: Mapping[str, Any]) -> Response:
    return status, {"Content-Type": CONTENT_TYPE}, json.dumps(answer).encode()
