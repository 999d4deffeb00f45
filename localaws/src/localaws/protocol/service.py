"""A service for the gateway: reads a request, checks it, calls the operation, answers."""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from localaws.protocol.errors import ServiceError, not_here
from localaws.protocol.shapes import Api

CONTENT_TYPE = "application/x-amz-json-1.1"

Response = tuple[int, dict[str, str], bytes]
Operation = Callable[[dict[str, Any]], dict[str, Any] | None]


class JsonService:
    """Operations by name, behind AWS's JSON protocol. They run under the lock, one at a time."""

    def __init__(
        self,
        api: Api,
        target_prefix: str,
        operations: Mapping[str, Operation],
        lock: AbstractContextManager[Any],
    ) -> None:
        self._api = api
        self._prefix = target_prefix
        self._operations = operations
        self._lock = lock

    def respond(self, headers: Mapping[str, str], body: bytes) -> Response:
        """Answer one HTTP request."""
        target = {name.lower(): value for name, value in headers.items()}.get("x-amz-target", "")
        try:
            request = json.loads(body or b"{}")
            if not isinstance(request, dict):
                raise ValueError("a request is a JSON object")
            answer = self.call(target.removeprefix(self._prefix), request)
        except ServiceError as error:
            return written(error.status, {"__type": error.code, "message": str(error)})
        except ValueError as error:
            return written(400, {"__type": "SerializationException", "message": str(error)})
        return written(200, answer)

    def call(self, name: str, request: dict[str, Any]) -> dict[str, Any]:
        """Call an operation by its name, as a client would; raises ServiceError."""
        operation = self._operations.get(name)
        if operation is None:
            self._api.operation(name)
            raise not_here(f"{self._api.service}'s operation {name}")
        given = {member: value for member, value in request.items() if value is not None}
        self._api.check(name, given)
        with self._lock:
            return self._api.answer(name, operation(given) or {})


def written(status: int, answer: Mapping[str, Any]) -> Response:
    return status, {"Content-Type": CONTENT_TYPE}, json.dumps(answer).encode()
