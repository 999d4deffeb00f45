"""CodePipeline's API for the gateway."""

import json
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from localaws.codepipeline.approvals import Approvals
from localaws.codepipeline.deadlines import Deadlines
from localaws.codepipeline.engine import Engine
from localaws.codepipeline.executions import Executions
from localaws.codepipeline.jobs import Jobs
from localaws.codepipeline.names import TARGET_PREFIX, Names
from localaws.codepipeline.outbox import Outbox
from localaws.codepipeline.pipelines import Pipelines
from localaws.codepipeline.ports import Ports, Provider
from localaws.codepipeline.records import RUNNING
from localaws.codepipeline.state import State
from localaws.protocol.service import JsonService, Operation, Response
from localaws.protocol.shapes import Api


class CodePipeline:
    """The service of one account in one region. All it holds is plain JSON.

    `providers` are by the provider's name in an action type; `scale` is how many seconds of an
    approval's time pass here in one.
    """

    def __init__(
        self,
        ports: Ports,
        providers: Mapping[str, Provider],
        jobs: Jobs,
        names: Names,
        scale: float = 1.0,
    ) -> None:
        self._lock = threading.RLock()
        self._state = State()
        self._deadlines = Deadlines(ports.now)
        self._outbox = Outbox(ports, self._deadlines, self._lock)
        ports = replace(ports, emit=self._outbox.emit)
        self._engine = Engine(ports, self._state, names, providers, self._lock)
        self._approvals = Approvals(
            ports, self._state, self._engine, self._deadlines, self._lock, scale
        )
        operations: dict[str, Operation] = {
            **Pipelines(ports, self._state, names, self._engine).operations(),
            **Executions(ports, self._state, names, self._engine).operations(),
            **self._approvals.operations(),
            **jobs.operations(),
        }
        self._api = Api("codepipeline")
        self._service = JsonService(self._api, TARGET_PREFIX, operations, self._lock)

    def respond(self, headers: Mapping[str, str], body: bytes) -> Response:
        """Answer one HTTP request. Everything here is in memory and returns at once."""
        return self._service.respond(headers, body)

    def call(self, name: str, request: dict[str, Any]) -> dict[str, Any]:
        """Call an operation by its name, as a client would; raises ServiceError."""
        return self._service.call(name, request)

    def warm_up(self) -> None:
        """Load the API's model now instead of at the first request."""
        self._api.model  # noqa: B018 - loading it is the point

    @property
    def in_use(self) -> bool:
        """Whether there is any pipeline."""
        return bool(self._state.pipelines)

    def get_state(self) -> dict[str, Any]:
        """Return a copy of all that is kept, as plain JSON."""
        with self._lock:
            taken = {**self._state.take(), "events": self._outbox.state}
            kept: dict[str, Any] = json.loads(json.dumps(taken))
        return kept

    def load_persisted_state(self, state: Mapping[str, Any] | None) -> None:
        """Take up what `get_state` returned in an earlier process, and go on with it.

        What ran then is failed, so that its stage can be retried; what waits goes on waiting.
        """
        if not state:
            return
        with self._lock:
            self._state.load(state)
            self._outbox.load(state.get("events", []))
            under_way = [
                execution
                for execution in self._state.executions.values()
                if execution["status"] in RUNNING
            ]
            for execution in under_way:
                self._engine.runs.fail_interrupted(execution)
                self._approvals.resume(execution)
            for execution in under_way:
                self._engine.advance(execution)

    def close(self) -> None:
        self._deadlines.close()
